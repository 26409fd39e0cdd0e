// ClusterConsumers: see cluster_consumers.h. Here: what clients do, and the consumer protocol.
#include "tests/sim/cluster/cluster_consumers.h"

#include <algorithm>
#include <utility>

#include "controller/state/groups/group_event.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

constexpr int32_t kLeaveEpoch = -1;
constexpr int16_t kDescribeVersion = 1;

// What somebody subscribes to; mostly to the topic that always is.
const std::vector<std::vector<std::string>> kSubscriptions = {
    {ClusterWorld::kTopic},
    {ClusterWorld::kTopic, ClusterWorld::kPassingTopic},
    {ClusterWorld::kPassingTopic},
};

std::vector<wire::ConsumerGroupHeartbeatRequest::TopicPartitions> ToWire(
    const std::map<OwnedPartition, int64_t>& positions) {
  std::vector<wire::ConsumerGroupHeartbeatRequest::TopicPartitions> topics;
  for (const auto& [partition, position] : positions) {
    if (topics.empty() || topics.back().topic_id != partition.first) {
      topics.push_back({partition.first, {}});
    }
    topics.back().partitions.push_back(partition.second);
  }
  return topics;
}

}  // namespace

void ClusterConsumers::Member::GiveAllUp() {
  epoch = 0;
  positions.clear();
  target.reset();
  tells_all = tells_owned = tells_topics = false;
  synced = false;
  joins_at_ms = 0;
  led.clear();
  assigned_topics.clear();
}

// Every other one is static.
void ClusterConsumers::Start() {
  const ClusterProfile& profile = world_.profile();
  members_.resize(static_cast<size_t>(profile.consumers_of_group));
  for (size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    if (i % 2 == 1) member.instance_id = kStaticPrefix + std::to_string(i);
    member.speaks_classic = world_.prng().Chance(profile.classic_percent, 100);
    member.topics = kSubscriptions.front();
    BeginAnew(member);
    ActLater(i);
  }
}

void ClusterConsumers::BeginAnew(Member& member) {
  member.GiveAllUp();
  member.id.clear();
  if (member.speaks_classic) return;
  const bool is_static = !member.instance_id.empty();
  // A static member's id says who it is.
  member.version = is_static || world_.prng().Chance(3, 4) ? 1 : 0;
  if (member.version == 0) return;
  member.id = state::NewMemberId(is_static ? member.instance_id : kDynamicPrefix, world_.prng());
}

MemberView ClusterConsumers::ViewOf(const Member& member) {
  MemberView view{member.id, member.instance_id, member.epoch, {}};
  for (const auto& [partition, position] : member.positions) view.owned.insert(partition);
  return view;
}

std::vector<MemberView> ClusterConsumers::Views() const {
  std::vector<MemberView> views;
  for (const Member& member : members_) views.push_back(ViewOf(member));
  return views;
}

ClusterConsumers::Asked ClusterConsumers::AskedBy(const Member& member) const {
  const MemberView view = ViewOf(member);
  return {view, world_.consumer_checkers().StandingOf(view)};
}

bool ClusterConsumers::Settled() {
  const metadata::MetadataImage& newest = world_.checkers().newest();
  const metadata::Group* group = newest.FindGroup(kGroupId);
  if (group == nullptr || group->state != metadata::GroupState::kStable ||
      group->members.size() != members_.size()) {
    return false;
  }
  OwnedPartitions owned;
  std::set<std::string> wanted;
  for (const Member& member : members_) {
    const bool told = member.epoch == group->generation && !member.target &&
                      (member.synced || !member.speaks_classic);
    if (!told || group->FindMember(member.id) == nullptr) return false;
    for (const auto& [partition, position] : member.positions) {
      if (!owned.insert(partition).second) return false;
    }
    for (const auto& [partition, position] : PositionsIn(member)) {
      if (position < 0) return false;
    }
    wanted.insert(member.topics.begin(), member.topics.end());
  }
  size_t partitions = 0;
  for (const std::string& name : wanted) {
    const metadata::Topic* topic = newest.FindTopic(name);
    if (topic == nullptr) continue;
    partitions += topic->partitions.size();
    for (const auto& [index, partition] : topic->partitions) {
      if (!owned.contains({topic->id, index.value()})) return false;
    }
  }
  return owned.size() == partitions;
}

std::string ClusterConsumers::Describe() const {
  std::string text;
  for (const Member& member : members_) {
    text += "\n  " + std::string(member.speaks_classic ? "classic " : "consumer ") + member.id +
            " epoch " + std::to_string(member.epoch) + (member.synced ? " synced" : "") +
            (member.target ? " reconciles" : "") + (member.membership.asked != 0 ? " waits" : "");
    for (const std::string& topic : member.topics) text += " " + topic;
    for (const auto& [partition, position] : member.positions) {
      text += " " + NameOf(partition) + "@" + std::to_string(position);
    }
  }
  const metadata::Group* group = world_.checkers().newest().FindGroup(kGroupId);
  if (group == nullptr) return text;
  text += "\n  group " + std::string(metadata::GroupTypeName(group->type)) + " " +
          std::string(metadata::GroupStateName(group->state)) + " epoch " +
          std::to_string(group->generation) + " target " + std::to_string(group->assignment_epoch);
  for (const auto& [member_id, member] : group->members) {
    text += "\n    " + member_id + " epoch " + std::to_string(member.member_epoch);
    for (const OwnedPartition& partition : ToOwned(metadata::Get(member.assigned))) {
      text += " " + NameOf(partition);
    }
  }
  return text;
}

// ---- What clients do --------------------------------------------------------------------

void ClusterConsumers::ActLater(size_t index) {
  world_.After(world_.prng().Between(20, 150), [this, index] {
    Act(index);
    ActLater(index);
  });
}

void ClusterConsumers::Act(size_t index) {
  Member& member = members_[index];
  const int64_t now_ms = world_.now_ms();
  if (now_ms < member.silent_until_ms && !calm_) return;
  // Never behind the back of a heartbeat that says what it owns.
  if (member.target && member.membership.asked == 0 &&
      (calm_ || now_ms >= member.reconciles_at_ms)) {
    Reconcile(member);
  }
  ActOnOffsets(index);
  if (world_.prng().Chance(1, 50)) DescribeGroup(index);
  if (!IsFree(member, member.membership) || (!calm_ && Churn(index))) return;
  ActOnMembership(index);
}

void ClusterConsumers::ActOnMembership(size_t index) {
  Member& member = members_[index];
  if (!member.speaks_classic) return Heartbeat(index);
  if (member.epoch == 0) return Join(index);
  if (!member.synced) return Sync(index);
  if (!IsToJoinAgain(member)) return Beat(index);
  member.GiveAllUp();
  Join(index);
}

bool ClusterConsumers::Churn(size_t index) {
  Member& member = members_[index];
  Prng& prng = world_.prng();
  if (prng.Chance(1, 100)) {
    member.silent_until_ms = world_.now_ms() + prng.Between(0, 5'000);
    return true;
  }
  if (prng.Chance(1, 100)) {
    ChooseTopics(member);
    return false;
  }
  if (member.epoch == 0) return false;
  const bool leaves = prng.Chance(1, 100);
  if (!leaves && !prng.Chance(1, 100)) return false;
  const bool switches = world_.profile().members_switch_protocol && prng.Chance(1, 2);
  if (leaves && !member.speaks_classic) {
    const bool for_a_while = !member.instance_id.empty() && prng.Chance(2, 3);
    LeaveConsumer(index, for_a_while ? metadata::kStaticMemberAwayEpoch : kLeaveEpoch);
  } else if (leaves) {
    LeaveClassic(index);
  } else {
    calls_.End(member.membership);
  }
  if (switches) member.speaks_classic = !member.speaks_classic;
  BeginAnew(member);
  return true;
}

void ClusterConsumers::ChooseTopics(Member& member) {
  const auto& topics = kSubscriptions[world_.prng().Below(kSubscriptions.size())];
  if (topics == member.topics) return;
  ++world_.probes().group_subscription_changes;
  member.topics = topics;
  member.uses_regex = world_.prng().Chance(1, 4);
  member.tells_topics = true;
}

// ---- The consumer protocol --------------------------------------------------------------

wire::ConsumerGroupHeartbeatRequest ClusterConsumers::MakeHeartbeat(const Member& member) const {
  wire::ConsumerGroupHeartbeatRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  request.member_epoch = member.epoch;
  if (!member.instance_id.empty()) request.instance_id = member.instance_id;
  const bool all = member.epoch == 0 || member.tells_all;
  if (all) request.rebalance_timeout_ms = world_.profile().group_rebalance_ms;
  if (all || member.tells_owned) request.topic_partitions = ToWire(member.positions);
  if (!all && !member.tells_topics) return request;
  if (member.version == 0 || !member.uses_regex) {
    request.subscribed_topic_names = member.topics;
    if (member.version > 0) request.subscribed_topic_regex = "";
    return request;
  }
  std::string regex;
  for (const std::string& topic : member.topics) regex += (regex.empty() ? "" : "|") + topic;
  request.subscribed_topic_names.emplace();
  request.subscribed_topic_regex = regex;
  return request;
}

void ClusterConsumers::Heartbeat(size_t index) {
  Member& member = members_[index];
  member.membership.in_order = true;
  const wire::ConsumerGroupHeartbeatRequest request = MakeHeartbeat(member);
  // Whatever of it is lost is said again: Lose.
  member.tells_all = member.tells_owned = member.tells_topics = false;
  const Asked asked = AskedBy(member);
  Ask<wire::ConsumerGroupHeartbeatResponse>(
      index, &Member::membership, GatewayOf(member), member.version,
      [request](uint64_t&) { return request; },
      [this, asked](Member& waiting, uint64_t,
                    const wire::ConsumerGroupHeartbeatResponse& response) {
        TakeHeartbeat(waiting, asked, response);
      });
}

void ClusterConsumers::TakeHeartbeat(Member& member, const Asked& asked,
                                     const wire::ConsumerGroupHeartbeatResponse& response) {
  if (response.error_code != ErrorCode::kNone) {
    return TakeRefusal(member, asked, response.error_code);
  }
  if (response.member_id) member.id = *response.member_id;
  member.epoch = response.member_epoch;
  if (response.assignment) {
    OwnedPartitions all;
    for (const auto& topic : response.assignment->topic_partitions) {
      for (const int32_t partition : topic.partitions) all.emplace(topic.topic_id, partition);
    }
    member.target.reset();
    if (all != ViewOf(member).owned) member.target = std::move(all);
    member.reconciles_at_ms = world_.now_ms() + world_.prng().Between(0, 800);
  }
  world_.consumer_checkers().OnTold(ViewOf(member));
}

void ClusterConsumers::TakeRefusal(Member& member, const Asked& asked, ErrorCode error) {
  if (LeavesGateway(member, error)) return;
  if (error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedMemberEpoch) {
    world_.consumer_checkers().OnTurnedAway(asked.view, asked.standing);
    return member.GiveAllUp();
  }
  if (error == ErrorCode::kFencedInstanceId) {
    world_.consumer_checkers().OnTurnedAway(asked.view, asked.standing);
    return BeginAnew(member);
  }
  // The group is a classic one by now, without this member; or it cannot be joined just now.
  if (error == ErrorCode::kGroupIdNotFound) return member.GiveAllUp();
  if (error == ErrorCode::kUnreleasedInstanceId) {
    ++world_.probes().group_instances_in_use;
    return;
  }
  world_.Fail("G-18 a heartbeat is answered with " + std::string(ErrorName(error)));
}

// Gives up first; what is new is there without offsets.
void ClusterConsumers::Reconcile(Member& member) {
  const OwnedPartitions target = *std::exchange(member.target, std::nullopt);
  const size_t revoked = std::erase_if(
      member.positions, [&](const auto& position) { return !target.contains(position.first); });
  if (revoked > 0) ++world_.probes().group_revocations;
  for (const OwnedPartition& partition : target) member.positions.try_emplace(partition, -1);
  member.tells_owned = true;
}

void ClusterConsumers::LeaveConsumer(size_t index, int32_t epoch) {
  Member& member = members_[index];
  wire::ConsumerGroupHeartbeatRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  request.member_epoch = epoch;
  if (!member.instance_id.empty()) request.instance_id = member.instance_id;
  member.GiveAllUp();
  member.membership.in_order = true;
  Ask<wire::ConsumerGroupHeartbeatResponse>(
      index, &Member::membership, GatewayOf(member), member.version,
      [request](uint64_t&) { return request; },
      [](Member&, uint64_t, const wire::ConsumerGroupHeartbeatResponse&) {});
}

void ClusterConsumers::DescribeGroup(size_t index) {
  Member& member = members_[index];
  if (!IsFree(member, member.description)) return;
  wire::ConsumerGroupDescribeRequest request;
  request.group_ids.push_back(kGroupId);
  Ask<wire::ConsumerGroupDescribeResponse>(
      index, &Member::description, GatewayOf(member), kDescribeVersion,
      [request](uint64_t&) { return request; },
      [this, at_least = world_.consumer_checkers().newest_epoch()](
          Member&, uint64_t, const wire::ConsumerGroupDescribeResponse& response) {
        world_.consumer_checkers().OnDescribed(at_least, response);
      });
}

// ---- Requests ---------------------------------------------------------------------------

// The one that answered last, mostly.
NodeId ClusterConsumers::GatewayOf(Member& member) {
  if (world_.prng().Chance(1, 20)) member.gateway = world_.AnyBrokerId();
  return member.gateway;
}

void ClusterConsumers::Lose(Member& member) {
  member.gateway = world_.AnyBrokerId();
  member.tells_all = true;
}

bool ClusterConsumers::IsFree(Member& member, ClientSlot& slot) {
  if (slot.asked == 0) return true;
  if (!calls_.GiveUpIfLate(slot)) return false;
  Lose(member);
  return true;
}

int64_t ClusterConsumers::PatienceMs(bool waits_for_others) {
  return world_.prng().Between(300, waits_for_others ? 6'000 : 1'500);
}

// Another one may do better: this broker is cut off, or nobody is active.
bool ClusterConsumers::LeavesGateway(Member& member, ErrorCode error) {
  if (error != ErrorCode::kNotCoordinator && error != ErrorCode::kCoordinatorNotAvailable) {
    return false;
  }
  Lose(member);
  return true;
}

// ---- scripted worlds --------------------------------------------------------------------

void ClusterConsumers::RestartInOrder(size_t index) {
  Member& member = members_[index];
  calls_.End(member.membership);
  LeaveConsumer(index, metadata::kStaticMemberAwayEpoch);
  BeginAnew(member);
}

void ClusterConsumers::CrashAndRestart(size_t index) {
  Member& member = members_[index];
  calls_.End(member.membership);
  BeginAnew(member);
}

void ClusterConsumers::SwitchProtocol(size_t index) {
  Member& member = members_[index];
  calls_.End(member.membership);
  if (member.speaks_classic) {
    LeaveClassic(index);
  } else {
    LeaveConsumer(index, kLeaveEpoch);
  }
  member.speaks_classic = !member.speaks_classic;
  BeginAnew(member);
}

}  // namespace weir::sim
