// CowMap: an ordered map whose copies cost one reference count, for images that are published to
// other threads after every change.
//
// A copy shares everything; the first change of a shared map copies the spine (one pointer per ~64
// entries) and the one leaf it touches. A map nobody shares changes in place.
//
// Laws:
//  1. Iteration is in key order, so that everything printed or hashed from it is deterministic.
//  2. A const CowMap is never changed through a copy of it.
//  3. Iterators and pointers are valid until the next change of the same CowMap object.
// Thread rule: one owner per object; const objects may be read from any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/check.h"

namespace weir {

template <class K, class V>
class CowMap {
 public:
  using Entry = std::pair<K, V>;

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = const Entry*;
    using reference = const Entry&;

    Iterator() = default;
    reference operator*() const { return (*(*spine_)[leaf_])[slot_]; }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      if (++slot_ == (*spine_)[leaf_]->size()) {
        ++leaf_;
        slot_ = 0;
      }
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) {
      return a.leaf_ == b.leaf_ && a.slot_ == b.slot_;
    }

   private:
    friend class CowMap;
    using Spine = std::vector<std::shared_ptr<std::vector<Entry>>>;
    Iterator(const Spine* spine, size_t leaf, size_t slot)
        : spine_(spine), leaf_(leaf), slot_(slot) {}
    const Spine* spine_ = nullptr;
    size_t leaf_ = 0;
    size_t slot_ = 0;
  };

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  Iterator begin() const { return Iterator(spine_.get(), 0, 0); }
  Iterator end() const { return Iterator(spine_.get(), spine_ ? spine_->size() : 0, 0); }

  // The first entry whose key is not less than `key`.
  template <class Q>
  Iterator LowerBound(const Q& key) const {
    if (empty()) return end();
    const size_t leaf = LeafFor(key);
    const size_t slot = SlotFor(*(*spine_)[leaf], key);
    if (slot < (*spine_)[leaf]->size()) return Iterator(spine_.get(), leaf, slot);
    return Iterator(spine_.get(), leaf + 1, 0);
  }

  // Null when absent.
  template <class Q>
  const V* Find(const Q& key) const {
    if (empty()) return nullptr;
    const Leaf& leaf = *(*spine_)[LeafFor(key)];
    const size_t slot = SlotFor(leaf, key);
    return slot < leaf.size() && !(key < leaf[slot].first) ? &leaf[slot].second : nullptr;
  }
  template <class Q>
  bool Contains(const Q& key) const {
    return Find(key) != nullptr;
  }

  // The value to change; null when absent. Copies the leaf if it is shared.
  template <class Q>
  V* Mutable(const Q& key) {
    if (Find(key) == nullptr) return nullptr;
    Leaf& leaf = OwnLeaf(LeafFor(key));
    return &leaf[SlotFor(leaf, key)].second;
  }

  // Inserts or replaces.
  V& Put(K key, V value) {
    if (empty()) {
      spine_ = std::make_shared<Spine>();
      spine_->push_back(std::make_shared<Leaf>());
    }
    size_t index = LeafFor(key);
    Leaf* leaf = &OwnLeaf(index);
    size_t slot = SlotFor(*leaf, key);
    if (slot < leaf->size() && !(key < (*leaf)[slot].first)) {
      (*leaf)[slot].second = std::move(value);
      return (*leaf)[slot].second;
    }
    if (leaf->size() == kLeafEntriesMax && slot == kLeafEntriesMax && index + 1 == spine_->size()) {
      // Appended at the very end: keys that come in order fill their leaves.
      spine_->push_back(std::make_shared<Leaf>());
      leaf = spine_->back().get();
      slot = 0;
    } else if (leaf->size() == kLeafEntriesMax) {
      Split(index);
      if (slot > kLeafEntriesMax / 2) {
        ++index;
        slot -= kLeafEntriesMax / 2;
      }
      leaf = (*spine_)[index].get();
    }
    leaf->emplace(leaf->begin() + static_cast<std::ptrdiff_t>(slot), std::move(key),
                  std::move(value));
    ++size_;
    return (*leaf)[slot].second;
  }

  // Returns whether there was something to erase.
  template <class Q>
  bool Erase(const Q& key) {
    if (Find(key) == nullptr) return false;
    const size_t index = LeafFor(key);
    Leaf& leaf = OwnLeaf(index);
    leaf.erase(leaf.begin() + static_cast<std::ptrdiff_t>(SlotFor(leaf, key)));
    if (leaf.empty()) spine_->erase(spine_->begin() + static_cast<std::ptrdiff_t>(index));
    --size_;
    return true;
  }

  friend bool operator==(const CowMap& a, const CowMap& b) {
    return a.size_ == b.size_ &&
           (a.spine_ == b.spine_ || std::equal(a.begin(), a.end(), b.begin()));
  }

 private:
  using Leaf = std::vector<Entry>;
  using Spine = std::vector<std::shared_ptr<Leaf>>;
  static constexpr size_t kLeafEntriesMax = 64;

  // Index of the leaf that holds `key` or where it belongs. REQUIRES: at least one leaf.
  template <class Q>
  size_t LeafFor(const Q& key) const {
    const auto after = std::upper_bound(
        spine_->begin(), spine_->end(), key,
        [](const Q& k, const auto& leaf) { return !leaf->empty() && k < leaf->front().first; });
    return after == spine_->begin() ? 0 : static_cast<size_t>(after - spine_->begin()) - 1;
  }

  template <class Q>
  static size_t SlotFor(const Leaf& leaf, const Q& key) {
    const auto at = std::lower_bound(leaf.begin(), leaf.end(), key,
                                     [](const Entry& e, const Q& k) { return e.first < k; });
    return static_cast<size_t>(at - leaf.begin());
  }

  // Before `owned`, which nobody else holds any more, is written to: what its last other holder has
  // read on another thread happens before. use_count() alone does not promise that.
  template <class T>
  static void AfterOtherReaders([[maybe_unused]] const std::shared_ptr<T>& owned) {
#if defined(__SANITIZE_THREAD__)
    const std::shared_ptr<T> counted = owned;  // ThreadSanitizer does not know fences
#else
    std::atomic_thread_fence(std::memory_order_acquire);
#endif
  }

  void OwnSpine() {
    if (spine_.use_count() > 1) {
      spine_ = std::make_shared<Spine>(*spine_);
    } else {
      AfterOtherReaders(spine_);
    }
  }

  Leaf& OwnLeaf(size_t index) {
    OwnSpine();
    auto& leaf = (*spine_)[index];
    if (leaf.use_count() > 1) {
      leaf = std::make_shared<Leaf>(*leaf);
    } else {
      AfterOtherReaders(leaf);
    }
    return *leaf;
  }

  // REQUIRES: spine and leaf are owned, the leaf is full.
  void Split(size_t index) {
    Leaf& low = *(*spine_)[index];
    const auto middle = low.begin() + kLeafEntriesMax / 2;
    auto high =
        std::make_shared<Leaf>(std::make_move_iterator(middle), std::make_move_iterator(low.end()));
    low.erase(middle, low.end());
    spine_->insert(spine_->begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(high));
  }

  std::shared_ptr<Spine> spine_;
  size_t size_ = 0;
};

}  // namespace weir
