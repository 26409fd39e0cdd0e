// SharedBytes: a reference-counted, immutable run of bytes inside a larger buffer.
//
// Laws:
//  1. The bytes behind a SharedBytes never change once it has been shared (who fills a buffer
//     does so before the first copy of it leaves its thread).
//  2. Copying is a reference count; nothing is copied. A small slice keeps its whole buffer alive:
//     `retained_bytes()` tells how much, so that caches can account for it.
// Thread rule: values may cross threads; the count is atomic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "common/base/check.h"

namespace weir {

// A fixed-size heap buffer. Mutable through its owner only.
class Buffer {
 public:
  static std::shared_ptr<Buffer> Allocate(size_t size) { return std::make_shared<Buffer>(size); }
  explicit Buffer(size_t size) : data_(new char[size]), size_(size) {}

  char* data() { return data_.get(); }
  const char* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  std::unique_ptr<char[]> data_;
  size_t size_;
};

class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(std::shared_ptr<const Buffer> buffer, size_t begin, size_t size)
      : buffer_(std::move(buffer)), data_(buffer_->data() + begin), size_(size) {
    WEIR_CHECK(begin <= buffer_->size());
    WEIR_CHECK(size <= buffer_->size() - begin);
  }
  // Copies `text` into a buffer of its own.
  static SharedBytes Copy(std::string_view text);

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }
  size_t retained_bytes() const { return buffer_ ? buffer_->size() : 0; }

  // REQUIRES: begin + size <= this->size().
  SharedBytes Slice(size_t begin, size_t size) const {
    WEIR_CHECK(begin <= size_);
    WEIR_CHECK(size <= size_ - begin);
    SharedBytes slice = *this;
    slice.data_ += begin;
    slice.size_ = size;
    return slice;
  }

 private:
  std::shared_ptr<const Buffer> buffer_;
  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace weir
