// FrameReader: turns the bytes of a socket into Kafka frames (int32 size, then that many bytes)
// without copying them.
//
// The caller reads from the socket straight into the memory PrepareRead names. A frame leaves as a
// SharedBytes over that same memory, so that record batches inside it can go to disk, to the tail
// cache and to followers as they arrived.
//
// Laws:
//  1. No memory is allocated for a frame beyond max(64 KiB, twice the bytes of it that have
//     arrived, twice what this connection's recent frames had), however large it claims to be
//
//  2. A frame larger than `frame_bytes_max`, or with a negative size, is an error before any
//     allocation.
//  3. Small frames share slabs; a frame larger than a slab gets a buffer of just its size, so
//     that whoever keeps it keeps nothing else.
// Thread rule: one owner; frames handed out may cross threads.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace weir::net {

class FrameReader {
 public:
  struct Span {
    char* data = nullptr;
    size_t size = 0;
  };
  // Where the next bytes go, in order; unused spans have size 0.
  using Spans = std::array<Span, 2>;

  explicit FrameReader(size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  // Never empty. Valid until the next call of PrepareRead or Commit.
  Spans PrepareRead();

  // Says that `size` bytes were read into the spans of the last PrepareRead, first span first.
  void Commit(size_t size);

  // The next complete frame, without its size field; nullopt when more bytes are needed.
  // Errors: kInvalidRequest (negative or too large size): the connection cannot go on.
  Result<std::optional<SharedBytes>> Next();

  // Whether a frame has begun and is not complete: a peer that stops here is half-open.
  bool InsideFrame() const { return end_ > begin_; }
  // Gives the slab back while nothing is expected. No-op inside a frame.
  void ReleaseIdleMemory();

 private:
  void Move(size_t capacity);
  size_t SlabBytes() const;
  // Size of the frame at begin_ with its size field; 0 when the size field itself is incomplete.
  size_t WholeFrameBytes() const;

  size_t frame_bytes_max_;
  std::shared_ptr<Buffer> slab_;
  // Unparsed bytes are slab_[begin_, end_).
  size_t begin_ = 0;
  size_t end_ = 0;
  // Follows slab_ when slab_ is one large frame: greedy reads spill over into it.
  std::shared_ptr<Buffer> spill_;
  size_t spill_end_ = 0;
  size_t last_frame_bytes_ = 0;
  // A slowly falling maximum over the complete frames: the size this peer has shown to be real.
  size_t proven_frame_bytes_ = 0;
};

}  // namespace weir::net
