// ClusterGroup: see cluster_group.h.
#include "tests/sim/cluster/cluster_group.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

constexpr const char* kProtocolType = "consumer";
constexpr const char* kProtocol = "range";
constexpr int16_t kCommitVersion = 9;
constexpr int16_t kFetchVersion = 8;
constexpr int16_t kFirstJoinWithTwoSteps = 4;
constexpr int16_t kFirstLeaveWithManyMembers = 3;

}  // namespace

// Every other member is static. Clients of three ages.
void ClusterGroup::Start(int32_t members) {
  members_.resize(static_cast<size_t>(members));
  for (size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    if (i % 2 == 1) {
      member.instance_id = kStaticPrefix + std::to_string(i);
      if (i % 4 == 3) member.versions = {.join = 5, .sync = 3, .heartbeat = 3, .leave = 3};
    } else if (i % 4 == 2) {
      member.versions = {.join = 2, .sync = 1, .heartbeat = 1, .leave = 1};
    }
    ActLater(i);
  }
}

bool ClusterGroup::Settled() {
  const metadata::Group* group = world_.checkers().newest().FindGroup(kGroupId);
  if (group == nullptr || group->members.size() != members_.size()) return false;
  return std::all_of(members_.begin(), members_.end(), [&](const Member& member) {
    const bool knows_all = std::all_of(member.positions.begin(), member.positions.end(),
                                       [](const auto& position) { return position.second >= 0; });
    return member.synced && member.generation == group->generation && knows_all;
  });
}

std::string ClusterGroup::Describe() const {
  std::string text;
  for (const Member& member : members_) {
    text += "\n  member " + member.id + " generation " + std::to_string(member.generation) +
            (member.synced ? " synced" : "") + (member.membership.asked != 0 ? " waits" : "");
    for (const auto& [partition, position] : member.positions) {
      text += " " + std::to_string(partition) + "@" + std::to_string(position);
    }
  }
  return text;
}

// ---- What members do --------------------------------------------------------------------

void ClusterGroup::ActLater(size_t index) {
  world_.After(world_.prng().Between(20, 150), [this, index] {
    Act(index);
    ActLater(index);
  });
}

void ClusterGroup::Act(size_t index) {
  Member& member = members_[index];
  const int64_t now_ms = world_.now_ms();
  if (now_ms < member.silent_until_ms && !calm_) return;
  ActOnOffsets(index);
  if (!IsFree(member, member.membership) || (!calm_ && Churn(index))) return;
  if (member.generation < 0) return Join(index);
  if (!member.synced) return Sync(index);
  if (member.joins_at_ms != 0 && now_ms >= member.joins_at_ms) {
    member.joins_at_ms = 0;
    member.LeaveGeneration();
    return Join(index);
  }
  Beat(index);
}

bool ClusterGroup::Churn(size_t index) {
  Member& member = members_[index];
  Prng& prng = world_.prng();
  if (prng.Chance(1, 80)) {
    member.silent_until_ms = world_.now_ms() + prng.Between(0, 5'000);
    return true;
  }
  if (member.id.empty()) return false;
  if (!member.instance_id.empty() && prng.Chance(1, 40)) {
    member.Forget();
    return true;
  }
  if (!prng.Chance(1, member.instance_id.empty() ? 60 : 200)) return false;
  Leave(index);
  return true;
}

void ClusterGroup::ActOnOffsets(size_t index) {
  Member& member = members_[index];
  if (!member.synced || member.positions.empty() || !IsFree(member, member.offsets)) {
    return;
  }
  const bool knows_all = std::all_of(member.positions.begin(), member.positions.end(),
                                     [](const auto& position) { return position.second >= 0; });
  if (!knows_all) return FetchOffsets(index);
  if (world_.prng().Chance(1, calm_ ? 20 : 3)) return CommitOffsets(index);
  // Others look as well.
  if (world_.prng().Chance(1, 20)) FetchOffsets(index);
}

void ClusterGroup::Join(size_t index) {
  const Member& member = members_[index];
  wire::JoinGroupRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  if (!member.instance_id.empty()) request.group_instance_id = member.instance_id;
  request.session_timeout_ms = world_.profile().group_session_ms;
  request.rebalance_timeout_ms = world_.profile().group_rebalance_ms;
  request.protocol_type = kProtocolType;
  request.protocols.push_back({kProtocol, {}});
  Ask<wire::JoinGroupResponse>(
      index, &Member::membership, GatewayOf(members_[index]), member.versions.join,
      [request](uint64_t&) { return request; },
      [this](Member& waiting, uint64_t, const wire::JoinGroupResponse& response) {
        TakeJoin(waiting, response);
      });
}

std::vector<wire::SyncGroupRequest::MemberAssignment> ClusterGroup::Assign(
    const Member& leader) const {
  std::vector<GroupAssignment> assignments(
      leader.members.size(),
      {.generation = leader.generation, .leader = IdentityOf(leader.id), .partitions = {}});
  for (int32_t i = 0; i < world_.profile().partitions && !assignments.empty(); ++i) {
    const auto turn = static_cast<size_t>(i + leader.generation);
    assignments[turn % assignments.size()].partitions.insert(i);
  }
  std::vector<wire::SyncGroupRequest::MemberAssignment> all;
  for (size_t i = 0; i < assignments.size(); ++i) {
    all.push_back({leader.members[i], {assignments[i].ToString()}});
  }
  return all;
}

void ClusterGroup::Sync(size_t index) {
  const Member& member = members_[index];
  wire::SyncGroupRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  request.generation_id = member.generation;
  if (!member.instance_id.empty()) request.group_instance_id = member.instance_id;
  request.protocol_type = kProtocolType;
  request.protocol_name = kProtocol;
  request.assignments = Assign(member);
  Ask<wire::SyncGroupResponse>(
      index, &Member::membership, GatewayOf(members_[index]), member.versions.sync,
      [request](uint64_t&) { return request; },
      [this](Member& waiting, uint64_t, const wire::SyncGroupResponse& response) {
        TakeSync(waiting, response);
      });
}

void ClusterGroup::Beat(size_t index) {
  const Member& member = members_[index];
  wire::HeartbeatRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  request.generation_id = member.generation;
  if (!member.instance_id.empty()) request.group_instance_id = member.instance_id;
  const bool was_member = world_.group_checkers().IsMember(member.id, member.generation);
  Ask<wire::HeartbeatResponse>(
      index, &Member::membership, GatewayOf(members_[index]), member.versions.heartbeat,
      [request](uint64_t&) { return request; },
      [this, request, was_member](Member& waiting, uint64_t,
                                  const wire::HeartbeatResponse& response) {
        TakeVerdict(waiting, response.error_code, request.member_id, request.generation_id,
                    was_member);
      });
}

void ClusterGroup::Leave(size_t index) {
  Member& member = members_[index];
  wire::LeaveGroupRequest request;
  request.group_id = kGroupId;
  if (member.versions.leave < kFirstLeaveWithManyMembers) {
    request.member_id = member.id;
  } else {
    auto& leaving = request.members.emplace_back();
    leaving.member_id = member.id;
    if (!member.instance_id.empty()) leaving.group_instance_id = member.instance_id;
  }
  member.Forget();
  Ask<wire::LeaveGroupResponse>(
      index, &Member::membership, GatewayOf(member), member.versions.leave,
      [request](uint64_t&) { return request; },
      [](Member&, uint64_t, const wire::LeaveGroupResponse&) {});
}

void ClusterGroup::FetchOffsets(size_t index) {
  const Member& member = members_[index];
  wire::OffsetFetchRequest request;
  request.require_stable = true;
  auto& group = request.groups.emplace_back();
  group.group_id = kGroupId;
  auto& topic = group.topics->emplace_back();
  topic.name = ClusterWorld::kTopic;
  for (const auto& [partition, position] : member.positions) {
    topic.partition_indexes.push_back(partition);
  }
  Ask<wire::OffsetFetchResponse>(
      index, &Member::offsets, calls_.OffsetsLeader(kGroupId), kFetchVersion,
      [request](uint64_t&) { return request; },
      [this, generation = member.generation, known = world_.group_checkers().offsets().known()](
          Member& waiting, uint64_t, const wire::OffsetFetchResponse& response) {
        TakeOffsets(waiting, generation, known, response);
      });
}

void ClusterGroup::CommitOffsets(size_t index) {
  Member& member = members_[index];
  for (auto& [partition, position] : member.positions) position += world_.prng().Between(0, 3);
  wire::OffsetCommitRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  request.generation_id_or_member_epoch = member.generation;
  if (!member.instance_id.empty()) request.group_instance_id = member.instance_id;
  auto& topic = request.topics.emplace_back();
  topic.name = ClusterWorld::kTopic;
  const bool was_member = world_.group_checkers().IsMember(member.id, member.generation);
  // Every copy that arrives is told from the others.
  const NodeId leader = calls_.OffsetsLeader(kGroupId);
  const auto make = [this, request, leader, offsets = member.positions](uint64_t& number) {
    wire::OffsetCommitRequest copy = request;
    number = world_.group_checkers().OnCommitArrived(leader, request.generation_id_or_member_epoch,
                                                     offsets);
    for (const auto& [partition, offset] : offsets) {
      copy.topics.front().partitions.push_back(
          {partition, offset, -1, OffsetHistory::TagOf(number, partition)});
    }
    return copy;
  };
  Ask<wire::OffsetCommitResponse>(
      index, &Member::offsets, leader, kCommitVersion, make,
      [this, request, was_member](Member& waiting, uint64_t number,
                                  const wire::OffsetCommitResponse& response) {
        const ErrorCode error = response.topics.at(0).partitions.at(0).error_code;
        if (error == ErrorCode::kNone) return world_.group_checkers().offsets().OnAcked(number);
        TakeVerdict(waiting, error, request.member_id, request.generation_id_or_member_epoch,
                    was_member);
      });
}

// ---- What members hear ------------------------------------------------------------------

// Another one may do better: this broker is cut off, or nobody is active.
bool ClusterGroup::LeavesGateway(Member& member, ErrorCode error) {
  if (error != ErrorCode::kNotCoordinator && error != ErrorCode::kCoordinatorNotAvailable) {
    return false;
  }
  member.gateway = world_.AnyBrokerId();
  return true;
}

void ClusterGroup::TakeJoin(Member& member, const wire::JoinGroupResponse& response) {
  const ErrorCode error = response.error_code;
  if (LeavesGateway(member, error)) return;
  if (error == ErrorCode::kMemberIdRequired) member.id = response.member_id;
  if (error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId) {
    member.Forget();
  }
  if (error != ErrorCode::kNone) return;
  member.id = response.member_id;
  member.generation = response.generation_id;
  member.leader = response.leader;
  member.synced = false;
  member.joins_at_ms = 0;
  member.positions.clear();
  member.members.clear();
  world_.group_checkers().OnTold(member.id, member.generation, member.leader);
  if (response.leader != member.id || response.skip_assignment) return;
  for (const auto& joined : response.members) member.members.push_back(joined.member_id);
}

void ClusterGroup::TakeSync(Member& member, const wire::SyncGroupResponse& response) {
  const ErrorCode error = response.error_code;
  if (LeavesGateway(member, error)) return;
  if (error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId) {
    return member.Forget();
  }
  if (error != ErrorCode::kNone) return member.LeaveGeneration();
  world_.group_checkers().OnAssigned(member.id, member.generation, response.assignment.data);
  member.synced = true;
  member.positions.clear();
  for (const int32_t partition : GroupAssignment::Parse(response.assignment.data).partitions) {
    member.positions[partition] = -1;
  }
}

void ClusterGroup::TakeOffsets(Member& member, int32_t generation,
                               const std::map<int32_t, Offset>& known,
                               const wire::OffsetFetchResponse& response) {
  const auto& group = response.groups.at(0);
  if (group.error_code != ErrorCode::kNone) return;
  for (const auto& partition : group.topics.at(0).partitions) {
    if (partition.error_code != ErrorCode::kNone) continue;
    world_.group_checkers().offsets().OnFetched(known, partition.partition_index,
                                                partition.committed_offset,
                                                partition.metadata.value_or(""));
    if (member.generation != generation) continue;
    const auto position = member.positions.find(partition.partition_index);
    if (position == member.positions.end() || position->second >= 0) continue;
    position->second = std::max<int64_t>(0, partition.committed_offset);
  }
}

void ClusterGroup::TakeVerdict(Member& member, ErrorCode error, const std::string& asked_id,
                               int32_t asked_generation, bool was_member) {
  if (LeavesGateway(member, error)) return;
  const bool unknown =
      error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId;
  if (unknown || error == ErrorCode::kIllegalGeneration) {
    world_.group_checkers().OnTurnedAway(asked_id, asked_generation, was_member);
  }
  // It may have become another one meanwhile.
  if (member.id != asked_id || member.generation != asked_generation) return;
  if (unknown) return member.Forget();
  if (error == ErrorCode::kIllegalGeneration) return member.LeaveGeneration();
  if (error == ErrorCode::kRebalanceInProgress && member.joins_at_ms == 0) {
    member.joins_at_ms = world_.now_ms() + world_.prng().Between(1, calm_ ? 50 : 1'000);
  }
}

// ---- Requests ---------------------------------------------------------------------------

// The one that answered last, mostly.
NodeId ClusterGroup::GatewayOf(Member& member) {
  if (world_.prng().Chance(1, 20)) member.gateway = world_.AnyBrokerId();
  return member.gateway;
}

bool ClusterGroup::IsFree(Member& member, ClientSlot& slot) {
  if (slot.asked == 0) return true;
  if (!calls_.GiveUpIfLate(slot)) return false;
  member.gateway = world_.AnyBrokerId();
  return true;
}

template <class Response, class Make, class Take>
void ClusterGroup::Ask(size_t index, ClientSlot Member::*slot, NodeId target, int16_t version,
                       Make make, Take take) {
  constexpr bool kWaitsForOthers = std::is_same_v<Response, wire::JoinGroupResponse> ||
                                   std::is_same_v<Response, wire::SyncGroupResponse>;
  const int64_t patience_ms = world_.prng().Between(300, kWaitsForOthers ? 6'000 : 1'500);
  calls_.Ask<Response>(members_[index].*slot, target, version, kDynamicPrefix, patience_ms,
                       std::move(make),
                       [this, index, take = std::move(take)](
                           uint64_t number, const std::optional<Response>& response) {
                         Member& member = members_[index];
                         if (response) return take(member, number, *response);
                         member.gateway = world_.AnyBrokerId();
                       });
}

}  // namespace weir::sim
