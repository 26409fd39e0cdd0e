// codec.h: Kafka requests and responses, from frame to struct and back. What handlers and
// connections include.
//
//   WEIR_ASSIGN_OR_RETURN(RequestEnvelope envelope, DecodeRequestHeader(frame));
//   WEIR_ASSIGN_OR_RETURN(auto request, Decode<ProduceRequest>(envelope.body, envelope.version()));
//   socket.Write(EncodeResponse(envelope.version(), envelope.correlation_id(), response).parts);
//
// A frame here is what follows the 4-byte size when received, and includes that size when encoded
// to be sent. Thread rule: pure functions.
#pragma once

#include "broker/wire/decoder.h"
#include "broker/wire/encoder.h"
#include "broker/wire/messages/headers.h"
#include "common/base/result.h"

namespace weir::wire {

// Bytes of the size that leads every frame on a connection.
inline constexpr size_t kFrameSizeBytes = 4;

// A request whose header has been read and whose body has not.
struct RequestEnvelope {
  const ApiFacts* api = nullptr;  // never null once decoded
  RequestHeader header;
  SharedBytes body;

  int16_t version() const { return header.request_api_version; }
  int32_t correlation_id() const { return header.correlation_id; }
};

// Reads the header in front of any request. The version may be one that nobody serves: the caller
// decides (ApiVersions answers such a request, all others close the connection).
// Errors: kUnsupportedVersion for an API key that the protocol does not define; kInvalidRequest.
Result<RequestEnvelope> DecodeRequestHeader(const SharedBytes& frame);

// "ProduceRequest v9 of 40 bytes: length beyond the end"
Error MalformedMessage(const MessageInfo& info, int16_t version, const Reader& reader, size_t size);
Error UnknownVersion(const MessageInfo& info, int16_t version);

// Reads exactly one message. Views and records in it point into `body`.
// Errors: kUnsupportedVersion outside the message's versions; kInvalidRequest for malformed bytes.
template <Message M>
Result<M> Decode(const SharedBytes& body, int16_t version) {
  if (!M::kInfo.versions.Contains(version))
    return tl::unexpected(UnknownVersion(M::kInfo, version));
  M message;
  Decoder decoder(body, version, M::kInfo.IsFlexible(version));
  decoder.ReadStruct(message);
  Reader& reader = decoder.reader();
  if (reader.remaining() > 0) reader.Fail("bytes after the message");
  if (reader.failed()) {
    return tl::unexpected(MalformedMessage(M::kInfo, version, reader, body.size()));
  }
  return message;
}

// The message alone, without header or size. REQUIRES: the message has that version.
template <Message M>
Frame EncodeBody(int16_t version, const M& message) {
  WEIR_CHECK(M::kInfo.versions.Contains(version));
  const bool flexible = M::kInfo.IsFlexible(version);
  FrameSink count;
  Encoder(count, version, flexible).WriteStruct(message);
  FrameSink sink(count, 0);
  Encoder(sink, version, flexible).WriteStruct(message);
  return sink.Finish();
}

// Size, header and message in one frame. REQUIRES: both have their version.
template <Message Header, Message M>
Frame EncodeFramed(int16_t header_version, const Header& header, int16_t version,
                   const M& message) {
  WEIR_CHECK(M::kInfo.versions.Contains(version));
  const bool header_flexible = Header::kInfo.IsFlexible(header_version);
  const bool flexible = M::kInfo.IsFlexible(version);
  FrameSink count;
  Encoder(count, header_version, header_flexible).WriteStruct(header);
  Encoder(count, version, flexible).WriteStruct(message);
  FrameSink sink(count, kFrameSizeBytes);
  Encoder header_encoder(sink, header_version, header_flexible);
  header_encoder.Fixed(static_cast<int32_t>(count.total()));
  header_encoder.WriteStruct(header);
  Encoder(sink, version, flexible).WriteStruct(message);
  return sink.Finish();
}

// A response as it goes on the socket. REQUIRES: M is the response of an API, at one of its
// versions.
template <Message M>
Frame EncodeResponse(int16_t version, int32_t correlation_id, const M& response) {
  const ApiFacts* api = FindApi(static_cast<int16_t>(M::kInfo.api_key));
  WEIR_CHECK(api != nullptr);
  const ResponseHeader header{.correlation_id = correlation_id};
  return EncodeFramed(ResponseHeaderVersion(*api, version), header, version, response);
}

// A request as it goes on the socket, for the replica fetcher and tests.
template <Message M>
Frame EncodeRequest(int16_t version, int32_t correlation_id, std::optional<std::string> client_id,
                    const M& request) {
  const ApiFacts* api = FindApi(static_cast<int16_t>(M::kInfo.api_key));
  WEIR_CHECK(api != nullptr);
  const RequestHeader header{.request_api_key = static_cast<int16_t>(M::kInfo.api_key),
                             .request_api_version = version,
                             .correlation_id = correlation_id,
                             .client_id = std::move(client_id)};
  return EncodeFramed(RequestHeaderVersion(*api, version), header, version, request);
}

// A received response: header, then message. `frame` is without its size.
// Errors: as Decode.
template <Message M>
Result<M> DecodeResponse(const SharedBytes& frame, int16_t version, int32_t* correlation_id) {
  const ApiFacts* api = FindApi(static_cast<int16_t>(M::kInfo.api_key));
  WEIR_CHECK(api != nullptr);
  const int16_t header_version = ResponseHeaderVersion(*api, version);
  ResponseHeader header;
  Decoder decoder(frame, header_version, ResponseHeader::kInfo.IsFlexible(header_version));
  decoder.ReadStruct(header);
  if (decoder.reader().failed()) {
    return tl::unexpected(
        MalformedMessage(ResponseHeader::kInfo, header_version, decoder.reader(), frame.size()));
  }
  *correlation_id = header.correlation_id;
  const size_t header_bytes = decoder.reader().offset();
  return Decode<M>(frame.Slice(header_bytes, frame.size() - header_bytes), version);
}

}  // namespace weir::wire
