// Dynamic configuration of topics, brokers and groups: change and description.
//
// What a change means for leaders and ELR happens in the same batch (elect_leaders.h). Each
// resource of a request succeeds or fails by itself, all its keys together. Changes that leave a
// value as it is give no record. What holds for all groups of the consumer protocol is checked with
// what groups have set: nothing is accepted by which a group's members would always be removed.
// Thread rule: pure functions.
#pragma once

#include <google/protobuf/map.h>

#include <string>

#include "controller/state/decision.h"

namespace weir::state {

// Errors per resource: kUnknownTopicOrPartition, kInvalidConfig (unknown key, bad value, a
// broker key that needs a restart, append to what is no list), kInvalidRequest (resource or key
// twice, unsupported type, replace_all with an operation other than set), kBrokerIdNotRegistered.
Result<Decision<admin::v1::AlterConfigsReply>> AlterConfigs(
    const DecisionContext& context, const admin::v1::AlterConfigsRequest& request);

// Errors per resource: as metadata::DescribeConfigResource.
admin::v1::DescribeConfigsReply DescribeConfigs(const MetadataImage& image,
                                                const Defaults& defaults,
                                                const admin::v1::DescribeConfigsRequest& request);

// Checks the configuration of a topic that is being created. Errors: kInvalidConfig.
Status ValidateTopicConfigs(const google::protobuf::Map<std::string, std::string>& configs);

}  // namespace weir::state
