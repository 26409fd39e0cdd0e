#include "broker/metadata/image_holder.h"

#include <utility>

namespace weir::broker {
namespace {

// About a millisecond of answers to clients.
constexpr size_t kDuePerTurn = 64;

}  // namespace

ImageHolder::ImageHolder(Executor& metadata_thread, std::vector<Executor*> shards)
    : metadata_thread_(metadata_thread),
      shards_(std::move(shards)),
      newest_(std::make_shared<const metadata::MetadataImage>()) {
  images_.assign(shards_.size(), newest_);
  waiting_.resize(shards_.size());
  due_.resize(shards_.size());
}

void ImageHolder::WhenReached(size_t shard, LogIndex offset, Task task) {
  if (images_[shard]->offset() < offset) {
    waiting_[shard].push_back({offset, std::move(task)});
    return;
  }
  due_[shard].push_back(std::move(task));
  if (due_[shard].size() == 1) shards_[shard]->Post([this, shard] { RunDue(shard); });
}

void ImageHolder::Adopt(size_t shard, ImagePtr image) {
  images_[shard] = std::move(image);
  const LogIndex reached = images_[shard]->offset();
  const bool is_idle = due_[shard].empty();
  std::erase_if(waiting_[shard], [&](Waiting& waiting) {
    if (waiting.offset > reached) return false;
    due_[shard].push_back(std::move(waiting.task));
    return true;
  });
  if (is_idle && !due_[shard].empty()) shards_[shard]->Post([this, shard] { RunDue(shard); });
}

void ImageHolder::RunDue(size_t shard) {
  std::deque<Task>& due = due_[shard];
  for (size_t ran = 0; !due.empty() && ran < kDuePerTurn; ++ran) {
    // Stays in front while it runs, so that who asks meanwhile finds the queue busy.
    due.front()();
    due.pop_front();
  }
  if (!due.empty()) shards_[shard]->Post([this, shard] { RunDue(shard); });
}

void ImageHolder::Publish(ImagePtr image, Task done) {
  newest_ = image;
  // Counted down on the metadata thread only.
  struct Countdown {
    size_t left;
    Task done;
  };
  auto countdown = std::make_shared<Countdown>(Countdown{shards_.size(), std::move(done)});
  for (size_t i = 0; i < shards_.size(); ++i) {
    shards_[i]->Post([this, i, image, countdown]() mutable {
      Adopt(i, std::move(image));
      metadata_thread_.Post([countdown = std::move(countdown)] {
        if (--countdown->left == 0) countdown->done();
      });
    });
  }
}

}  // namespace weir::broker
