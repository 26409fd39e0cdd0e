// NodeIdList: an ordered list of node ids in 16 bytes. A partition holds eight of them, and a
// cluster hundreds of thousands of partitions, so up to three ids live inside the value and only
// longer lists allocate.
//
// Laws:
//  1. The order is the owner's (preferred leader first); duplicates are the owner's business.
//  2. A list is replaced or grown, never edited in the middle: Without() makes a new one.
// Thread rule: plain value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>

#include "common/base/ids.h"

namespace weir::metadata {

class NodeIdList {
 public:
  NodeIdList() = default;
  NodeIdList(std::initializer_list<NodeId> ids) : NodeIdList(std::span(ids.begin(), ids.size())) {}
  explicit NodeIdList(std::span<const NodeId> ids) { Assign(ids); }
  NodeIdList(const NodeIdList& other) { Assign(other); }
  NodeIdList(NodeIdList&& other) noexcept { Swap(other); }
  NodeIdList& operator=(NodeIdList other) noexcept {
    Swap(other);
    return *this;
  }
  ~NodeIdList() {
    if (!is_inline()) delete[] heap();
  }

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  const NodeId* begin() const { return data(); }
  const NodeId* end() const { return data() + size_; }
  NodeId operator[](size_t index) const { return data()[index]; }
  NodeId front() const { return data()[0]; }
  operator std::span<const NodeId>() const { return {data(), size_}; }

  bool Contains(NodeId id) const { return std::find(begin(), end(), id) != end(); }
  // Appends one id.
  void Add(NodeId id);
  // The list without `id`, order kept.
  NodeIdList Without(NodeId id) const;

  friend bool operator==(const NodeIdList& a, const NodeIdList& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  static constexpr size_t kInlineIds = 3;

  bool is_inline() const { return size_ <= kInlineIds; }
  NodeId* heap() const {
    NodeId* pointer;
    std::memcpy(&pointer, inline_, sizeof pointer);
    return pointer;
  }
  const NodeId* data() const { return is_inline() ? inline_ : heap(); }
  // REQUIRES: this holds no heap memory.
  void Assign(std::span<const NodeId> ids);
  void Swap(NodeIdList& other) noexcept {
    std::swap_ranges(inline_, inline_ + kInlineIds, other.inline_);
    std::swap(size_, other.size_);
  }

  // Up to three ids, or in the first eight bytes a pointer to size_ ids.
  alignas(8) NodeId inline_[kInlineIds] = {};
  uint32_t size_ = 0;
};
static_assert(sizeof(NodeIdList) == 16);

// "[1, 2, 3]".
std::string ToString(const NodeIdList& ids);

}  // namespace weir::metadata
