// The parts of the codec that do not depend on a message's type.
#include "broker/wire/codec.h"

namespace weir::wire {

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
