#include "broker/handlers/dispatcher.h"

#include <string>
#include <utility>

#include "broker/handlers/handlers.h"

namespace weir::handlers {

void Dispatcher::OnRequest(net::ConnectionInfo& connection, net::Request request) {
  Result<wire::RequestEnvelope> envelope = wire::DecodeRequestHeader(request.frame);
  if (!envelope) {
    broker_.metrics->Refused();
    return request.responder.Abort(weir::ToString(envelope.error()));
  }
  const ApiHandler* handler = registry_.Find(envelope->header.request_api_key);
  const int16_t version = envelope->version();
  Call call(broker_, static_cast<size_t>(connection.shard), *std::move(envelope),
            std::move(request));
  if (handler != nullptr && handler->versions.Contains(version)) {
    return handler->handle(std::move(call), connection);
  }
  broker_.metrics->Refused();
  if (handler != nullptr && handler->key == wire::ApiKey::kApiVersions) {
    return RefuseApiVersions(std::move(call));
  }
  call.Abort({ErrorCode::kUnsupportedVersion, std::string(call.api().name) + " version " +
                                                  std::to_string(version) + " is not served"});
}

}  // namespace weir::handlers
