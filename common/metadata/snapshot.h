// Snapshots of an image: the records that would build it, in chunks of bounded size. The same form
// goes to disk, to lagging controllers and to brokers.
//
// Laws:
//  1. Loading what was written gives an equal image, for every image.
//  2. Equal images give equal bytes.
//  3. A chunk is at most `chunk_bytes_max` plus one record.
// Thread rule: plain functions and values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/result.h"
#include "common/metadata/image.h"

namespace weir::metadata {

// Serialized v1::SnapshotChunk messages, at least one.
std::vector<std::string> WriteSnapshot(const MetadataImage& image,
                                       size_t chunk_bytes_max = limits::kSnapshotChunkBytes);

// Builds an image from the chunks, given in order.
class SnapshotLoader {
 public:
  // Errors: kCorruptMessage when the bytes are no chunk or a record does not fit what came before;
  // the loader is useless afterwards.
  Status Add(std::string_view chunk);
  // The image, as of `offset`: the last log index that the snapshot covers.
  MetadataImage Finish(LogIndex offset);

 private:
  MetadataImage image_;
};

// All at once. Errors: as SnapshotLoader::Add.
Result<MetadataImage> LoadSnapshot(const std::vector<std::string>& chunks, LogIndex offset);

}  // namespace weir::metadata
