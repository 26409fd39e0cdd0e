// IncrementalAlterConfigs (key 44) and AlterConfigs (key 33): both become one AlterConfigs call at
// the active controller, the older one as "replace all".
#include <memory>
#include <string>
#include <utility>

#include "broker/handlers/admin_forward.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/configs.h"

namespace weir::handlers {
namespace {

constexpr int8_t kOperationMax = 3;  // SUBTRACT, in the protocol as in admin.proto

template <class Response>
struct Waiting {
  Call call;
  Response response;
};

template <class Response>
void OnAltered(Waiting<Response>& waiting, Result<admin::v1::AlterConfigsReply> reply) {
  auto& results = waiting.response.responses;
  for (size_t i = 0; i < results.size(); ++i) {
    const ItemError error = ItemOutcome(reply, &admin::v1::AlterConfigsReply::resources, i);
    results[i].error_code = error.code;
    results[i].error_message = error.message;
  }
  waiting.call.Reply(waiting.response);
}

// A change of an operation that the protocol does not define becomes an error of the whole request.
Status ToChange(const wire::IncrementalAlterConfigsRequest::Config& from,
                admin::v1::ConfigChange* to) {
  if (from.config_operation < 0 || from.config_operation > kOperationMax) {
    return Fail(ErrorCode::kInvalidRequest,
                "unknown operation " + std::to_string(from.config_operation) + " on " + from.name);
  }
  to->set_key(from.name);
  to->set_operation(static_cast<admin::v1::ConfigOperation>(from.config_operation));
  if (from.value) to->set_value(*from.value);
  return {};
}

Status ToChange(const wire::AlterConfigsRequest::Config& from, admin::v1::ConfigChange* to) {
  to->set_key(from.name);
  if (!from.value) {
    to->set_operation(admin::v1::CONFIG_OPERATION_DELETE);
  } else {
    to->set_value(*from.value);
  }
  return {};
}

template <class Response, class Request>
void Forward(Call call, net::ConnectionInfo& connection, const Request& request, bool replace_all) {
  admin::v1::AlterConfigsRequest forwarded;
  SetCause(call, connection, forwarded.mutable_context());
  forwarded.set_validate_only(request.validate_only);
  auto waiting = std::make_shared<Waiting<Response>>(Waiting<Response>{std::move(call), {}});
  Status malformed;
  for (const auto& resource : request.resources) {
    auto& result = waiting->response.responses.emplace_back();
    result.error_message.reset();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    admin::v1::AlteredResource* altered = forwarded.add_resources();
    altered->mutable_resource()->set_type(
        static_cast<metadata::v1::ConfigResourceType>(resource.resource_type));
    altered->mutable_resource()->set_name(resource.resource_name);
    altered->set_replace_all(replace_all);
    for (const auto& config : resource.configs) {
      if (Status changed = ToChange(config, altered->add_changes()); !changed) malformed = changed;
    }
  }
  if (!malformed) {
    return OnAltered<Response>(*waiting, tl::unexpected<Error>(malformed.error()));
  }
  if (forwarded.resources().empty()) return waiting->call.Reply(waiting->response);
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  controllers.AlterConfigs(
      std::move(forwarded), ForwardTimeout(kForwardTimeoutMsDefault),
      OnShard<admin::v1::AlterConfigsReply>(std::move(waiting), OnAltered<Response>));
}

void HandleIncremental(Call call, net::ConnectionInfo& connection,
                       wire::IncrementalAlterConfigsRequest request) {
  Forward<wire::IncrementalAlterConfigsResponse>(std::move(call), connection, request, false);
}

void HandleReplace(Call call, net::ConnectionInfo& connection, wire::AlterConfigsRequest request) {
  Forward<wire::AlterConfigsResponse>(std::move(call), connection, request, true);
}

}  // namespace

void HandleIncrementalAlterConfigs(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::IncrementalAlterConfigsRequest, HandleIncremental>(std::move(call), connection);
}

void HandleAlterConfigs(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::AlterConfigsRequest, HandleReplace>(std::move(call), connection);
}

}  // namespace weir::handlers
