// ImageHolder: the newest metadata image, one reference per shard, so that a handler reads it
// without any lock or atomic.
//
// Laws:
//  1. A shard sees images in the order of their offsets.
//  2. `done` of Publish runs when every shard has the image; what waited for it may still have to
//     run.
//  3. What waits for an offset runs on its shard, once; what is due runs in the order of asking.
//  4. Thousands may wait for one offset: a shard does its other work in between.
// Thread rule: Publish on the metadata thread; At(shard) and WhenReached(shard) on that shard's
// thread, Newest on the metadata thread.
#pragma once

#include <deque>
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
  // Runs `task` when the shard's image has reached `offset`; never inside the call, so that answers
  // to thousands of clients take turns with the shard's other work however they come.
  void WhenReached(size_t shard, LogIndex offset, Task task);

 private:
  struct Waiting {
    LogIndex offset;
    Task task;
  };

  void Adopt(size_t shard, ImagePtr image);
  void RunDue(size_t shard);

  Executor& metadata_thread_;
  std::vector<Executor*> shards_;
  // One per shard, each touched on its shard only.
  std::vector<ImagePtr> images_;
  std::vector<std::vector<Waiting>> waiting_;
  ImagePtr newest_;
  // One per shard too: what has been reached and is still to run.
  std::vector<std::deque<Task>> due_;
};

}  // namespace weir::broker
