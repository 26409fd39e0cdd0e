// Topics: creating, growing and deleting them.
//
// One bad topic in a request does not hinder the others: its result carries the error. Errors of
// the whole call: kPolicyViolation when everything together is more than one batch may hold. Thread
// rule: pure functions.
#pragma once

#include <string_view>

#include "controller/state/decision.h"

namespace weir::state {

// Errors per topic: kInvalidTopicException (name, or one that collides in '.' and '_'),
// kTopicAlreadyExists, kInvalidRequest (twice in one request; assignments beside counts),
// kInvalidPartitions, kInvalidReplicationFactor, kInvalidReplicaAssignment, kInvalidConfig,
// kPolicyViolation (too many partitions at once).
Result<Decision<admin::v1::CreateTopicsReply>> CreateTopics(
    const DecisionContext& context, const admin::v1::CreateTopicsRequest& request);

// Errors per topic: kUnknownTopicOrPartition (by name), kUnknownTopicId (by id), kInvalidRequest
// (twice in one request, or neither name nor id).
Result<Decision<admin::v1::DeleteTopicsReply>> DeleteTopics(
    const DecisionContext& context, const admin::v1::DeleteTopicsRequest& request);

// Errors per topic: kUnknownTopicOrPartition, kInvalidPartitions (not more than there are, or too
// many), kInvalidReplicaAssignment, kInvalidReplicationFactor (too few live brokers),
// kInvalidRequest (twice in one request).
Result<Decision<admin::v1::CreatePartitionsReply>> CreatePartitions(
    const DecisionContext& context, const admin::v1::CreatePartitionsRequest& request);

// Kafka's rules for names: 1 to 249 of a-z A-Z 0-9 . _ -, not "." or "..". Errors:
// kInvalidTopicException.
Status ValidateTopicName(std::string_view name);

// Topics the cluster keeps for itself, e.g. "__consumer_offsets".
bool IsInternalTopic(std::string_view name);

}  // namespace weir::state
