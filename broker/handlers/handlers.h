// The handlers, one per API; each family has a file of its own.
// Thread rule: on the connection's shard.
#pragma once

#include "broker/handlers/broker_context.h"
#include "broker/net/request.h"

namespace weir::handlers {

// api_versions.cc
void HandleApiVersions(Call call, net::ConnectionInfo& connection);
// For a request in a version that is not served: version 0 and UNSUPPORTED_VERSION (KIP-511).
void RefuseApiVersions(Call call);
// produce.cc, fetch.cc, log_offsets.cc
void HandleProduce(Call call, net::ConnectionInfo& connection);
void HandleFetch(Call call, net::ConnectionInfo& connection);
void HandleListOffsets(Call call, net::ConnectionInfo& connection);
void HandleOffsetForLeaderEpoch(Call call, net::ConnectionInfo& connection);
void HandleDeleteRecords(Call call, net::ConnectionInfo& connection);
// metadata.cc, describe_cluster.cc
void HandleMetadata(Call call, net::ConnectionInfo& connection);
void HandleDescribeCluster(Call call, net::ConnectionInfo& connection);
void HandleDescribeTopicPartitions(Call call, net::ConnectionInfo& connection);
void HandleDescribeLogDirs(Call call, net::ConnectionInfo& connection);
void HandleDescribeQuorum(Call call, net::ConnectionInfo& connection);
// create_topics.cc, change_topics.cc
void HandleCreateTopics(Call call, net::ConnectionInfo& connection);
void HandleDeleteTopics(Call call, net::ConnectionInfo& connection);
void HandleCreatePartitions(Call call, net::ConnectionInfo& connection);
// describe_configs.cc, alter_configs.cc
void HandleDescribeConfigs(Call call, net::ConnectionInfo& connection);
void HandleAlterConfigs(Call call, net::ConnectionInfo& connection);
void HandleIncrementalAlterConfigs(Call call, net::ConnectionInfo& connection);
void HandleListConfigResources(Call call, net::ConnectionInfo& connection);
// reassignments.cc
void HandleAlterPartitionReassignments(Call call, net::ConnectionInfo& connection);
void HandleListPartitionReassignments(Call call, net::ConnectionInfo& connection);
// elect_leaders.cc
void HandleElectLeaders(Call call, net::ConnectionInfo& connection);
// coordinators.cc
void HandleFindCoordinator(Call call, net::ConnectionInfo& connection);
void HandleInitProducerId(Call call, net::ConnectionInfo& connection);
// groups.cc
void HandleJoinGroup(Call call, net::ConnectionInfo& connection);
void HandleSyncGroup(Call call, net::ConnectionInfo& connection);
void HandleHeartbeat(Call call, net::ConnectionInfo& connection);
void HandleLeaveGroup(Call call, net::ConnectionInfo& connection);
// consumer_groups.cc
void HandleConsumerGroupHeartbeat(Call call, net::ConnectionInfo& connection);
void HandleConsumerGroupDescribe(Call call, net::ConnectionInfo& connection);
// offset_commit.cc, offset_fetch.cc, offset_delete.cc
void HandleOffsetCommit(Call call, net::ConnectionInfo& connection);
void HandleOffsetFetch(Call call, net::ConnectionInfo& connection);
void HandleOffsetDelete(Call call, net::ConnectionInfo& connection);
// group_admin.cc
void HandleDescribeGroups(Call call, net::ConnectionInfo& connection);
void HandleListGroups(Call call, net::ConnectionInfo& connection);
void HandleDeleteGroups(Call call, net::ConnectionInfo& connection);

}  // namespace weir::handlers
