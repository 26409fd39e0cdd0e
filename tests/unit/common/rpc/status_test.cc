// Errors across gRPC and back, and the mapping of what other layers say.
#include "common/rpc/status.h"

#include <gtest/gtest.h>

namespace weir::rpc {
namespace {

TEST(RpcStatus, AnErrorComesBackWithCodeMessageAndLeader) {
  for (const ErrorCode code :
       {ErrorCode::kNotController, ErrorCode::kTopicAlreadyExists, ErrorCode::kRequestTimedOut,
        ErrorCode::kUnknownServerError, ErrorCode::kStaleBrokerEpoch}) {
    const grpc::Status status = ToGrpcStatus({code, "because"}, "host:9090");
    EXPECT_FALSE(status.ok());
    const RpcError back = FromGrpcStatus(status);
    EXPECT_EQ(back.error, (Error{code, "because"}));
    EXPECT_EQ(back.leader_address, "host:9090");
  }
}

TEST(RpcStatus, AStatusWithoutOurDetailGetsTheNearestCode) {
  using grpc::StatusCode;
  EXPECT_EQ(FromGrpcStatus({StatusCode::UNAVAILABLE, "refused"}).error.code,
            ErrorCode::kNetworkException);
  EXPECT_EQ(FromGrpcStatus({StatusCode::DEADLINE_EXCEEDED, ""}).error.code,
            ErrorCode::kRequestTimedOut);
  EXPECT_EQ(FromGrpcStatus({StatusCode::UNIMPLEMENTED, ""}).error.code,
            ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(FromGrpcStatus({StatusCode::INTERNAL, "", "not a message \x01\x02"}).error.code,
            ErrorCode::kUnknownServerError);
}

TEST(RpcStatus, ItemErrors) {
  admin::v1::AdminError item;
  EXPECT_TRUE(FromAdminError(item));
  SetAdminError({ErrorCode::kInvalidPartitions, "too many"}, &item);
  EXPECT_EQ(item.name(), "INVALID_PARTITIONS");
  EXPECT_EQ(FromAdminError(item).error(), (Error{ErrorCode::kInvalidPartitions, "too many"}));
}

}  // namespace
}  // namespace weir::rpc
