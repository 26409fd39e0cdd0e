#include "broker/net/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/check.h"

namespace weir::net {
namespace {

constexpr size_t kSizeFieldBytes = 4;
// Holds many small requests per read call.
constexpr size_t kSlabBytes = 32 * 1024;
// What is read past a large frame: enough to see the next size field, little enough to copy.
constexpr size_t kSpillBytes = 4 * 1024;
// Memory given to a frame before more of it has arrived (law 1).
constexpr size_t kFrameStartBytes = 64 * 1024;
// From this size on a frame has a buffer of its own.
constexpr size_t kLargeFrameBytes = 16 * 1024;

int32_t ReadSizeField(const char* data) {
  uint32_t value = 0;
  for (size_t i = 0; i < kSizeFieldBytes; ++i) {
    value = (value << 8) | static_cast<uint8_t>(data[i]);
  }
  return static_cast<int32_t>(value);
}

}  // namespace

size_t FrameReader::SlabBytes() const {
  // After a large frame another is likely: read little of it before its own buffer exists.
  return last_frame_bytes_ >= kLargeFrameBytes ? kSpillBytes : kSlabBytes;
}

size_t FrameReader::WholeFrameBytes() const {
  if (end_ - begin_ < kSizeFieldBytes) return 0;
  return kSizeFieldBytes + static_cast<size_t>(ReadSizeField(slab_->data() + begin_));
}

void FrameReader::Move(size_t capacity) {
  auto larger = Buffer::Allocate(capacity);
  const size_t have = end_ - begin_;
  if (have > 0) std::memcpy(larger->data(), slab_->data() + begin_, have);
  slab_ = std::move(larger);
  begin_ = 0;
  end_ = have;
}

FrameReader::Spans FrameReader::PrepareRead() {
  WEIR_CHECK(spill_end_ == 0, "Next must be called until it gives no frame");
  const size_t have = end_ - begin_;
  const size_t whole = WholeFrameBytes();
  if (slab_ == nullptr) {
    Move(SlabBytes());
  } else if (whole == 0) {
    // Between frames or inside a size field: there must be room for one.
    if (slab_->size() - begin_ < kSizeFieldBytes || end_ == slab_->size()) Move(SlabBytes());
  } else if (whole > slab_->size() - begin_) {
    // Law 1: the whole frame at once only if it is small or has half arrived.
    const size_t allowed = std::max({kFrameStartBytes, 2 * have, 2 * proven_frame_bytes_});
    if (whole <= allowed || end_ == slab_->size()) Move(std::min(whole, allowed));
  }
  Spans spans;
  spans[0] = {slab_->data() + end_, slab_->size() - end_};
  if (whole >= kLargeFrameBytes && whole == slab_->size() - begin_) {
    if (spill_ == nullptr) spill_ = Buffer::Allocate(kSpillBytes);
    spans[1] = {spill_->data(), spill_->size()};
  }
  return spans;
}

void FrameReader::Commit(size_t size) {
  const size_t room = slab_->size() - end_;
  const size_t first = std::min(size, room);
  end_ += first;
  if (size == first) return;
  WEIR_CHECK(spill_ != nullptr);
  spill_end_ = size - first;
  WEIR_CHECK(spill_end_ <= spill_->size());
}

Result<std::optional<SharedBytes>> FrameReader::Next() {
  if (end_ - begin_ < kSizeFieldBytes) return std::optional<SharedBytes>();
  const int32_t size = ReadSizeField(slab_->data() + begin_);
  if (size < 0) return Fail(ErrorCode::kInvalidRequest, "frame size " + std::to_string(size));
  if (static_cast<size_t>(size) > frame_bytes_max_) {
    return Fail(ErrorCode::kInvalidRequest, "frame of " + std::to_string(size) +
                                                " bytes is larger than the limit of " +
                                                std::to_string(frame_bytes_max_));
  }
  const size_t whole = kSizeFieldBytes + static_cast<size_t>(size);
  if (end_ - begin_ < whole) return std::optional<SharedBytes>();
  SharedBytes frame(slab_, begin_ + kSizeFieldBytes, whole - kSizeFieldBytes);
  begin_ += whole;
  last_frame_bytes_ = whole;
  proven_frame_bytes_ = std::max(whole, proven_frame_bytes_ - proven_frame_bytes_ / 16);
  if (spill_end_ > 0) {
    WEIR_CHECK(begin_ == end_);
    slab_ = std::move(spill_);
    begin_ = 0;
    end_ = std::exchange(spill_end_, 0);
  } else if (begin_ == slab_->size()) {
    slab_ = nullptr;
    begin_ = end_ = 0;
  }
  return std::optional<SharedBytes>(std::move(frame));
}

void FrameReader::ReleaseIdleMemory() {
  if (InsideFrame()) return;
  slab_ = nullptr;
  spill_ = nullptr;
  begin_ = end_ = 0;
}

}  // namespace weir::net
