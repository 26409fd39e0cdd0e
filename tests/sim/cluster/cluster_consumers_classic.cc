// ClusterConsumers, the classic protocol: as Kafka's eager consumers speak it.
#include <utility>

#include "controller/state/groups/consumer_protocol.h"
#include "tests/sim/cluster/cluster_consumers.h"
#include "tests/sim/cluster/cluster_world.h"
#include "tests/support/consumer_protocol.h"

namespace weir::sim {
namespace {

constexpr const char* kProtocol = "range";
constexpr int16_t kJoinVersion = 9;
constexpr int16_t kSyncVersion = 5;
constexpr int16_t kHeartbeatVersion = 4;
constexpr int16_t kLeaveVersion = 5;
constexpr int16_t kAssignmentVersion = 1;

}  // namespace

// It has heard of a rebalance, subscribes to something else, or leads and sees other topics.
bool ClusterConsumers::IsToJoinAgain(const Member& member) const {
  if (member.tells_topics) return true;
  if (member.joins_at_ms != 0 && world_.now_ms() >= member.joins_at_ms) return true;
  return calm_ && !member.led.empty() && TopicsLedBy(member) != member.assigned_topics;
}

std::set<Uuid> ClusterConsumers::TopicsLedBy(const Member& leader) const {
  std::set<Uuid> topics;
  for (const auto& [member_id, names] : leader.led) {
    for (const std::string& name : names) {
      const metadata::Topic* topic = world_.checkers().newest().FindTopic(name);
      if (topic != nullptr) topics.insert(topic->id);
    }
  }
  return topics;
}

void ClusterConsumers::Join(size_t index) {
  Member& member = members_[index];
  member.tells_topics = false;
  member.membership.in_order = false;
  wire::JoinGroupRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  if (!member.instance_id.empty()) request.group_instance_id = member.instance_id;
  request.session_timeout_ms = world_.profile().group_session_ms;
  request.rebalance_timeout_ms = world_.profile().group_rebalance_ms;
  request.protocol_type = std::string(state::kConsumerProtocolType);
  request.protocols.push_back({kProtocol, {test::ClassicSubscriptionOf(member.topics)}});
  Ask<wire::JoinGroupResponse>(
      index, &Member::membership, GatewayOf(member), kJoinVersion,
      [request](uint64_t&) { return request; },
      [this](Member& waiting, uint64_t, const wire::JoinGroupResponse& response) {
        TakeJoin(waiting, response);
      });
}

void ClusterConsumers::TakeJoin(Member& member, const wire::JoinGroupResponse& response) {
  const ErrorCode error = response.error_code;
  if (LeavesGateway(member, error)) return;
  if (error == ErrorCode::kMemberIdRequired) member.id = response.member_id;
  if (error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId) {
    return BeginAnew(member);
  }
  if (error != ErrorCode::kNone) return;
  member.id = response.member_id;
  member.epoch = response.generation_id;
  member.synced = false;
  member.joins_at_ms = 0;
  member.led.clear();
  member.assigned_topics.clear();
  member.assigns = !response.skip_assignment;
  world_.consumer_checkers().OnTold(ViewOf(member));
  if (response.leader != member.id) return;
  for (const auto& joined : response.members) {
    const auto said = state::ParseClassicSubscription(joined.metadata.data);
    if (!said) return world_.Fail("G-18 a leader is told a subscription that cannot be read");
    member.led[joined.member_id] = said->topics;
  }
}

// Each partition goes to one of those who subscribe to its topic, another one in each generation.
std::vector<wire::SyncGroupRequest::MemberAssignment> ClusterConsumers::Assign(
    const Member& leader) const {
  std::map<std::string, std::vector<std::string>> by_topic;
  for (const auto& [member_id, topics] : leader.led) {
    for (const std::string& topic : topics) by_topic[topic].push_back(member_id);
  }
  std::map<std::string, state::PartitionsByName> assigned;
  for (const auto& [name, subscribers] : by_topic) {
    const metadata::Topic* topic = world_.checkers().newest().FindTopic(name);
    if (topic == nullptr) continue;
    for (const auto& [partition, replicas] : topic->partitions) {
      const auto turn = static_cast<size_t>(partition.value() + leader.epoch);
      assigned[subscribers[turn % subscribers.size()]][name].push_back(partition.value());
    }
  }
  std::vector<wire::SyncGroupRequest::MemberAssignment> all;
  for (const auto& [member_id, topics] : leader.led) {
    all.push_back(
        {member_id, {state::SerializeClassicAssignment(kAssignmentVersion, assigned[member_id])}});
  }
  return all;
}

void ClusterConsumers::Sync(size_t index) {
  Member& member = members_[index];
  wire::SyncGroupRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  request.generation_id = member.epoch;
  if (!member.instance_id.empty()) request.group_instance_id = member.instance_id;
  request.protocol_type = std::string(state::kConsumerProtocolType);
  request.protocol_name = kProtocol;
  if (member.assigns) {
    request.assignments = Assign(member);
    member.assigned_topics = TopicsLedBy(member);
  }
  Ask<wire::SyncGroupResponse>(
      index, &Member::membership, GatewayOf(member), kSyncVersion,
      [request](uint64_t&) { return request; },
      [this](Member& waiting, uint64_t, const wire::SyncGroupResponse& response) {
        TakeSync(waiting, response);
      });
}

void ClusterConsumers::TakeSync(Member& member, const wire::SyncGroupResponse& response) {
  const ErrorCode error = response.error_code;
  if (LeavesGateway(member, error)) return;
  if (error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId) {
    return BeginAnew(member);
  }
  if (error != ErrorCode::kNone) return member.GiveAllUp();
  // Nothing at all: the leader did not name it.
  const auto assignment = state::ParseClassicAssignment(response.assignment.data);
  member.synced = true;
  member.positions.clear();
  if (assignment) {
    for (const auto& [name, partitions] : assignment->partitions) {
      const metadata::Topic* topic = world_.checkers().newest().FindTopic(name);
      if (topic == nullptr) continue;
      for (const int32_t partition : partitions) member.positions[{topic->id, partition}] = -1;
    }
  }
  world_.consumer_checkers().OnTold(ViewOf(member));
}

void ClusterConsumers::Beat(size_t index) {
  Member& member = members_[index];
  wire::HeartbeatRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  request.generation_id = member.epoch;
  if (!member.instance_id.empty()) request.group_instance_id = member.instance_id;
  Ask<wire::HeartbeatResponse>(
      index, &Member::membership, GatewayOf(member), kHeartbeatVersion,
      [request](uint64_t&) { return request; },
      [this, asked = AskedBy(member)](Member& waiting, uint64_t,
                                      const wire::HeartbeatResponse& response) {
        TakeVerdict(waiting, asked, response.error_code);
      });
}

void ClusterConsumers::LeaveClassic(size_t index) {
  Member& member = members_[index];
  wire::LeaveGroupRequest request;
  request.group_id = kGroupId;
  auto& leaving = request.members.emplace_back();
  leaving.member_id = member.id;
  if (!member.instance_id.empty()) leaving.group_instance_id = member.instance_id;
  member.GiveAllUp();
  Ask<wire::LeaveGroupResponse>(
      index, &Member::membership, GatewayOf(member), kLeaveVersion,
      [request](uint64_t&) { return request; },
      [](Member&, uint64_t, const wire::LeaveGroupResponse&) {});
}

void ClusterConsumers::TakeVerdict(Member& member, const Asked& asked, ErrorCode error) {
  if (LeavesGateway(member, error)) return;
  const bool unknown =
      error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId;
  const bool stale =
      error == ErrorCode::kIllegalGeneration || error == ErrorCode::kStaleMemberEpoch;
  if (unknown || stale) world_.consumer_checkers().OnTurnedAway(asked.view, asked.standing);
  // It may have become another one meanwhile.
  if (member.id != asked.view.member_id || member.epoch != asked.view.epoch) return;
  // The consumer protocol's heartbeats tell it all the rest.
  if (!member.speaks_classic) return;
  if (unknown) return BeginAnew(member);
  if (stale) return member.GiveAllUp();
  if (error == ErrorCode::kRebalanceInProgress && member.joins_at_ms == 0) {
    member.joins_at_ms = world_.now_ms() + world_.prng().Between(1, calm_ ? 50 : 1'000);
  }
}

}  // namespace weir::sim
