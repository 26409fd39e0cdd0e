// The table of api_keys.h and its lookups.
#include "broker/wire/api_keys.h"

#include <array>

namespace weir::wire {
namespace {

constexpr std::array kApis = {
    ApiFacts{ApiKey::kProduce, "Produce", {3, 13}, 9, {0, 13}},
    ApiFacts{ApiKey::kFetch, "Fetch", {4, 18}, 12, {4, 18}},
    ApiFacts{ApiKey::kListOffsets, "ListOffsets", {1, 11}, 6, {1, 11}},
    ApiFacts{ApiKey::kMetadata, "Metadata", {0, 13}, 9, {0, 13}},
    ApiFacts{ApiKey::kLeaderAndIsr, "LeaderAndIsr", kNoVersions, 4, kNoVersions},
    ApiFacts{ApiKey::kStopReplica, "StopReplica", kNoVersions, 2, kNoVersions},
    ApiFacts{ApiKey::kUpdateMetadata, "UpdateMetadata", kNoVersions, 6, kNoVersions},
    ApiFacts{ApiKey::kControlledShutdown, "ControlledShutdown", kNoVersions, 3, kNoVersions},
    ApiFacts{ApiKey::kOffsetCommit, "OffsetCommit", {2, 10}, 8, {2, 10}},
    ApiFacts{ApiKey::kOffsetFetch, "OffsetFetch", {1, 10}, 6, {1, 10}},
    ApiFacts{ApiKey::kFindCoordinator, "FindCoordinator", {0, 6}, 3, {0, 6}},
    ApiFacts{ApiKey::kJoinGroup, "JoinGroup", {0, 9}, 6, {0, 9}},
    ApiFacts{ApiKey::kHeartbeat, "Heartbeat", {0, 4}, 4, {0, 4}},
    ApiFacts{ApiKey::kLeaveGroup, "LeaveGroup", {0, 5}, 4, {0, 5}},
    ApiFacts{ApiKey::kSyncGroup, "SyncGroup", {0, 5}, 4, {0, 5}},
    ApiFacts{ApiKey::kDescribeGroups, "DescribeGroups", {0, 6}, 5, {0, 6}},
    ApiFacts{ApiKey::kListGroups, "ListGroups", {0, 5}, 3, {0, 5}},
    ApiFacts{ApiKey::kSaslHandshake, "SaslHandshake", {0, 1}, kNeverFlexible, {0, 1}},
    ApiFacts{ApiKey::kApiVersions, "ApiVersions", {0, 5}, 3, {0, 4}},
    ApiFacts{ApiKey::kCreateTopics, "CreateTopics", {2, 7}, 5, {2, 7}},
    ApiFacts{ApiKey::kDeleteTopics, "DeleteTopics", {1, 6}, 4, {1, 6}},
    ApiFacts{ApiKey::kDeleteRecords, "DeleteRecords", {0, 2}, 2, {0, 2}},
    ApiFacts{ApiKey::kInitProducerId, "InitProducerId", {0, 6}, 2, {0, 5}},
    ApiFacts{ApiKey::kOffsetForLeaderEpoch, "OffsetForLeaderEpoch", {2, 4}, 4, {2, 4}},
    ApiFacts{ApiKey::kAddPartitionsToTxn, "AddPartitionsToTxn", {0, 5}, 3, {0, 5}},
    ApiFacts{ApiKey::kAddOffsetsToTxn, "AddOffsetsToTxn", {0, 4}, 3, {0, 4}},
    ApiFacts{ApiKey::kEndTxn, "EndTxn", {0, 5}, 3, {0, 5}},
    ApiFacts{ApiKey::kWriteTxnMarkers, "WriteTxnMarkers", {1, 2}, 1, {1, 2}},
    ApiFacts{ApiKey::kTxnOffsetCommit, "TxnOffsetCommit", {0, 6}, 3, {0, 5}},
    ApiFacts{ApiKey::kDescribeAcls, "DescribeAcls", {1, 3}, 2, {1, 3}},
    ApiFacts{ApiKey::kCreateAcls, "CreateAcls", {1, 3}, 2, {1, 3}},
    ApiFacts{ApiKey::kDeleteAcls, "DeleteAcls", {1, 3}, 2, {1, 3}},
    ApiFacts{ApiKey::kDescribeConfigs, "DescribeConfigs", {1, 4}, 4, {1, 4}},
    ApiFacts{ApiKey::kAlterConfigs, "AlterConfigs", {0, 2}, 2, {0, 2}},
    ApiFacts{ApiKey::kAlterReplicaLogDirs, "AlterReplicaLogDirs", {1, 2}, 2, {1, 2}},
    ApiFacts{ApiKey::kDescribeLogDirs, "DescribeLogDirs", {1, 5}, 2, {1, 5}},
    ApiFacts{ApiKey::kSaslAuthenticate, "SaslAuthenticate", {0, 2}, 2, {0, 2}},
    ApiFacts{ApiKey::kCreatePartitions, "CreatePartitions", {0, 3}, 2, {0, 3}},
    ApiFacts{ApiKey::kCreateDelegationToken, "CreateDelegationToken", {1, 3}, 2, {1, 3}},
    ApiFacts{ApiKey::kRenewDelegationToken, "RenewDelegationToken", {1, 2}, 2, {1, 2}},
    ApiFacts{ApiKey::kExpireDelegationToken, "ExpireDelegationToken", {1, 2}, 2, {1, 2}},
    ApiFacts{ApiKey::kDescribeDelegationToken, "DescribeDelegationToken", {1, 3}, 2, {1, 3}},
    ApiFacts{ApiKey::kDeleteGroups, "DeleteGroups", {0, 3}, 2, {0, 2}},
    ApiFacts{ApiKey::kElectLeaders, "ElectLeaders", {0, 2}, 2, {0, 2}},
    ApiFacts{ApiKey::kIncrementalAlterConfigs, "IncrementalAlterConfigs", {0, 1}, 1, {0, 1}},
    ApiFacts{
        ApiKey::kAlterPartitionReassignments, "AlterPartitionReassignments", {0, 1}, 0, {0, 1}},
    ApiFacts{ApiKey::kListPartitionReassignments, "ListPartitionReassignments", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kOffsetDelete, "OffsetDelete", {0, 0}, kNeverFlexible, {0, 0}},
    ApiFacts{ApiKey::kDescribeClientQuotas, "DescribeClientQuotas", {0, 1}, 1, {0, 1}},
    ApiFacts{ApiKey::kAlterClientQuotas, "AlterClientQuotas", {0, 1}, 1, {0, 1}},
    ApiFacts{
        ApiKey::kDescribeUserScramCredentials, "DescribeUserScramCredentials", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kAlterUserScramCredentials, "AlterUserScramCredentials", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kVote, "Vote", {0, 2}, 0, kNoVersions},
    ApiFacts{ApiKey::kBeginQuorumEpoch, "BeginQuorumEpoch", {0, 1}, 1, kNoVersions},
    ApiFacts{ApiKey::kEndQuorumEpoch, "EndQuorumEpoch", {0, 1}, 1, kNoVersions},
    ApiFacts{ApiKey::kDescribeQuorum, "DescribeQuorum", {0, 2}, 0, {0, 2}},
    ApiFacts{ApiKey::kAlterPartition, "AlterPartition", {2, 3}, 0, kNoVersions},
    ApiFacts{ApiKey::kUpdateFeatures, "UpdateFeatures", {0, 2}, 0, {0, 2}},
    ApiFacts{ApiKey::kEnvelope, "Envelope", {0, 0}, 0, kNoVersions},
    ApiFacts{ApiKey::kFetchSnapshot, "FetchSnapshot", {0, 1}, 0, kNoVersions},
    ApiFacts{ApiKey::kDescribeCluster, "DescribeCluster", {0, 2}, 0, {0, 2}},
    ApiFacts{ApiKey::kDescribeProducers, "DescribeProducers", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kBrokerRegistration, "BrokerRegistration", {0, 4}, 0, kNoVersions},
    ApiFacts{ApiKey::kBrokerHeartbeat, "BrokerHeartbeat", {0, 2}, 0, kNoVersions},
    ApiFacts{ApiKey::kUnregisterBroker, "UnregisterBroker", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kDescribeTransactions, "DescribeTransactions", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kListTransactions, "ListTransactions", {0, 2}, 0, {0, 2}},
    ApiFacts{ApiKey::kAllocateProducerIds, "AllocateProducerIds", {0, 0}, 0, kNoVersions},
    ApiFacts{ApiKey::kConsumerGroupHeartbeat, "ConsumerGroupHeartbeat", {0, 1}, 0, {0, 1}},
    ApiFacts{ApiKey::kConsumerGroupDescribe, "ConsumerGroupDescribe", {0, 1}, 0, {0, 1}},
    ApiFacts{ApiKey::kControllerRegistration, "ControllerRegistration", {0, 0}, 0, kNoVersions},
    ApiFacts{ApiKey::kGetTelemetrySubscriptions, "GetTelemetrySubscriptions", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kPushTelemetry, "PushTelemetry", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kAssignReplicasToDirs, "AssignReplicasToDirs", {0, 0}, 0, kNoVersions},
    ApiFacts{ApiKey::kListConfigResources, "ListConfigResources", {0, 1}, 0, {0, 1}},
    ApiFacts{ApiKey::kDescribeTopicPartitions, "DescribeTopicPartitions", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kShareGroupHeartbeat, "ShareGroupHeartbeat", {1, 1}, 0, {1, 1}},
    ApiFacts{ApiKey::kShareGroupDescribe, "ShareGroupDescribe", {1, 1}, 0, {1, 1}},
    ApiFacts{ApiKey::kShareFetch, "ShareFetch", {1, 2}, 0, {1, 2}},
    ApiFacts{ApiKey::kShareAcknowledge, "ShareAcknowledge", {1, 2}, 0, {1, 2}},
    ApiFacts{ApiKey::kAddRaftVoter, "AddRaftVoter", {0, 1}, 0, {0, 1}},
    ApiFacts{ApiKey::kRemoveRaftVoter, "RemoveRaftVoter", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kUpdateRaftVoter, "UpdateRaftVoter", {0, 0}, 0, kNoVersions},
    ApiFacts{ApiKey::kInitializeShareGroupState, "InitializeShareGroupState", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kReadShareGroupState, "ReadShareGroupState", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kWriteShareGroupState, "WriteShareGroupState", {0, 1}, 0, {0, 1}},
    ApiFacts{ApiKey::kDeleteShareGroupState, "DeleteShareGroupState", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kReadShareGroupStateSummary, "ReadShareGroupStateSummary", {0, 1}, 0, {0, 1}},
    ApiFacts{ApiKey::kStreamsGroupHeartbeat, "StreamsGroupHeartbeat", {0, 1}, 0, {0, 0}},
    ApiFacts{ApiKey::kStreamsGroupDescribe, "StreamsGroupDescribe", {0, 1}, 0, {0, 0}},
    ApiFacts{ApiKey::kDescribeShareGroupOffsets, "DescribeShareGroupOffsets", {0, 1}, 0, {0, 1}},
    ApiFacts{ApiKey::kAlterShareGroupOffsets, "AlterShareGroupOffsets", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kDeleteShareGroupOffsets, "DeleteShareGroupOffsets", {0, 0}, 0, {0, 0}},
    ApiFacts{ApiKey::kStreamsGroupTopologyDescriptionUpdate,
             "StreamsGroupTopologyDescriptionUpdate",
             {0, 0},
             0,
             kNoVersions},
    ApiFacts{ApiKey::kUnregisterController, "UnregisterController", {0, 0}, 0, kNoVersions},
};

constexpr bool KeysAscend() {
  for (size_t i = 0; i < kApis.size(); ++i) {
    if (kApis[i].key != static_cast<ApiKey>(i)) return false;
  }
  return true;
}
static_assert(KeysAscend(), "a key's number is its place in the table");

}  // namespace

std::span<const ApiFacts> AllApis() { return kApis; }

const ApiFacts* FindApi(int16_t key) {
  if (key < 0 || static_cast<size_t>(key) >= kApis.size()) return nullptr;
  return &kApis[static_cast<size_t>(key)];
}

std::string_view ApiName(ApiKey key) {
  const ApiFacts* facts = FindApi(static_cast<int16_t>(key));
  return facts == nullptr ? "Unknown" : facts->name;
}

int16_t RequestHeaderVersion(const ApiFacts& facts, int16_t version) {
  return version >= facts.flexible_from ? 2 : 1;
}

int16_t ResponseHeaderVersion(const ApiFacts& facts, int16_t version) {
  if (facts.key == ApiKey::kApiVersions) return 0;
  return version >= facts.flexible_from ? 1 : 0;
}

}  // namespace weir::wire
