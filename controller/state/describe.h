// Describe: the admin API's read calls, answered from an image and what the caller knows beside it.
// Thread rule: pure functions.
#pragma once

#include <map>
#include <vector>

#include "controller/state/decision.h"

namespace weir::state {

// What is not in the metadata log.
struct SoftInfo {
  // The active controller; kNoNode when unknown.
  NodeId controller_id = kNoNode;
  std::vector<admin::v1::QuorumMember> controllers;
  // How far brokers have applied the log; brokers not named are unknown (-1).
  std::map<NodeId, LogIndex> applied_offsets;
};

// Errors: kUnknownTopicOrPartition (by name), kUnknownTopicId (by id), kInvalidRequest (neither, or
// an id that is none). Never null.
Result<const metadata::Topic*> FindSelectedTopic(const MetadataImage& image,
                                                 const admin::v1::TopicSelector& selector);

// Errors per topic: as FindSelectedTopic. Without selectors all topics, by name.
admin::v1::DescribeTopicsReply DescribeTopics(const MetadataImage& image,
                                              const admin::v1::DescribeTopicsRequest& request);

admin::v1::ListTopicsReply ListTopics(const MetadataImage& image,
                                      const admin::v1::ListTopicsRequest& request);

admin::v1::DescribeClusterReply DescribeCluster(const MetadataImage& image, const SoftInfo& soft);

// Errors: kBrokerIdNotRegistered when a named broker is not registered.
Result<admin::v1::DescribeBrokersReply> DescribeBrokers(
    const MetadataImage& image, const SoftInfo& soft,
    const admin::v1::DescribeBrokersRequest& request);

}  // namespace weir::state
