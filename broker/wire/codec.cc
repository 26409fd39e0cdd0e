// The parts of the codec that do not depend on a message's type.
#include "broker/wire/codec.h"

namespace weir::wire {
namespace {

// Bytes that a UTF-8 sequence with this first byte has; 0 when no sequence starts so.
size_t SequenceSize(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

// Whether the second byte rules out overlong forms, surrogates and what lies past U+10FFFF.
bool IsValidSecond(uint8_t lead, uint8_t second) {
  if (lead == 0xe0) return second >= 0xa0;
  if (lead == 0xed) return second < 0xa0;
  if (lead == 0xf0) return second >= 0x90;
  if (lead == 0xf4) return second < 0x90;
  return true;
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const uint8_t lead = static_cast<uint8_t>(text[at]);
    const size_t size = SequenceSize(lead);
    if (size == 0 || size > text.size() - at) return false;
    for (size_t i = 1; i < size; ++i) {
      const uint8_t next = static_cast<uint8_t>(text[at + i]);
      if ((next & 0xc0) != 0x80) return false;
      if (i == 1 && !IsValidSecond(lead, next)) return false;
    }
    at += size;
  }
  return true;
}

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

void BufferSink::WriteRun(const SharedBytes& run) {
  if (run.size() < Frame::kGatherBytesMin) {
    Write(run.data(), run.size());
    return;
  }
  CutPart();
  frame_.parts.push_back(run);
}

void BufferSink::CutPart() {
  if (written_ == part_begin_) return;
  frame_.parts.emplace_back(buffer_, part_begin_, written_ - part_begin_);
  part_begin_ = written_;
}

Frame BufferSink::Finish() {
  WEIR_CHECK(written_ == buffer_->size(), "counting and writing must agree");
  CutPart();
  return std::move(frame_);
}

Error MalformedMessage(const MessageInfo& info, int16_t version, const Reader& reader,
                       size_t size) {
  const char* reason = reader.failed() ? reader.reason() : "malformed";
  return Error{ErrorCode::kInvalidRequest, std::string(info.name) + " v" + std::to_string(version) +
                                               " of " + std::to_string(size) + " bytes: " + reason};
}

Error UnknownVersion(const MessageInfo& info, int16_t version) {
  return Error{ErrorCode::kUnsupportedVersion,
               std::string(info.name) + " has no version " + std::to_string(version)};
}

Result<RequestEnvelope> DecodeRequestHeader(const SharedBytes& frame) {
  Reader peek(frame.view());
  const int16_t key = peek.Fixed<int16_t>();
  const int16_t version = peek.Fixed<int16_t>();
  if (peek.failed()) {
    return tl::unexpected(MalformedMessage(RequestHeader::kInfo, 1, peek, frame.size()));
  }
  RequestEnvelope envelope;
  envelope.api = FindApi(key);
  if (envelope.api == nullptr) {
    return Fail(ErrorCode::kUnsupportedVersion, "API key " + std::to_string(key) + " is unknown");
  }
  const int16_t header_version = RequestHeaderVersion(*envelope.api, version);
  Decoder decoder(frame, header_version, RequestHeader::kInfo.IsFlexible(header_version));
  decoder.ReadStruct(envelope.header);
  if (decoder.reader().failed()) {
    return tl::unexpected(
        MalformedMessage(RequestHeader::kInfo, header_version, decoder.reader(), frame.size()));
  }
  const size_t header_bytes = decoder.reader().offset();
  envelope.body = frame.Slice(header_bytes, frame.size() - header_bytes);
  return envelope;
}

}  // namespace weir::wire
