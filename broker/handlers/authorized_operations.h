// The *_authorized_operations bit fields of Metadata, DescribeCluster, DescribeTopicPartitions and
// DescribeGroups: bit n stands for operation n of Kafka's ACL operations. Without authorization
// every operation that a resource knows is allowed. Thread rule: constants.
#pragma once

#include <cstdint>

namespace weir::handlers {

// Kafka's AclOperation numbers.
enum class AclOperation : int {
  kRead = 3,
  kWrite = 4,
  kCreate = 5,
  kDelete = 6,
  kAlter = 7,
  kDescribe = 8,
  kClusterAction = 9,
  kDescribeConfigs = 10,
  kAlterConfigs = 11,
  kIdempotentWrite = 12,
};

constexpr int32_t Bit(AclOperation operation) { return 1 << static_cast<int>(operation); }

inline constexpr int32_t kAllTopicOperations =
    Bit(AclOperation::kRead) | Bit(AclOperation::kWrite) | Bit(AclOperation::kCreate) |
    Bit(AclOperation::kDelete) | Bit(AclOperation::kAlter) | Bit(AclOperation::kDescribe) |
    Bit(AclOperation::kDescribeConfigs) | Bit(AclOperation::kAlterConfigs);

inline constexpr int32_t kAllGroupOperations =
    Bit(AclOperation::kRead) | Bit(AclOperation::kDelete) | Bit(AclOperation::kDescribe) |
    Bit(AclOperation::kDescribeConfigs) | Bit(AclOperation::kAlterConfigs);

inline constexpr int32_t kAllClusterOperations =
    Bit(AclOperation::kCreate) | Bit(AclOperation::kAlter) | Bit(AclOperation::kDescribe) |
    Bit(AclOperation::kClusterAction) | Bit(AclOperation::kDescribeConfigs) |
    Bit(AclOperation::kAlterConfigs) | Bit(AclOperation::kIdempotentWrite);

}  // namespace weir::handlers
