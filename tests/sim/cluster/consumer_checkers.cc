// ConsumerCheckers: see consumer_checkers.h.
#include "tests/sim/cluster/consumer_checkers.h"

#include <algorithm>

#include "common/metadata/group_checks.h"
#include "controller/state/groups/consumer_protocol.h"
#include "controller/state/groups/group_migration.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

using metadata::ConsumerMemberState;
using metadata::Group;
using metadata::GroupMember;
using metadata::GroupState;
using metadata::GroupType;

bool IsConsumer(const Group& group) { return group.type == GroupType::kConsumer; }

std::string Named(const OwnedPartition& partition) { return "partition " + NameOf(partition); }

// Whether a member has a limited time to take its next step.
bool IsExpected(const Group& group, const GroupMember& member) {
  return member.state == ConsumerMemberState::kUnrevokedPartitions ||
         (member.uses_classic_protocol && member.member_epoch < group.assignment_epoch);
}

bool IsAtRest(const Group& group, const GroupMember& member) {
  return member.state == ConsumerMemberState::kStable &&
         member.member_epoch == group.assignment_epoch &&
         group.assignment_epoch == group.generation &&
         metadata::Get(member.assigned) == metadata::Get(member.target);
}

}  // namespace

std::string NameOf(const OwnedPartition& partition) {
  return partition.first.ToString() + "-" + std::to_string(partition.second);
}

OwnedPartitions ToOwned(const metadata::PartitionsByTopic& partitions) {
  OwnedPartitions owned;
  for (const auto& [topic, numbers] : partitions) {
    for (const int32_t number : numbers) owned.emplace(topic, number);
  }
  return owned;
}

bool Subscribes(const metadata::GroupSubscription& subscription, const std::string& topic) {
  const auto& names = subscription.topic_names;
  if (std::find(names.begin(), names.end(), topic) != names.end()) return true;
  // Of the expressions that members use: names with '|' between.
  const std::string all = "|" + subscription.topic_regex + "|";
  return all.find("|" + topic + "|") != std::string::npos;
}

void ConsumerCheckers::Fail(const std::string& what) { world_.Fail(what); }

// ---- At controllers ---------------------------------------------------------------------

// REQUIRES: the controller is active.
ConsumerCheckers::Coordinator& ConsumerCheckers::CoordinatorAt(SimController& controller) {
  Coordinator& known = coordinators_[controller.id()];
  const Term term = controller.controller().term();
  if (known.life == controller.process().get() && known.term == term) return known;
  known = {};
  known.life = controller.process().get();
  known.term = term;
  known.active_since = controller.loop().Now();
  const Group* group = controller.committed().FindGroup(kGroupId);
  if (group == nullptr) return known;
  known.group = *group;
  if (!group->members.empty()) ++world_.probes().group_failovers;
  NoteExpected(controller, known, *group);
  return known;
}

void ConsumerCheckers::AfterTask(SimController& controller) {
  if (!controller.active()) return;
  Coordinator& known = CoordinatorAt(controller);
  const LogIndex offset = controller.controller().working().offset();
  if (known.offset == offset) return;
  known.offset = offset;
  const Group* after = controller.controller().working().FindGroup(kGroupId);
  if (after == nullptr) return known.group.reset();
  if (known.group && !(*known.group == *after)) {
    CheckChange(controller, known, *known.group, *after);
  }
  known.group = *after;
  NoteExpected(controller, known, *after);
}

void ConsumerCheckers::NoteExpected(SimController& controller, Coordinator& known,
                                    const Group& group) {
  std::map<std::string, MonoTime> expected;
  for (const auto& [member_id, member] : group.members) {
    if (!IsConsumer(group) || !IsExpected(group, member)) continue;
    const auto since = known.expected.find(member_id);
    expected[member_id] = since == known.expected.end() ? controller.loop().Now() : since->second;
  }
  known.expected = std::move(expected);
}

void ConsumerCheckers::CheckChange(SimController& controller, const Coordinator& known,
                                   const Group& before, const Group& after) {
  if (after.generation < before.generation) {
    return Fail("G-06 epoch " + std::to_string(after.generation) + " is decided after " +
                std::to_string(before.generation));
  }
  if (!IsConsumer(before) || !IsConsumer(after)) return;
  if (after.assignment_epoch < before.assignment_epoch) {
    return Fail("G-06 the target of epoch " + std::to_string(after.assignment_epoch) +
                " is made after that of " + std::to_string(before.assignment_epoch));
  }
  for (const auto& [member_id, member] : before.members) {
    const GroupMember* still = after.FindMember(member_id);
    if (still != nullptr && still->member_epoch < member.member_epoch &&
        still->member_epoch != metadata::kStaticMemberAwayEpoch) {
      return Fail("G-06 " + member_id + " gets from epoch " + std::to_string(member.member_epoch) +
                  " to " + std::to_string(still->member_epoch));
    }
    const bool is_back =
        member.is_static() && after.FindStaticMember(member.instance_id) != nullptr;
    if (still == nullptr && !is_back) CheckGone(controller, known, before, member_id);
  }
  CheckStaticReturns(controller, known, before, after);
}

void ConsumerCheckers::CheckStaticReturns(SimController& controller, const Coordinator& known,
                                          const Group& before, const Group& after) {
  bool only_returns = before.members.size() == after.members.size();
  size_t returns = 0;
  for (const auto& [member_id, member] : before.members) {
    if (after.FindMember(member_id) != nullptr) continue;
    const std::string* owner =
        member.is_static() ? after.FindStaticMember(member.instance_id) : nullptr;
    if (owner == nullptr) return;
    ++returns;
    // It may go in the very event in which the other one joins, which waits for the place.
    if (leaving_.contains(member_id) || SessionIsOver(controller, known, member_id, member) ||
        RevocationIsOver(controller, known, member_id, member)) {
      return;
    }
    // One that speaks the classic protocol cannot say that it leaves for a while.
    const bool are_consumers =
        !member.uses_classic_protocol && !after.FindMember(*owner)->uses_classic_protocol;
    if (are_consumers && member.member_epoch != metadata::kStaticMemberAwayEpoch) {
      const auto lost = known.lost.find(member_id);
      const auto heard = known.heard.find(member_id);
      if (lost == known.lost.end() ||
          (heard != known.heard.end() && heard->second > lost->second)) {
        return Fail("G-19 " + *owner + " takes the place of " + member_id + ", which is in use");
      }
      ++world_.probes().group_takeovers;
    }
    const auto& said = after.FindMember(*owner)->subscription;
    only_returns = only_returns && said->topic_names == member.subscription->topic_names &&
                   said->topic_regex == member.subscription->topic_regex &&
                   said->server_assignor == member.subscription->server_assignor;
  }
  const bool was_at_rest = before.generation == before.assignment_epoch;
  if (returns != 1 || !only_returns || !was_at_rest) return;
  ++world_.probes().group_static_returns;
  if (after.generation != before.generation) {
    Fail("G-19 a static member that comes back moves the others");
  }
}

// The member is removed from the group.
void ConsumerCheckers::CheckGone(SimController& controller, const Coordinator& known,
                                 const Group& before, const std::string& member_id) {
  if (leaving_.contains(member_id)) return;
  const GroupMember& member = *before.FindMember(member_id);
  if (RevocationIsOver(controller, known, member_id, member)) {
    ++world_.probes().group_revocations_expired;
    return;
  }
  ++world_.probes().group_expirations;
  if (SessionIsOver(controller, known, member_id, member)) return;
  const Duration silent = SilenceOf(controller, known, member_id);
  Fail("G-11 " + member_id + " expires " + std::to_string(silent / std::chrono::milliseconds(1)) +
       " ms after a sign of life, or after the controller became active; its session is " +
       std::to_string(SessionMsOf(member)) + " ms");
}

// Since it was heard of, or the controller became active.
Duration ConsumerCheckers::SilenceOf(SimController& controller, const Coordinator& known,
                                     const std::string& member_id) {
  const auto heard = known.heard.find(member_id);
  const bool was_heard = heard != known.heard.end() && heard->second > known.active_since;
  return controller.loop().Now() - (was_heard ? heard->second : known.active_since);
}

int32_t ConsumerCheckers::SessionMsOf(const GroupMember& member) const {
  return member.uses_classic_protocol ? member.session_timeout_ms
                                      : world_.profile().group_session_ms;
}

bool ConsumerCheckers::SessionIsOver(SimController& controller, const Coordinator& known,
                                     const std::string& member_id,
                                     const GroupMember& member) const {
  return SilenceOf(controller, known, member_id) >= std::chrono::milliseconds(SessionMsOf(member));
}

// It has not given up partitions in time.
bool ConsumerCheckers::RevocationIsOver(SimController& controller, const Coordinator& known,
                                        const std::string& member_id, const GroupMember& member) {
  const auto since = known.expected.find(member_id);
  return since != known.expected.end() &&
         controller.loop().Now() - since->second >=
             std::chrono::milliseconds(member.rebalance_timeout_ms);
}

void ConsumerCheckers::Hear(SimController& controller, const std::string& member_id, MonoTime at) {
  MonoTime& heard = CoordinatorAt(controller).heard[member_id];
  heard = std::max(heard, at);
}

void ConsumerCheckers::OnHeartbeat(SimController& controller,
                                   const group::v1::HeartbeatRequest& request) {
  if (!controller.active()) return;
  const ErrorCode verdict = metadata::CheckHeartbeat(
      controller.controller().working(), request.group_id(),
      {request.member_id(), request.instance_id()}, request.generation_id());
  if (!metadata::IsAnswerOfGateway(verdict)) return;
  Hear(controller, request.member_id(), controller.loop().Now());
}

void ConsumerCheckers::OnReport(SimController& controller,
                                const group::v1::LivenessReport& report) {
  if (!controller.active()) return;
  for (const group::v1::LiveGroup& group : report.groups()) {
    for (const group::v1::LiveMember& member : group.members()) {
      Hear(controller, member.member_id(),
           controller.loop().Now() - std::chrono::milliseconds(member.heard_ms_ago()));
    }
    for (const group::v1::LostMember& member : group.lost()) {
      MonoTime& lost = CoordinatorAt(controller).lost[member.member_id()];
      lost =
          std::max(lost, controller.loop().Now() - std::chrono::milliseconds(member.lost_ms_ago()));
    }
  }
}

void ConsumerCheckers::OnLeaving(const group::v1::LeaveGroupRequest& request) {
  for (const group::v1::LeavingMember& member : request.members()) {
    leaving_.insert(member.member_id());
  }
}

void ConsumerCheckers::OnConsumerLeaving(const group::v1::ConsumerGroupHeartbeatRequest& request) {
  if (request.member_epoch() == -1) leaving_.insert(request.member_id());
}

void ConsumerCheckers::OnSyncAnswered(SimController& controller,
                                      const group::v1::SyncGroupRequest& request,
                                      const group::v1::SyncGroupReply& reply) {
  if (reply.error_code() != 0) return;
  const auto assignment = state::ParseClassicAssignment(reply.assignment());
  if (!assignment) return;
  HandOut({request.member_id(), request.instance_id(), request.generation_id(),
           ToOwned(state::ToIds(controller.committed(), assignment->partitions))});
}

void ConsumerCheckers::OnConsumerAnswered(SimController& controller,
                                          const group::v1::ConsumerGroupHeartbeatRequest& request,
                                          const group::v1::ConsumerGroupHeartbeatReply& reply,
                                          MonoTime arrived) {
  if (reply.error_code() != 0 || request.member_epoch() == -1) return;
  // `arrived` means nothing to a coordinator that began after it.
  if (controller.active() && CoordinatorAt(controller).active_since < arrived) {
    Hear(controller, reply.member_id(), arrived);
  }
  if (!reply.has_assignment()) return;
  const auto assigned = metadata::ParsePartitions(reply.assignment().topic_partitions());
  if (!assigned) return Fail("G-02 an assignment cannot be read");
  HandOut({reply.member_id(), request.instance_id(), reply.member_epoch(), ToOwned(*assigned)});
}

void ConsumerCheckers::HandOut(const MemberView& member) {
  for (const OwnedPartition& partition : member.owned) {
    ++world_.probes().group_assignments;
    const auto [owner, first] =
        owners_.try_emplace({member.epoch, partition}, IdentityOf(member.member_id));
    if (owner->second != IdentityOf(member.member_id)) {
      return Fail("G-02 epoch " + std::to_string(member.epoch) + ": " + Named(partition) +
                  " is handed to " + owner->second + " and to " + member.member_id);
    }
    Handed& handed = handed_[partition];
    if (member.epoch >= handed.epoch) handed = {member.epoch, member.member_id};
  }
  CheckExclusive(member);
}

// Whether the group takes the member for one of that epoch.
bool ConsumerCheckers::Counts(const MemberView& member) const {
  if (!newest_ || member.epoch <= 0) return false;
  const GroupMember* known = newest_->FindMember(member.member_id);
  if (known == nullptr || known->instance_id != member.instance_id) return false;
  return member.epoch == (IsConsumer(*newest_) ? known->member_epoch : newest_->generation);
}

// What the member holds nobody else holds whose epoch counts.
void ConsumerCheckers::CheckExclusive(const MemberView& member) {
  if (!Counts(member)) return;
  for (const MemberView& other : world_.consumers().Views()) {
    if (other.member_id == member.member_id || !Counts(other)) continue;
    for (const OwnedPartition& partition : other.owned) {
      if (!member.owned.contains(partition)) continue;
      return Fail("G-02 " + Named(partition) + " is in the hands of " + member.member_id +
                  " in epoch " + std::to_string(member.epoch) + ", and of " + other.member_id +
                  " in epoch " + std::to_string(other.epoch));
    }
  }
}

// ---- In the metadata --------------------------------------------------------------------

void ConsumerCheckers::OnMetadata(const metadata::MetadataImage& newest) {
  const Group* group = newest.FindGroup(kGroupId);
  if (group == nullptr || (newest_ && *newest_ == *group)) return;
  if (newest_ && group->generation < newest_->generation) {
    return Fail("G-06 epoch " + std::to_string(group->generation) + " is committed after " +
                std::to_string(newest_->generation));
  }
  if (newest_ && newest_->type != group->type && !newest_->members.empty() &&
      !group->members.empty()) {
    ++(IsConsumer(*group) ? world_.probes().group_upgrades : world_.probes().group_downgrades);
  }
  if (!newest_ || newest_->generation != group->generation) ++world_.probes().group_generations;
  NoteStandings(newest_ ? &*newest_ : nullptr, *group);
  newest_ = *group;
  if (!IsConsumer(*group)) return;
  CheckOwners(*group);
  if (group->state == GroupState::kStable) CheckStable(newest, *group);
}

void ConsumerCheckers::NoteStandings(const Group* before, const Group& after) {
  const bool turns = before == nullptr || before->type != after.type;
  for (const auto& [member_id, member] : after.members) {
    const GroupMember* known = turns ? nullptr : before->FindMember(member_id);
    const bool moves = known == nullptr || known->member_epoch != member.member_epoch ||
                       (!IsConsumer(after) && before->generation != after.generation);
    if (moves) ++standings_[member_id];
  }
}

void ConsumerCheckers::CheckOwners(const Group& group) {
  std::map<OwnedPartition, std::string> owners;
  for (const auto& [member_id, member] : group.members) {
    for (const auto* partitions : {&member.assigned, &member.pending_revocation}) {
      for (const OwnedPartition& partition : ToOwned(metadata::Get(*partitions))) {
        const auto [owner, first] = owners.try_emplace(partition, member_id);
        if (first) continue;
        return Fail("G-02 epoch " + std::to_string(group.generation) + ": " + Named(partition) +
                    " is of " + owner->second + " and of " + member_id);
      }
    }
  }
}

void ConsumerCheckers::CheckStable(const metadata::MetadataImage& image, const Group& group) {
  const std::string epoch = "epoch " + std::to_string(group.generation);
  OwnedPartitions assigned;
  std::set<std::string> wanted;
  for (const auto& [member_id, member] : group.members) {
    if (!IsAtRest(group, member)) {
      return Fail("G-04 " + epoch + " is stable, " + member_id + " is not there");
    }
    if (Subscribes(*member.subscription, ClusterWorld::kTopic)) wanted.insert(ClusterWorld::kTopic);
    for (const OwnedPartition& partition : ToOwned(metadata::Get(member.assigned))) {
      assigned.insert(partition);
      const metadata::Topic* topic = image.FindTopic(partition.first);
      if (topic == nullptr || Subscribes(*member.subscription, topic->name)) continue;
      return Fail("G-01 " + epoch + " gives " + Named(partition) + " to " + member_id +
                  ", which does not subscribe to it");
    }
  }
  // Of topics that come and go the group may not have heard yet.
  for (const std::string& name : wanted) {
    const metadata::Topic* topic = image.FindTopic(name);
    for (const auto& [index, partition] : topic->partitions) {
      if (assigned.contains({topic->id, index.value()})) continue;
      return Fail("G-01 " + epoch + " is stable and leaves a partition of " + name + " to nobody");
    }
  }
}

// ---- At members -------------------------------------------------------------------------

void ConsumerCheckers::OnTold(const MemberView& member) {
  if (newest_epoch() < member.epoch) {
    return Fail("G-06 a member is told of epoch " + std::to_string(member.epoch) +
                ", which is not committed");
  }
  int32_t& newest_told = told_[member.member_id];
  if (member.epoch < newest_told) {
    return Fail("G-06 " + member.member_id + " is told of epoch " + std::to_string(member.epoch) +
                " after " + std::to_string(newest_told));
  }
  newest_told = member.epoch;
  CheckExclusive(member);
}

uint64_t ConsumerCheckers::StandingOf(const MemberView& member) const {
  if (!Counts(member)) return 0;
  const auto standing = standings_.find(member.member_id);
  return standing == standings_.end() ? 0 : standing->second;
}

void ConsumerCheckers::OnTurnedAway(const MemberView& member, uint64_t standing) {
  ++world_.probes().group_members_turned_away;
  if (standing == 0 || StandingOf(member) != standing) return;
  Fail("G-05 " + member.member_id + " is turned away, a member of epoch " +
       std::to_string(member.epoch));
}

void ConsumerCheckers::OnDescribed(int32_t at_least,
                                   const wire::ConsumerGroupDescribeResponse& response) {
  for (const auto& group : response.groups) {
    // It may be a classic one just now.
    if (group.error_code != ErrorCode::kNone) continue;
    ++world_.probes().group_descriptions;
    if (group.group_epoch < at_least || group.group_epoch > newest_epoch()) {
      return Fail("G-06 the group is described in epoch " + std::to_string(group.group_epoch) +
                  ", " + std::to_string(at_least) + " was known");
    }
    OwnedPartitions owned;
    for (const auto& member : group.members) {
      for (const auto& topic : member.assignment.topic_partitions) {
        for (const int32_t partition : topic.partitions) {
          if (owned.emplace(topic.topic_id, partition).second) continue;
          return Fail("G-02 a partition is described as that of two members");
        }
      }
    }
  }
}

// ---- Committed offsets ------------------------------------------------------------------

OwnedPartition ConsumerCheckers::OrdersPartition(int32_t partition) const {
  return {world_.checkers().newest().FindTopic(ClusterWorld::kTopic)->id, partition};
}

CommitNumber ConsumerCheckers::OnCommitArrived(NodeId broker, const MemberView& member,
                                               const OffsetHistory::Offsets& offsets) {
  Commit& commit = commits_.emplace_back();
  commit.member_id = member.member_id;
  commit.epoch = member.epoch;
  bool is_zombie = false;
  for (const auto& [partition, offset] : offsets) {
    const auto handed = handed_.find(OrdersPartition(partition));
    if (handed == handed_.end()) continue;
    is_zombie = is_zombie || handed->second.epoch > member.epoch;
    // A broker that is fenced is not waited for: what it takes, it takes before its successor
    // begins.
    if (world_.checkers().newest().IsLive(broker)) commit.handed[partition] = handed->second;
  }
  if (is_zombie) ++world_.probes().group_zombie_commits;
  return offsets_.OnArrived(offsets);
}

void ConsumerCheckers::OnOffsetRecord(Offset position, std::string_view value) {
  const auto place = offsets_.OnRecord(position, value);
  if (!place) return;
  const Commit& commit = commits_[place->number];
  const std::string name = "a commit of partition " + std::to_string(place->partition) + " by " +
                           commit.member_id + " in epoch " + std::to_string(commit.epoch);
  const auto handed = commit.handed.find(place->partition);
  if (handed != commit.handed.end() && handed->second.epoch >= commit.epoch &&
      handed->second.member_id != commit.member_id) {
    return Fail("G-17 " + name + " is taken after it was handed to " + handed->second.member_id +
                " in epoch " + std::to_string(handed->second.epoch));
  }
  int32_t& newest = log_epochs_[place->partition];
  if (commit.epoch < newest) {
    return Fail("G-17 " + name + " stands behind one of epoch " + std::to_string(newest));
  }
  newest = commit.epoch;
}

}  // namespace weir::sim
