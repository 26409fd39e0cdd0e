// Apply: the only mutator of an image. Controllers, brokers, tools, tests and the simulator replay
// the metadata log through it, so that equal logs give equal images (DESIGN D2).
//
// Laws:
//  1. Total: it never fails and never crashes, whatever the bytes. A record that refers to
//     something absent, or makes no sense, is ignored and counted in image.skipped_records().
//  2. Deterministic: the result depends on the image, the batch and the offset only.
//  3. Afterwards image.offset() == offset. A batch at or below image.offset() has been applied
//     already and is ignored.
//  4. A change of leader bumps the leader epoch, every change of a partition its partition epoch;
//     epochs stay at their largest value instead of wrapping.
//  5. A batch with a request id is remembered with its reply: the last
//     limits::kCompletedRequestsMax of them, and no more than limits::kCompletedReplyBytesMax
//     bytes.
// Thread rule: the image's owner.
#pragma once

#include <string_view>

#include "common/base/ids.h"
#include "common/metadata/delta.h"
#include "common/metadata/image.h"
#include "proto/record.pb.h"

namespace weir::metadata {

void Apply(MetadataImage& image, const v1::MetadataBatch& batch, LogIndex offset);

// The same, and adds to `delta` (which may hold earlier changes) what changed.
void ApplyAndTrack(MetadataImage& image, const v1::MetadataBatch& batch, LogIndex offset,
                   Delta* delta);

// The same for a serialized batch, as log entries and the metadata feed carry it; `delta` may be
// null. Empty bytes (entries that hold no batch) only move the offset. Returns false, and counts
// one skipped record, when the bytes are no batch.
bool ApplyBytes(MetadataImage& image, std::string_view batch, LogIndex offset, Delta* delta);

}  // namespace weir::metadata
