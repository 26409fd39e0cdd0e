// Errors across gRPC: weir::Error <-> grpc::Status with a RichStatus detail (proto/admin.proto), so
// that a caller in any language sees Kafka's error code and, with NOT_CONTROLLER, where the leader
// is. Thread rule: pure functions.
#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "proto/admin.pb.h"

namespace weir::rpc {

// An error as a caller gets it. `leader_address` (host:port) is set with kNotController when the
// answering controller knows its leader.
struct RpcError {
  Error error;
  std::string leader_address;
};

// A non-OK status with the packed AdminError as its binary detail.
grpc::Status ToGrpcStatus(const Error& error, std::string_view leader_address = {});

// The reverse. A status without our detail (connection refused, deadline, a proxy's answer) becomes
// kNetworkException, kRequestTimedOut or the nearest code. REQUIRES: !status.ok().
RpcError FromGrpcStatus(const grpc::Status& status);

// For replies that carry one error per item. Success has code 0.
void SetAdminError(const Error& error, admin::v1::AdminError* out);
// The item's outcome.
Status FromAdminError(const admin::v1::AdminError& error);

}  // namespace weir::rpc
