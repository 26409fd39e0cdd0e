// ImageHolder: the newest metadata image, one reference per shard, so that a handler reads it
// without any lock or atomic.
//
// Laws:
//  1. A shard sees images in the order of their offsets.
//  2. `done` of Publish runs when every shard has the image.
//  3. What waits for an offset runs on its shard, in the order of asking, once.
// Thread rule: Publish on the metadata thread; At(shard) and WhenReached(shard) on that shard's
// thread, Newest on the metadata thread.
#pragma once

#include <memory>
#include <vector>

#include "common/base/executor.h"
#include "common/metadata/image.h"

namespace weir::broker {

using ImagePtr = std::shared_ptr<const metadata::MetadataImage>;

class ImageHolder {
 public:
  ImageHolder(Executor& metadata_thread, std::vector<Executor*> shards);

  void Publish(ImagePtr image, Task done);
  const ImagePtr& At(size_t shard) const { return images_[shard]; }
  const ImagePtr& Newest() const { return newest_; }
  // Runs `task` when the shard's image has reached `offset`: inside the call when it has already.
  void WhenReached(size_t shard, LogIndex offset, Task task);

 private:
  struct Waiting {
    LogIndex offset;
    Task task;
  };

  void Adopt(size_t shard, ImagePtr image);

  Executor& metadata_thread_;
  std::vector<Executor*> shards_;
  // One per shard, each touched on its shard only.
  std::vector<ImagePtr> images_;
  std::vector<std::vector<Waiting>> waiting_;
  ImagePtr newest_;
};

}  // namespace weir::broker
