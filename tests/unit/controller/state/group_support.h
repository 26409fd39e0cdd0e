// GroupHarness: a GroupCoordinator without Raft. Outcomes are applied at once, answers are kept by
// call, and after every event the laws of groups are checked. Thread rule: one owner.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/metadata/apply.h"
#include "common/metadata/dump.h"
#include "controller/state/groups/group_coordinator.h"

namespace weir::state {

using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using group::v1::SyncGroupReply;
using group::v1::SyncGroupRequest;
using metadata::Group;
using metadata::GroupState;

template <class Reply>
ErrorCode CodeOfReply(const Reply& reply) {
  return ErrorCodeFromNumber(reply.error_code());
}

class GroupHarness {
 public:
  explicit GroupHarness(GroupConfig config = {}, uint64_t seed = 1)
      : config(config), coordinator(config), prng(seed) {
    coordinator.BecomeActive(image, now);
  }

  GroupContext context() { return {image, now, &prng}; }

  // ---- requests ------------------------------------------------------------------------

  // A consumer that knows "range", of the newest client version.
  static JoinGroupRequest JoinOf(const std::string& group_id, const std::string& member_id = "",
                                 const std::string& instance_id = "") {
    JoinGroupRequest request;
    request.set_group_id(group_id);
    request.set_member_id(member_id);
    request.set_instance_id(instance_id);
    request.set_client_id("client");
    request.set_client_host("/127.0.0.1");
    request.set_session_timeout_ms(10'000);
    request.set_rebalance_timeout_ms(60'000);
    request.set_protocol_type("consumer");
    request.set_requires_known_member_id(true);
    request.set_supports_skip_assignment(true);
    AddProtocol(&request, "range", "topics");
    return request;
  }
  static void AddProtocol(JoinGroupRequest* request, const std::string& name,
                          const std::string& data) {
    request->add_protocols()->set_name(name);
    request->mutable_protocols(request->protocols_size() - 1)->set_metadata(data);
  }
  static SyncGroupRequest SyncOf(const std::string& group_id, const std::string& member_id,
                                 int32_t generation) {
    SyncGroupRequest request;
    request.set_group_id(group_id);
    request.set_member_id(member_id);
    request.set_generation_id(generation);
    return request;
  }

  GroupCallId Join(const JoinGroupRequest& request) {
    const GroupCallId call = NewCall();
    Take(coordinator.Join(context(), call, request));
    return call;
  }
  GroupCallId Sync(const SyncGroupRequest& request) {
    const GroupCallId call = NewCall();
    Take(coordinator.Sync(context(), call, request));
    return call;
  }
  group::v1::LeaveGroupReply Leave(const group::v1::LeaveGroupRequest& request) {
    const GroupCallId call = NewCall();
    Take(coordinator.Leave(context(), call, request));
    return std::get<group::v1::LeaveGroupReply>(answers.at(call));
  }
  // One member by its member id.
  ErrorCode Leave(const std::string& group_id, const std::string& member_id,
                  const std::string& instance_id = "") {
    group::v1::LeaveGroupRequest request;
    request.set_group_id(group_id);
    request.add_members()->set_member_id(member_id);
    request.mutable_members(0)->set_instance_id(instance_id);
    return CodeOfReply(Leave(request).members(0));
  }
  ErrorCode Delete(const std::string& group_id) {
    const GroupCallId call = NewCall();
    group::v1::DeleteGroupsRequest request;
    request.add_group_ids(group_id);
    Take(coordinator.Delete(context(), call, request));
    return CodeOfReply(std::get<group::v1::DeleteGroupsReply>(answers.at(call)).groups(0));
  }
  void Gone(GroupCallId call) {
    open_calls.erase(call);
    Take(coordinator.OnCallGone(context(), call));
  }
  ErrorCode Beat(const std::string& group_id, const std::string& member_id, int32_t generation,
                 const std::string& instance_id = "") {
    group::v1::HeartbeatRequest request;
    request.set_group_id(group_id);
    request.set_member_id(member_id);
    request.set_generation_id(generation);
    request.set_instance_id(instance_id);
    return CodeOfReply(coordinator.Heartbeat(context(), request));
  }
  // A gateway's report about one member.
  void Report(const std::string& group_id, const std::string& member_id, int heard_ms_ago = 0) {
    group::v1::LivenessReport report;
    group::v1::LiveGroup* group = report.add_groups();
    group->set_group_id(group_id);
    group->add_members()->set_member_id(member_id);
    group->mutable_members(0)->set_heard_ms_ago(heard_ms_ago);
    coordinator.OnReport(now, report);
  }

  // Time passes; everything that becomes due is done at its time.
  void Advance(Duration duration) {
    const MonoTime end = now + duration;
    while (coordinator.NextDeadline() && *coordinator.NextDeadline() <= end) {
      now = std::max(now, *coordinator.NextDeadline());
      Take(coordinator.OnTime(context()));
    }
    now = end;
  }
  void AdvanceMs(int64_t ms) { Advance(std::chrono::milliseconds(ms)); }

  // The active controller is another one: only records are left.
  void FailOver() {
    for (GroupAnswer& answer : coordinator.Deactivate()) TakeAnswer(std::move(answer));
    EXPECT_TRUE(open_calls.empty()) << "every call is answered when the controller goes";
    coordinator.BecomeActive(image, now);
    CheckLaws();
  }

  // ---- answers -------------------------------------------------------------------------

  bool IsAnswered(GroupCallId call) const { return answers.contains(call); }
  // REQUIRES: answered.
  const JoinGroupReply& Joined(GroupCallId call) const {
    return std::get<JoinGroupReply>(answers.at(call));
  }
  const SyncGroupReply& Synced(GroupCallId call) const {
    return std::get<SyncGroupReply>(answers.at(call));
  }
  ErrorCode JoinCode(GroupCallId call) const { return CodeOfReply(Joined(call)); }
  ErrorCode SyncCode(GroupCallId call) const { return CodeOfReply(Synced(call)); }

  const Group& GroupOf(const std::string& group_id) const {
    const Group* group = image.FindGroup(group_id);
    WEIR_CHECK(group != nullptr);
    return *group;
  }
  GroupState StateOf(const std::string& group_id) const { return GroupOf(group_id).state; }
  int32_t GenerationOf(const std::string& group_id) const { return GroupOf(group_id).generation; }

  // ---- whole flows ---------------------------------------------------------------------

  // Asks for a member id (KIP-394).
  std::string AskForId(const std::string& group_id) {
    const GroupCallId call = Join(JoinOf(group_id));
    EXPECT_EQ(JoinCode(call), ErrorCode::kMemberIdRequired);
    return Joined(call).member_id();
  }

  // A new group of so many dynamic members, stable; each has its number as assignment. The first
  // leads.
  std::vector<std::string> StableGroup(const std::string& group_id, int members) {
    std::vector<std::string> ids;
    for (int i = 0; i < members; ++i) ids.push_back(AskForId(group_id));
    for (const std::string& id : ids) Join(JoinOf(group_id, id));
    Advance(config.initial_rebalance_delay * (members > 1 ? 2 : 1));
    SyncAll(group_id);
    EXPECT_EQ(StateOf(group_id), GroupState::kStable);
    return ids;
  }
  // A stable group of static members named by their instance ids; returns their member ids.
  std::vector<std::string> StableStaticGroup(const std::string& group_id,
                                             const std::vector<std::string>& instances) {
    std::vector<std::string> ids;
    std::vector<GroupCallId> calls;
    for (const std::string& instance : instances) {
      calls.push_back(Join(JoinOf(group_id, "", instance)));
    }
    Advance(config.initial_rebalance_delay * 2);
    for (const GroupCallId call : calls) ids.push_back(Joined(call).member_id());
    SyncAll(group_id);
    return ids;
  }

  // All members of the newest generation sync, the leader last, who assigns "member id@generation"
  // to everybody.
  void SyncAll(const std::string& group_id) {
    const Group group = GroupOf(group_id);
    SyncGroupRequest assign = SyncOf(group_id, group.leader, group.generation);
    std::map<std::string, GroupCallId> calls;
    for (const auto& [id, member] : group.members) {
      group::v1::MemberAssignment* assignment = assign.add_assignments();
      assignment->set_member_id(id);
      assignment->set_assignment(id + "@" + std::to_string(group.generation));
      if (id != group.leader) calls[id] = Sync(SyncOf(group_id, id, group.generation));
    }
    calls[group.leader] = Sync(assign);
    for (const auto& [id, call] : calls) {
      EXPECT_EQ(SyncCode(call), ErrorCode::kNone);
      EXPECT_EQ(Synced(call).assignment(), id + "@" + std::to_string(group.generation));
    }
  }

  // ---- one event's outcome -------------------------------------------------------------

  GroupCallId NewCall() {
    open_calls.insert(++last_call);
    return last_call;
  }

  void Take(GroupOutcome outcome) {
    EXPECT_TRUE(CheckBatchSize(outcome.records));
    last_records = outcome.records;
    if (!outcome.records.empty()) {
      metadata::v1::MetadataBatch batch;
      for (const MetadataRecord& record : outcome.records) *batch.add_records() = record;
      const MetadataImage before = image;
      metadata::Apply(image, batch, image.offset() + 1);
      EXPECT_EQ(image.skipped_records(), 0u) << batch.ShortDebugString();
      CheckGenerations(before);
    }
    for (GroupAnswer& answer : outcome.answers) TakeAnswer(std::move(answer));
    CheckLaws();
  }

  void TakeAnswer(GroupAnswer answer) {
    EXPECT_EQ(open_calls.erase(answer.call), 1u) << "call " << answer.call << " answered twice";
    if (const auto* join = std::get_if<JoinGroupReply>(&answer.reply)) CheckJoin(*join);
    answers.emplace(answer.call, std::move(answer.reply));
  }

  // ---- laws ----------------------------------------------------------------------------

  // G-06, and law 2: whoever hears of a generation is in it, with the protocol of the records.
  void CheckJoin(const JoinGroupReply& reply) {
    if (reply.error_code() != 0) {
      EXPECT_EQ(reply.generation_id(), -1);
      return;
    }
    EXPECT_GT(reply.generation_id(), 0);
    EXPECT_FALSE(reply.protocol_name().empty());
    if (reply.skip_assignment()) {
      EXPECT_EQ(reply.leader(), reply.member_id());
    }
    EXPECT_EQ(!reply.members().empty(), reply.leader() == reply.member_id());
  }

  void CheckGenerations(const MetadataImage& before) {
    for (const auto& [id, old] : before.groups()) {
      const Group* group = image.FindGroup(id);
      if (group != nullptr) {
        EXPECT_GE(group->generation, old.generation) << id;
      }
    }
  }

  void CheckLaws() {
    size_t waiting = 0;
    for (const auto& [id, group] : image.groups()) {
      const std::string text = metadata::Dump(id, group);
      EXPECT_EQ(group.members.empty(), group.state == GroupState::kEmpty) << text;
      EXPECT_EQ(group.members.empty(), group.leader.empty()) << text;
      if (!group.members.empty()) {
        EXPECT_NE(group.FindMember(group.leader), nullptr) << text;
      }
      if (group.state == GroupState::kCompletingRebalance || group.state == GroupState::kStable) {
        EXPECT_FALSE(group.protocol_name.empty()) << text;
        for (const auto& [member_id, member] : group.members) {
          EXPECT_NE(member.subscription->FindMetadata(group.protocol_name), nullptr) << text;
        }
      }
      const GroupSoftState* soft = coordinator.FindSoftStateForTest(id);
      if (soft == nullptr) {
        ADD_FAILURE() << "no soft state of " << text;
        continue;
      }
      waiting += CheckSums(group, *soft, text);
    }
    EXPECT_EQ(coordinator.call_count(), waiting);
    EXPECT_EQ(open_calls.size(), waiting) << "a call is neither answered nor waits";
  }

  // Returns how many calls wait for this group.
  size_t CheckSums(const Group& group, const GroupSoftState& soft, const std::string& text) {
    size_t joined = 0;
    size_t syncing = 0;
    size_t pending_sync = 0;
    std::map<std::string, size_t, std::less<>> support;
    EXPECT_EQ(soft.members.size(), group.members.size()) << text;
    for (const auto& [member_id, member] : soft.members) {
      const metadata::GroupMember* record = group.FindMember(member_id);
      if (record == nullptr) {
        ADD_FAILURE() << member_id << " is in soft state only: " << text;
        continue;
      }
      EXPECT_EQ(member.session_timeout, config.SessionTimeout(record->session_timeout_ms));
      for (const auto& protocol : record->subscription->protocols) ++support[protocol.name];
      joined += member.join_call != 0 ? 1 : 0;
      syncing += member.sync_call != 0 ? 1 : 0;
      pending_sync += member.is_pending_sync ? 1 : 0;
    }
    EXPECT_EQ(soft.joined, joined) << text;
    EXPECT_EQ(soft.pending_sync, pending_sync) << text;
    EXPECT_EQ(soft.support, support) << text;
    if (group.state != GroupState::kPreparingRebalance) {
      EXPECT_EQ(joined, 0u) << text;
    }
    if (group.state != GroupState::kCompletingRebalance) {
      EXPECT_EQ(syncing, 0u) << text;
    }
    return joined + syncing;
  }

  GroupConfig config;
  GroupCoordinator coordinator;
  MetadataImage image;
  Prng prng;
  MonoTime now{std::chrono::hours(1)};
  GroupCallId last_call = 0;
  std::set<GroupCallId> open_calls;
  std::map<GroupCallId, GroupReply> answers;
  // Of the last event.
  Records last_records;
};

}  // namespace weir::state
