// Which records are for brokers (DESIGN D6): what group members say to each other, and what they
// are assigned, stays with the controllers, which answer joins, syncs and descriptions of groups.
//
// Laws:
//  1. It depends on the record's kind alone.
//  2. A broker's image differs from a controller's only in GroupMember's subscription and
//     assignments, which are null there: no record depends on one that is left out.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "proto/record.pb.h"

namespace weir::metadata {

bool IsForBrokers(v1::MetadataRecord::KindCase kind);

// A serialized MetadataBatch without the records that brokers do not get. Bytes that are no batch
// come back as they are: Apply counts them on every node alike.
std::string BatchForBrokers(std::string_view batch);

// The same for a serialized SnapshotChunk.
std::string ChunkForBrokers(std::string_view chunk);

}  // namespace weir::metadata
