// api_keys.h: every API of the Kafka protocol with its number, name and version facts (basis:
// Apache Kafka 4.4.0 message definitions, 4.3.1 broker listener).
//
// Laws:
//  1. Numbers go on the wire: never renumbered, never reused.
//  2. A fact here says what the protocol defines and what Apache Kafka serves. What Weir serves
//     is the handler registry's to say: a key is advertised only when it has a handler.
// Thread rule: constants and pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace weir::wire {

enum class ApiKey : int16_t {
  kNone = -1,  // structures that are not requests: headers, control records
  kProduce = 0,
  kFetch = 1,
  kListOffsets = 2,
  kMetadata = 3,
  kLeaderAndIsr = 4,
  kStopReplica = 5,
  kUpdateMetadata = 6,
  kControlledShutdown = 7,
  kOffsetCommit = 8,
  kOffsetFetch = 9,
  kFindCoordinator = 10,
  kJoinGroup = 11,
  kHeartbeat = 12,
  kLeaveGroup = 13,
  kSyncGroup = 14,
  kDescribeGroups = 15,
  kListGroups = 16,
  kSaslHandshake = 17,
  kApiVersions = 18,
  kCreateTopics = 19,
  kDeleteTopics = 20,
  kDeleteRecords = 21,
  kInitProducerId = 22,
  kOffsetForLeaderEpoch = 23,
  kAddPartitionsToTxn = 24,
  kAddOffsetsToTxn = 25,
  kEndTxn = 26,
  kWriteTxnMarkers = 27,
  kTxnOffsetCommit = 28,
  kDescribeAcls = 29,
  kCreateAcls = 30,
  kDeleteAcls = 31,
  kDescribeConfigs = 32,
  kAlterConfigs = 33,
  kAlterReplicaLogDirs = 34,
  kDescribeLogDirs = 35,
  kSaslAuthenticate = 36,
  kCreatePartitions = 37,
  kCreateDelegationToken = 38,
  kRenewDelegationToken = 39,
  kExpireDelegationToken = 40,
  kDescribeDelegationToken = 41,
  kDeleteGroups = 42,
  kElectLeaders = 43,
  kIncrementalAlterConfigs = 44,
  kAlterPartitionReassignments = 45,
  kListPartitionReassignments = 46,
  kOffsetDelete = 47,
  kDescribeClientQuotas = 48,
  kAlterClientQuotas = 49,
  kDescribeUserScramCredentials = 50,
  kAlterUserScramCredentials = 51,
  kVote = 52,
  kBeginQuorumEpoch = 53,
  kEndQuorumEpoch = 54,
  kDescribeQuorum = 55,
  kAlterPartition = 56,
  kUpdateFeatures = 57,
  kEnvelope = 58,
  kFetchSnapshot = 59,
  kDescribeCluster = 60,
  kDescribeProducers = 61,
  kBrokerRegistration = 62,
  kBrokerHeartbeat = 63,
  kUnregisterBroker = 64,
  kDescribeTransactions = 65,
  kListTransactions = 66,
  kAllocateProducerIds = 67,
  kConsumerGroupHeartbeat = 68,
  kConsumerGroupDescribe = 69,
  kControllerRegistration = 70,
  kGetTelemetrySubscriptions = 71,
  kPushTelemetry = 72,
  kAssignReplicasToDirs = 73,
  kListConfigResources = 74,
  kDescribeTopicPartitions = 75,
  kShareGroupHeartbeat = 76,
  kShareGroupDescribe = 77,
  kShareFetch = 78,
  kShareAcknowledge = 79,
  kAddRaftVoter = 80,
  kRemoveRaftVoter = 81,
  kUpdateRaftVoter = 82,
  kInitializeShareGroupState = 83,
  kReadShareGroupState = 84,
  kWriteShareGroupState = 85,
  kDeleteShareGroupState = 86,
  kReadShareGroupStateSummary = 87,
  kStreamsGroupHeartbeat = 88,
  kStreamsGroupDescribe = 89,
  kDescribeShareGroupOffsets = 90,
  kAlterShareGroupOffsets = 91,
  kDeleteShareGroupOffsets = 92,
  kStreamsGroupTopologyDescriptionUpdate = 93,
  kUnregisterController = 94,
};

// Versions of a message or field, both ends included; empty when first > last.
struct VersionRange {
  int16_t first = 0;
  int16_t last = std::numeric_limits<int16_t>::max();

  constexpr bool Contains(int16_t version) const { return version >= first && version <= last; }
  constexpr bool empty() const { return first > last; }
  friend constexpr bool operator==(VersionRange, VersionRange) = default;
};

inline constexpr VersionRange kNoVersions{1, 0};
// `flexible_from` of a message that has no flexible version (KIP-482).
inline constexpr int16_t kNeverFlexible = std::numeric_limits<int16_t>::max();

struct ApiFacts {
  ApiKey key;
  std::string_view name;
  VersionRange versions;      // with a message definition; empty for the retired ZooKeeper APIs
  int16_t flexible_from;      // first version with compact lengths and tagged fields
  VersionRange broker_range;  // what a Kafka 4.3.1 broker listener advertises; empty if it does not
};

// All APIs, by ascending key.
std::span<const ApiFacts> AllApis();

// The facts of that key; null for a number that the protocol does not define.
const ApiFacts* FindApi(int16_t key);

// "Produce"; "Unknown" for a number that the protocol does not define.
std::string_view ApiName(ApiKey key);

// Header versions that go with a request of `facts` at `version` (any version, so that a version
// that is too new can still be refused with a decoded header). Requests: 1, or 2 when flexible.
// Responses: 0, or 1 when flexible; ApiVersions always 0, because its reader cannot know yet
// (KIP-511).
int16_t RequestHeaderVersion(const ApiFacts& facts, int16_t version);
int16_t ResponseHeaderVersion(const ApiFacts& facts, int16_t version);

}  // namespace weir::wire
