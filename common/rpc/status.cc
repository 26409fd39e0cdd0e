#include "common/rpc/status.h"

#include <google/protobuf/any.pb.h>

#include <string>

#include "common/base/check.h"

namespace weir::rpc {
namespace {

// The gRPC code that tools which do not know our detail should see.
grpc::StatusCode CodeFor(ErrorCode code) {
  if (code == ErrorCode::kRequestTimedOut) return grpc::StatusCode::DEADLINE_EXCEEDED;
  if (code == ErrorCode::kTopicAlreadyExists || code == ErrorCode::kDuplicateVoter ||
      code == ErrorCode::kDuplicateBrokerRegistration || code == ErrorCode::kDuplicateResource) {
    return grpc::StatusCode::ALREADY_EXISTS;
  }
  if (code == ErrorCode::kUnknownTopicOrPartition || code == ErrorCode::kUnknownTopicId ||
      code == ErrorCode::kVoterNotFound || code == ErrorCode::kBrokerIdNotRegistered ||
      code == ErrorCode::kResourceNotFound) {
    return grpc::StatusCode::NOT_FOUND;
  }
  if (code == ErrorCode::kThrottlingQuotaExceeded) return grpc::StatusCode::RESOURCE_EXHAUSTED;
  if (code == ErrorCode::kClusterAuthorizationFailed ||
      code == ErrorCode::kTopicAuthorizationFailed) {
    return grpc::StatusCode::PERMISSION_DENIED;
  }
  if (code == ErrorCode::kUnknownServerError) return grpc::StatusCode::INTERNAL;
  if (code == ErrorCode::kUnsupportedVersion) return grpc::StatusCode::UNIMPLEMENTED;
  if (IsRetriable(code)) return grpc::StatusCode::UNAVAILABLE;
  return grpc::StatusCode::FAILED_PRECONDITION;
}

// What a status that another layer made (connection refused, deadline, limits) means to us.
ErrorCode MeaningOf(grpc::StatusCode code) {
  if (code == grpc::StatusCode::UNAVAILABLE) return ErrorCode::kNetworkException;
  if (code == grpc::StatusCode::CANCELLED) return ErrorCode::kNetworkException;
  if (code == grpc::StatusCode::DEADLINE_EXCEEDED) return ErrorCode::kRequestTimedOut;
  if (code == grpc::StatusCode::UNIMPLEMENTED) return ErrorCode::kUnsupportedVersion;
  if (code == grpc::StatusCode::RESOURCE_EXHAUSTED) return ErrorCode::kThrottlingQuotaExceeded;
  return ErrorCode::kUnknownServerError;
}

}  // namespace

grpc::Status ToGrpcStatus(const Error& error, std::string_view leader_address) {
  admin::v1::AdminError detail;
  SetAdminError(error, &detail);
  detail.set_leader_address(std::string(leader_address));
  admin::v1::RichStatus rich;
  const grpc::StatusCode code = CodeFor(error.code);
  const std::string text = ToString(error);
  rich.set_code(static_cast<int>(code));
  rich.set_message(text);
  rich.add_details()->PackFrom(detail);
  return grpc::Status(code, text, rich.SerializeAsString());
}

RpcError FromGrpcStatus(const grpc::Status& status) {
  WEIR_CHECK(!status.ok());
  admin::v1::RichStatus rich;
  if (!status.error_details().empty() && rich.ParseFromString(status.error_details())) {
    for (const auto& any : rich.details()) {
      admin::v1::AdminError detail;
      if (!any.UnpackTo(&detail) || detail.code() == 0) continue;
      return {{ErrorCodeFromNumber(detail.code()), detail.message()}, detail.leader_address()};
    }
  }
  return {{MeaningOf(status.error_code()), status.error_message()}, {}};
}

void SetAdminError(const Error& error, admin::v1::AdminError* out) {
  out->set_code(static_cast<int32_t>(error.code));
  out->set_name(std::string(ErrorName(error.code)));
  out->set_message(error.message);
}

Status FromAdminError(const admin::v1::AdminError& error) {
  if (error.code() == 0) return {};
  return Fail(ErrorCodeFromNumber(error.code()), error.message());
}

}  // namespace weir::rpc
