// Frames, and the parts of the encoder that do not depend on a field's type.
#include "broker/wire/encoder.h"

namespace weir::wire {

size_t Frame::size() const {
  size_t total = 0;
  for (const SharedBytes& part : parts) total += part.size();
  return total;
}

SharedBytes Frame::Flatten() const {
  if (parts.size() == 1) return parts.front();
  std::shared_ptr<Buffer> buffer = Buffer::Allocate(size());
  size_t at = 0;
  for (const SharedBytes& part : parts) {
    std::memcpy(buffer->data() + at, part.data(), part.size());
    at += part.size();
  }
  return SharedBytes(std::move(buffer), 0, at);
}

void FrameSink::WriteRun(const SharedBytes& run) {
  if (run.size() < Frame::kGatherBytesMin) {
    Write(run.data(), run.size());
    return;
  }
  gathered_bytes_ += run.size();
  if (buffer_ == nullptr) return;
  CutPart();
  frame_.parts.push_back(run);
}

void FrameSink::CutPart() {
  if (own_bytes_ == part_begin_) return;
  frame_.parts.emplace_back(buffer_, part_begin_, own_bytes_ - part_begin_);
  part_begin_ = own_bytes_;
}

Frame FrameSink::Finish() {
  WEIR_CHECK(buffer_ != nullptr);
  WEIR_CHECK(own_bytes_ == buffer_->size(), "counting and writing must agree");
  CutPart();
  return std::move(frame_);
}

void Encoder::UnsignedVarint(uint32_t value) {
  char raw[5];
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) raw[size++] = static_cast<char>(value | 0x80);
  raw[size++] = static_cast<char>(value);
  sink_.Write(raw, size);
}

void Encoder::WriteNull(bool is_string, bool compact) {
  if (compact) {
    UnsignedVarint(0);
  } else if (is_string) {
    Fixed<int16_t>(-1);
  } else {
    Fixed<int32_t>(-1);
  }
}

void Encoder::WriteLength(size_t length, bool compact) {
  if (compact) {
    UnsignedVarint(static_cast<uint32_t>(length + 1));
  } else {
    Fixed(static_cast<int32_t>(length));
  }
}

void Encoder::WriteString(std::string_view text, bool compact) {
  text = text.substr(0, INT16_MAX);
  if (compact) {
    UnsignedVarint(static_cast<uint32_t>(text.size() + 1));
  } else {
    Fixed(static_cast<int16_t>(text.size()));
  }
  sink_.Write(text.data(), text.size());
}

}  // namespace weir::wire
