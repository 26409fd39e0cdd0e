// Mailbox: hands items from many threads to one consumer, in batches: the consumer takes everything
// that has gathered since it last looked, which is what group commit lives from.
//
//   if (mailbox.Put(std::move(items))) consumer.Post([this] { Work(mailbox.TakeAll()); });
//
// Laws:
//  1. TakeAll returns items in the order of their Put.
//  2. Put returns true exactly when nobody has been told since the last TakeAll: the caller posts
//     the consumer.
// Thread rule: Put from any thread; TakeAll from the consumer.
#pragma once

#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace weir::runtime {

template <class T>
class Mailbox {
 public:
  // Whether the consumer must be woken.
  [[nodiscard]] bool Put(std::vector<T> items) {
    const std::lock_guard lock(mutex_);
    if (items_.empty()) {
      items_ = std::move(items);
    } else {
      items_.insert(items_.end(), std::make_move_iterator(items.begin()),
                    std::make_move_iterator(items.end()));
    }
    return !std::exchange(told_, true);
  }

  std::vector<T> TakeAll() {
    const std::lock_guard lock(mutex_);
    told_ = false;
    return std::exchange(items_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<T> items_;
  bool told_ = false;
};

}  // namespace weir::runtime
