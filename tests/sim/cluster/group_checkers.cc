// GroupCheckers: see group_checkers.h.
#include "tests/sim/cluster/group_checkers.h"

#include <charconv>

#include "common/metadata/group_checks.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

using metadata::Group;
using metadata::GroupState;

// What NewMemberId puts behind the prefix: "-" and a UUID.
constexpr size_t kIdTailBytes = 37;

// The number at the front of `text`, which it takes away with the character behind it.
int64_t TakeNumber(std::string_view& text) {
  int64_t number = -1;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  text.remove_prefix(std::min(text.size(), static_cast<size_t>(end - text.data()) + 1));
  return number;
}

bool HasPrefix(const std::string& member_id, std::string_view prefix) {
  return std::string_view(member_id).starts_with(prefix);
}

}  // namespace

std::string GroupAssignment::ToString() const {
  std::string text = std::to_string(generation) + ":" + leader + ":";
  for (const int32_t partition : partitions) text += std::to_string(partition) + ",";
  return text;
}

GroupAssignment GroupAssignment::Parse(std::string_view text) {
  GroupAssignment assignment;
  if (text.empty()) return assignment;
  assignment.generation = static_cast<int32_t>(TakeNumber(text));
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  assignment.leader = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  while (!text.empty()) assignment.partitions.insert(static_cast<int32_t>(TakeNumber(text)));
  return assignment;
}

std::string IdentityOf(const std::string& member_id) {
  const bool is_static = HasPrefix(member_id, kStaticPrefix);
  return is_static ? member_id.substr(0, member_id.size() - kIdTailBytes) : member_id;
}

void GroupCheckers::Fail(const std::string& what) { world_.Fail(what); }

// ---- At controllers ---------------------------------------------------------------------

const Group* GroupCheckers::GroupAt(SimController& controller) const {
  return controller.controller().working().FindGroup(kGroupId);
}

// REQUIRES: the controller is active.
GroupCheckers::Coordinator& GroupCheckers::CoordinatorAt(SimController& controller) {
  Coordinator& known = coordinators_[controller.id()];
  const Term term = controller.controller().term();
  if (known.life == controller.process().get() && known.term == term) return known;
  // Its first look at the group is the committed one, whatever it has decided since.
  known = {};
  known.life = controller.process().get();
  known.term = term;
  known.active_since = controller.loop().Now();
  const Group* group = controller.committed().FindGroup(kGroupId);
  if (group == nullptr) return known;
  known.group = *group;
  if (!group->members.empty()) ++world_.probes().group_failovers;
  if (group->state != GroupState::kStable) return known;
  for (const auto& [member_id, member] : group->members) {
    known.synced[member_id] = group->generation;
  }
  return known;
}

void GroupCheckers::AfterTask(SimController& controller) {
  if (!controller.active()) return;
  Coordinator& known = CoordinatorAt(controller);
  const LogIndex offset = controller.controller().working().offset();
  if (known.offset == offset) return;
  known.offset = offset;
  const Group* after = GroupAt(controller);
  if (after == nullptr) return known.group.reset();
  if (known.group && !(*known.group == *after))
    CheckChange(controller, known, *known.group, *after);
  known.group = *after;
  if (after->state != GroupState::kPreparingRebalance) known.joining.clear();
  if (after->state != GroupState::kCompletingRebalance) known.syncing.clear();
}

void GroupCheckers::CheckChange(SimController& controller, Coordinator& known, const Group& before,
                                const Group& after) {
  if (after.generation < before.generation) {
    return Fail("G-06 generation " + std::to_string(after.generation) + " is decided after " +
                std::to_string(before.generation));
  }
  size_t gone = 0;
  size_t replaced = 0;
  for (const auto& [member_id, member] : before.members) {
    if (after.FindMember(member_id) != nullptr) continue;
    const bool is_back =
        member.is_static() && after.FindStaticMember(member.instance_id) != nullptr;
    ++(is_back ? replaced : gone);
    if (!is_back) CheckGone(controller, known, before, member_id);
  }
  if (replaced != 1 || gone > 0 || before.state != GroupState::kStable ||
      after.members.size() != before.members.size()) {
    return;
  }
  ++world_.probes().group_static_returns;
  if (after.generation != before.generation || after.state != GroupState::kStable) {
    Fail("G-19 a static member that comes back to a stable group moves the others");
  }
}

// The member is removed from the group.
void GroupCheckers::CheckGone(SimController& controller, const Coordinator& known,
                              const Group& before, const std::string& member_id) {
  if (leaving_.contains(member_id)) return;
  if (known.joining.contains(member_id) || known.syncing.contains(member_id)) {
    return Fail("G-12 " + member_id + " waits for the others and is removed");
  }
  // While a rebalance is prepared, who does not come in time is out; who does not ask for its
  // assignment in time is out as well.
  const auto synced = known.synced.find(member_id);
  if (before.state == GroupState::kPreparingRebalance || synced == known.synced.end() ||
      synced->second != before.generation) {
    return;
  }
  CheckSessionIsOver(controller, known, *before.FindMember(member_id), member_id);
}

void GroupCheckers::CheckSessionIsOver(SimController& controller, const Coordinator& known,
                                       const metadata::GroupMember& member,
                                       const std::string& member_id) {
  const auto heard = known.heard.find(member_id);
  const bool was_heard = heard != known.heard.end() && heard->second > known.active_since;
  const MonoTime last = was_heard ? heard->second : known.active_since;
  const Duration silent = controller.loop().Now() - last;
  ++world_.probes().group_expirations;
  if (silent >= std::chrono::milliseconds(member.session_timeout_ms)) return;
  Fail("G-11 " + member_id + " expires " + std::to_string(silent / std::chrono::milliseconds(1)) +
       " ms after " + (was_heard ? "a sign of life" : "the controller became active") +
       ", its session is " + std::to_string(member.session_timeout_ms) + " ms");
}

void GroupCheckers::OnJoinArrived(SimController& controller, state::GroupCallId call,
                                  const group::v1::JoinGroupRequest& request) {
  if (!controller.active() || request.member_id().empty()) return;
  const Group* group = GroupAt(controller);
  if (group == nullptr || group->state != GroupState::kPreparingRebalance) return;
  if (metadata::CheckMember(*group, {request.member_id(), request.instance_id()}) !=
      ErrorCode::kNone) {
    return;
  }
  CoordinatorAt(controller).joining[request.member_id()] = call;
}

void GroupCheckers::OnJoinAnswered(SimController& controller,
                                   const group::v1::JoinGroupRequest& request,
                                   const group::v1::JoinGroupReply& reply) {
  // The batch was not appended: the group has begun anew.
  const bool again =
      reply.error_code() == static_cast<int32_t>(ErrorCode::kCoordinatorNotAvailable);
  if (again && controller.active()) CoordinatorAt(controller).joining.erase(request.member_id());
}

void GroupCheckers::OnSyncArrived(SimController& controller, state::GroupCallId call,
                                  const group::v1::SyncGroupRequest& request) {
  if (!controller.active()) return;
  const Group* group = GroupAt(controller);
  if (group == nullptr ||
      metadata::CheckMemberOf(*group, {request.member_id(), request.instance_id()},
                              request.generation_id()) != ErrorCode::kNone) {
    return;
  }
  Coordinator& known = CoordinatorAt(controller);
  if (group->state == GroupState::kPreparingRebalance) return;
  known.synced[request.member_id()] = request.generation_id();
  MonoTime& heard = known.heard[request.member_id()];
  heard = std::max(heard, controller.loop().Now());
  if (group->state == GroupState::kCompletingRebalance) known.syncing[request.member_id()] = call;
}

void GroupCheckers::OnWithdrawn(SimController& controller, state::GroupCallId call) {
  if (!controller.active()) return;
  Coordinator& known = CoordinatorAt(controller);
  const auto is_it = [call](const auto& entry) { return entry.second == call; };
  if (std::erase_if(known.joining, is_it) + std::erase_if(known.syncing, is_it) > 0) {
    ++world_.probes().group_calls_withdrawn;
  }
}

void GroupCheckers::OnHeartbeat(SimController& controller,
                                const group::v1::HeartbeatRequest& request) {
  if (!controller.active()) return;
  const ErrorCode verdict = metadata::CheckHeartbeat(
      controller.controller().working(), request.group_id(),
      {request.member_id(), request.instance_id()}, request.generation_id());
  if (!metadata::IsAnswerOfGateway(verdict)) return;
  MonoTime& heard = CoordinatorAt(controller).heard[request.member_id()];
  heard = std::max(heard, controller.loop().Now());
}

void GroupCheckers::OnReport(SimController& controller, const group::v1::LivenessReport& report) {
  if (!controller.active()) return;
  Coordinator& known = CoordinatorAt(controller);
  for (const group::v1::LiveGroup& group : report.groups()) {
    for (const group::v1::LiveMember& member : group.members()) {
      MonoTime& heard = known.heard[member.member_id()];
      const Duration age = std::chrono::milliseconds(member.heard_ms_ago());
      heard = std::max(heard, controller.loop().Now() - age);
    }
  }
}

void GroupCheckers::OnLeaving(const group::v1::LeaveGroupRequest& request) {
  for (const group::v1::LeavingMember& member : request.members()) {
    leaving_.insert(member.member_id());
  }
}

void GroupCheckers::OnSyncAnswered(SimController& controller,
                                   const group::v1::SyncGroupRequest& request,
                                   const group::v1::SyncGroupReply& reply) {
  if (reply.error_code() == 0) {
    handed_out_ = std::max(handed_out_, request.generation_id());
    return Own(request.generation_id(), request.member_id(),
               GroupAssignment::Parse(reply.assignment()));
  }
  if (!controller.active()) return;
  CoordinatorAt(controller).synced.erase(request.member_id());
  CoordinatorAt(controller).syncing.erase(request.member_id());
}

// ---- In the metadata --------------------------------------------------------------------

void GroupCheckers::OnMetadata(const metadata::MetadataImage& newest) {
  const Group* group = newest.FindGroup(kGroupId);
  if (group == nullptr || (newest_ && *newest_ == *group)) return;
  if (newest_ && group->generation < newest_->generation) {
    return Fail("G-06 generation " + std::to_string(group->generation) + " is committed after " +
                std::to_string(newest_->generation));
  }
  newest_ = *group;
  if (group->state == GroupState::kStable) CheckStable(*group);
}

void GroupCheckers::CheckStable(const Group& group) {
  const std::string generation = "generation " + std::to_string(group.generation);
  std::set<int32_t> assigned;
  for (const auto& [member_id, member] : group.members) {
    if (member.assignment == nullptr) {
      return Fail("G-04 " + generation + " is stable, " + member_id + " has no assignment");
    }
    const GroupAssignment assignment = GroupAssignment::Parse(*member.assignment);
    if (assignment.generation != group.generation) {
      return Fail("G-04 " + generation + " is stable, " + member_id + " has the assignment " +
                  *member.assignment);
    }
    for (const int32_t partition : assignment.partitions) {
      if (assigned.insert(partition).second) continue;
      return Fail("G-02 " + generation + " gives partition " + std::to_string(partition) +
                  " to two members");
    }
  }
  if (assigned.size() != static_cast<size_t>(world_.profile().partitions)) {
    Fail("G-01 " + generation + " is stable and leaves partitions to nobody");
  }
}

void GroupCheckers::Own(int32_t generation, const std::string& member_id,
                        const GroupAssignment& assignment) {
  for (const int32_t partition : assignment.partitions) {
    const auto [owner, first] = owners_.try_emplace({generation, partition}, IdentityOf(member_id));
    if (owner->second == IdentityOf(member_id)) continue;
    return Fail("G-02 generation " + std::to_string(generation) + ": partition " +
                std::to_string(partition) + " is handed to " + owner->second + " and to " +
                member_id);
  }
}

// ---- At members -------------------------------------------------------------------------

void GroupCheckers::OnTold(const std::string& member_id, int32_t generation,
                           const std::string& leader) {
  if (!newest_ || newest_->generation < generation) {
    return Fail("G-06 a member is told of generation " + std::to_string(generation) +
                ", which is not committed");
  }
  int32_t& newest_told = told_[member_id];
  if (generation < newest_told) {
    return Fail("G-06 " + member_id + " is told of generation " + std::to_string(generation) +
                " after " + std::to_string(newest_told));
  }
  newest_told = generation;
  const auto [told, first] = leaders_.try_emplace(generation, IdentityOf(leader));
  if (first) ++world_.probes().group_generations;
  if (told->second == IdentityOf(leader)) return;
  Fail("G-04 generation " + std::to_string(generation) + " has two leaders");
}

void GroupCheckers::OnAssigned(const std::string& member_id, int32_t generation,
                               const std::string& text) {
  ++world_.probes().group_assignments;
  const GroupAssignment assignment = GroupAssignment::Parse(text);
  if (assignment.generation != generation || assignment.leader != leaders_[generation]) {
    return Fail("G-03 " + member_id + " of generation " + std::to_string(generation) +
                " gets the assignment " + text);
  }
  Own(generation, member_id, assignment);
}

bool GroupCheckers::IsMember(const std::string& member_id, int32_t generation) const {
  return newest_ && newest_->generation == generation && newest_->FindMember(member_id) != nullptr;
}

void GroupCheckers::OnTurnedAway(const std::string& member_id, int32_t generation,
                                 bool was_member) {
  ++world_.probes().group_members_turned_away;
  // Generations grow and ids are not used again: it has been one all the time.
  if (!was_member || !IsMember(member_id, generation)) return;
  Fail("G-05 " + member_id + " is turned away, a member of generation " +
       std::to_string(generation));
}

// ---- Committed offsets ------------------------------------------------------------------

CommitNumber GroupCheckers::OnCommitArrived(NodeId broker, int32_t generation,
                                            const OffsetHistory::Offsets& offsets) {
  if (generation < handed_out_) ++world_.probes().group_zombie_commits;
  // A broker that is fenced is not waited for: what it takes, it takes before its successor begins.
  const bool is_fenced = !world_.checkers().newest().IsLive(broker);
  commits_.push_back({generation, is_fenced ? 0 : handed_out_});
  return offsets_.OnArrived(offsets);
}

void GroupCheckers::OnOffsetRecord(Offset position, std::string_view value) {
  const auto place = offsets_.OnRecord(position, value);
  if (!place) return;
  const Commit& commit = commits_[place->number];
  const std::string name = "a commit of generation " + std::to_string(commit.generation);
  if (commit.generation < commit.handed_out) {
    return Fail("G-17 " + name + " is taken after an assignment of generation " +
                std::to_string(commit.handed_out) + " was handed out");
  }
  int32_t& newest = log_generations_[place->partition];
  if (commit.generation < newest) {
    return Fail("G-17 " + name + " stands behind one of generation " + std::to_string(newest));
  }
  newest = commit.generation;
}

}  // namespace weir::sim
