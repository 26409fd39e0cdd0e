// Registry: every API this broker serves: key, versions, handler. ApiVersions is generated from it,
// so what is advertised is what is implemented (D9).
//
// Laws:
//  1. An API is in the table once. Its versions are within those of its message.
//  2. Advertised versions may begin below the served ones only for Produce: clients look for
//     version 0 before they compress (FEATURES 8.1), and Kafka itself refuses 0 to 2.
// Thread rule: immutable after construction.
#pragma once

#include <span>
#include <vector>

#include "broker/handlers/broker_context.h"
#include "broker/net/request.h"
#include "broker/wire/codec.h"

namespace weir::handlers {

// Decodes, does, and answers one request. `connection` is valid during the call only.
using HandlerFunction = void (*)(Call call, net::ConnectionInfo& connection);

struct ApiHandler {
  wire::ApiKey key;
  // Served.
  wire::VersionRange versions;
  HandlerFunction handle;
  // Advertised from here on; -1: from versions.first.
  int16_t advertised_first = -1;

  int16_t FirstAdvertised() const {
    return advertised_first >= 0 ? advertised_first : versions.first;
  }
};

class Registry {
 public:
  explicit Registry(std::vector<ApiHandler> handlers);

  // By ascending key.
  std::span<const ApiHandler> handlers() const { return handlers_; }
  // Null when the API is not served.
  const ApiHandler* Find(int16_t key) const;

 private:
  std::vector<ApiHandler> handlers_;
  // Index into handlers_ by key; -1 when absent.
  std::vector<int> index_;
};

// The APIs that this build serves.
Registry MakeRegistry();

// A request's body. Bytes after the message are ignored, as Kafka does: librdkafka sends some with
// "all topics" in flexible versions of Metadata. Errors: kInvalidRequest.
template <wire::Message Request>
Result<Request> DecodeRequest(const SharedBytes& body, int16_t version) {
  Request request;
  wire::Decoder decoder(body, version, Request::kInfo.IsFlexible(version));
  decoder.ReadStruct(request);
  if (!decoder.reader().failed()) return request;
  return tl::unexpected<Error>(
      wire::MalformedMessage(Request::kInfo, version, decoder.reader(), body.size()));
}

// Turns a function of the decoded request into a HandlerFunction; malformed requests close the
// connection.
template <class RequestMessage, void (*kHandle)(Call, net::ConnectionInfo&, RequestMessage)>
void DecodeThen(Call call, net::ConnectionInfo& connection) {
  Result<RequestMessage> request = DecodeRequest<RequestMessage>(call.body(), call.version());
  if (!request) {
    call.broker().metrics->Refused();
    return call.Abort(request.error());
  }
  kHandle(std::move(call), connection, *std::move(request));
}

}  // namespace weir::handlers
