#include "broker/handlers/admin_forward.h"

namespace weir::handlers {

void SetCause(const Call& call, const net::ConnectionInfo& connection,
              admin::v1::RequestContext* context) {
  // Kafka's name for clients that have not authenticated.
  context->set_principal("User:ANONYMOUS");
  std::string tool =
      connection.client_software_name.empty()
          ? std::string(call.client_id())
          : connection.client_software_name + "/" + connection.client_software_version;
  context->set_tool(tool.empty() ? "kafka-client" : std::move(tool));
}

Error ForwardError(const Error& error) {
  if (error.code == ErrorCode::kNetworkException || error.code == ErrorCode::kNotController) {
    return {ErrorCode::kRequestTimedOut, "no active controller: " + error.message};
  }
  return error;
}

ItemError ToItemError(const admin::v1::AdminError& error) {
  if (error.code() == 0) return {};
  return {ErrorCodeFromNumber(error.code()), error.message()};
}

}  // namespace weir::handlers
