// How many bytes replicas take, asked of the brokers (Kafka's DescribeLogDirs, which librdkafka
// does not have). Thread rule: one owner, blocking.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::ctl {

// By topic and partition.
using ReplicaSizes = std::map<std::pair<std::string, int32_t>, int64_t>;

// Of the broker whose plaintext listener is at `address`, host:port. Errors: kNetworkException,
// kKafkaStorageError (an answer that is none).
Result<ReplicaSizes> AskReplicaSizes(const std::string& address, Duration timeout);

// The body of a DescribeLogDirs answer, version 1. Errors: kKafkaStorageError.
Result<ReplicaSizes> ParseLogDirs(std::string_view body);

}  // namespace weir::ctl
