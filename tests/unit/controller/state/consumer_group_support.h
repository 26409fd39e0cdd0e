// ConsumerHarness: consumer groups (KIP-848) without Raft. Outcomes are applied at once, and after
// every event the laws of consumer_groups.h are checked. Thread rule: one owner.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/metadata/apply.h"
#include "common/metadata/dump.h"
#include "common/metadata/group_checks.h"
#include "controller/state/groups/group_coordinator.h"
#include "tests/support/config_records.h"

namespace weir::state {

using metadata::ConsumerMemberState;
using metadata::Group;
using metadata::GroupMember;
using metadata::GroupState;

class ConsumerHarness {
 public:
  using Request = ConsumerHeartbeatRequest;
  using Reply = ConsumerHeartbeatReply;

  explicit ConsumerHarness(GroupConfig config = {}, uint64_t seed = 1)
      : config(config), coordinator(config), prng(seed) {
    coordinator.BecomeActive(image, now);
  }

  GroupContext context() { return {image, now, &prng}; }

  // ---- topics --------------------------------------------------------------------------

  Uuid AddTopic(const std::string& name, int32_t partitions, bool internal = false) {
    const Uuid id = Uuid::Random(prng);
    metadata::v1::MetadataBatch batch;
    batch.add_records()->mutable_topic()->set_topic_id(id.ToBytes());
    batch.mutable_records(0)->mutable_topic()->set_name(name);
    batch.mutable_records(0)->mutable_topic()->set_internal(internal);
    AddPartitionsTo(&batch, id, 0, partitions);
    ApplyTopics(batch, name);
    return id;
  }
  void AddPartitions(const std::string& name, int32_t count) {
    metadata::v1::MetadataBatch batch;
    const metadata::Topic& topic = *image.FindTopic(name);
    AddPartitionsTo(&batch, topic.id, static_cast<int32_t>(topic.partitions.size()), count);
    ApplyTopics(batch, name);
  }
  void RemoveTopic(const std::string& name) {
    metadata::v1::MetadataBatch batch;
    batch.add_records()->mutable_remove_topic()->set_topic_id(image.FindTopic(name)->id.ToBytes());
    ApplyTopics(batch, name);
  }

  // The group's own value of a key.
  void Configure(const std::string& key, const std::string& value) {
    ApplyConfig(metadata::ConfigResource::OfGroup("g"), key, value);
    coordinator.OnConfigsChanged(image, "g");
  }
  // What holds for all groups.
  void ConfigureAll(const std::string& key, const std::string& value) {
    ApplyConfig(metadata::ConfigResource::OfAllBrokers(), key, value);
    coordinator.OnConfigsChanged(image, "");
  }

  // ---- heartbeats ----------------------------------------------------------------------

  static Request JoinOf(const std::string& member_id, const std::vector<std::string>& topics,
                        const std::string& instance_id = "") {
    Request request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_rebalance_timeout_ms(60'000);
    request.set_client_id("client");
    request.mutable_topic_partitions();
    for (const std::string& topic : topics) {
      request.mutable_subscribed_topic_names()->add_names(topic);
    }
    request.mutable_subscribed_topic_names();
    if (!instance_id.empty()) request.set_instance_id(instance_id);
    return request;
  }
  // Says nothing but that it is there.
  static Request BeatOf(const std::string& member_id, int32_t epoch,
                        const std::string& instance_id = "") {
    Request request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_member_epoch(epoch);
    request.set_rebalance_timeout_ms(-1);
    request.set_client_id("client");
    if (!instance_id.empty()) request.set_instance_id(instance_id);
    return request;
  }
  static Request OwningOf(const std::string& member_id, int32_t epoch,
                          const PartitionsByTopic& owned) {
    Request request = BeatOf(member_id, epoch);
    metadata::FillPartitions(owned, request.mutable_topic_partitions()->mutable_topic_partitions());
    return request;
  }

  GroupCallId Start(const Request& request) {
    const GroupCallId call = ++last_call;
    Take(coordinator.ConsumerHeartbeat(context(), call, request));
    return call;
  }
  bool IsAnswered(GroupCallId call) const { return answers.contains(call); }
  // REQUIRES: answered.
  const Reply& AnswerTo(GroupCallId call) const { return std::get<Reply>(answers.at(call)); }
  // Only a join that asks for a static member's place waits.
  Reply Send(const Request& request) {
    const GroupCallId call = Start(request);
    if (!IsAnswered(call)) {
      EXPECT_TRUE(request.has_instance_id() && request.member_epoch() == 0);
      AdvanceMs(kTakeoverPatience / std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(IsAnswered(call)) << request.ShortDebugString();
    return AnswerTo(call);
  }
  static ErrorCode CodeOf(const Reply& reply) { return ErrorCodeFromNumber(reply.error_code()); }
  ErrorCode CodeAfter(const Request& request) { return CodeOf(Send(request)); }
  static PartitionsByTopic Assigned(const Reply& reply) {
    return metadata::ParsePartitions(reply.assignment().topic_partitions()).value();
  }

  // ---- state ---------------------------------------------------------------------------

  const Group& TheGroup() const { return *image.FindGroup("g"); }
  const GroupMember& Member(const std::string& id) const { return *TheGroup().FindMember(id); }
  size_t OwnedCount(const std::string& id) const {
    return metadata::CountPartitions(metadata::Get(Member(id).assigned));
  }

  // Time passes; everything that becomes due is done at its time.
  void AdvanceMs(int64_t ms) {
    const MonoTime end = now + std::chrono::milliseconds(ms);
    while (coordinator.NextDeadline() && *coordinator.NextDeadline() <= end) {
      now = std::max(now, *coordinator.NextDeadline());
      Take(coordinator.OnTime(context()));
    }
    now = end;
  }
  // What topics' changes have made due.
  void Work() { AdvanceMs(0); }
  void FailOver() {
    coordinator.Deactivate();
    coordinator.BecomeActive(image, now);
    Work();
  }
  void Report(const std::string& member_id) {
    group::v1::LivenessReport report;
    report.add_groups()->set_group_id("g");
    report.mutable_groups(0)->add_members()->set_member_id(member_id);
    coordinator.OnReport(now, report);
  }
  // The connection has ended that its heartbeats came on; who waits for that is answered.
  void ReportLost(const std::string& member_id, int32_t ms_ago = 0) {
    group::v1::LivenessReport report;
    report.add_groups()->set_group_id("g");
    report.mutable_groups(0)->add_lost()->set_member_id(member_id);
    report.mutable_groups(0)->mutable_lost(0)->set_lost_ms_ago(ms_ago);
    coordinator.OnReport(now, report);
    Work();
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
      CheckEpochs(before);
    }
    for (GroupAnswer& answer : outcome.answers) {
      answers.emplace(answer.call, std::move(answer.reply));
    }
    CheckLaws();
  }

  // ---- laws ----------------------------------------------------------------------------

  // G-06: no epoch falls, except of who begins anew or is away.
  void CheckEpochs(const MetadataImage& before) {
    const Group* old = before.FindGroup("g");
    const Group* group = image.FindGroup("g");
    if (old == nullptr || group == nullptr) return;
    EXPECT_GE(group->generation, old->generation);
    if (group->type != metadata::GroupType::kConsumer) return;
    for (const auto& [id, member] : group->members) {
      const GroupMember* was = old->FindMember(id);
      if (was == nullptr || member.member_epoch == metadata::kStaticMemberAwayEpoch) continue;
      EXPECT_GE(member.member_epoch, was->member_epoch) << id;
    }
  }

  void CheckLaws() {
    for (const auto& [id, group] : image.groups()) {
      if (group.type == metadata::GroupType::kConsumer) CheckGroup(id, group);
    }
  }

  void CheckGroup(const std::string& group_id, const Group& group) {
    const std::string text = metadata::Dump(group_id, group);
    EXPECT_LE(group.assignment_epoch, group.generation) << text;
    EXPECT_EQ(group.members.empty(), group.state == GroupState::kEmpty) << text;
    std::map<Uuid, std::set<int32_t>> owned;
    std::map<Uuid, std::set<int32_t>> targets;
    std::set<std::string> ids;
    bool all_there = true;
    for (const auto& [id, member] : group.members) {
      ids.insert(id);
      const bool stable = member.state == ConsumerMemberState::kStable;
      const bool there = stable && member.member_epoch == group.assignment_epoch;
      all_there = all_there && there;
      EXPECT_LE(member.member_epoch, group.assignment_epoch) << id << " of " << text;
      EXPECT_EQ(member.state == ConsumerMemberState::kUnrevokedPartitions,
                member.pending_revocation != nullptr)
          << id << " of " << text;
      if (there) {
        EXPECT_EQ(metadata::Get(member.assigned), metadata::Get(member.target))
            << "G-04: " << id << " of " << text;
      }
      AddOnce(metadata::Get(member.assigned), &owned, "G-02: two own", text);
      AddOnce(metadata::Get(member.pending_revocation), &owned, "G-02: two own", text);
      AddOnce(metadata::Get(member.target), &targets, "G-01: two are to own", text);
    }
    const GroupState state = group.members.empty()                       ? GroupState::kEmpty
                             : group.generation > group.assignment_epoch ? GroupState::kAssigning
                             : all_there                                 ? GroupState::kStable
                                                                         : GroupState::kReconciling;
    EXPECT_EQ(group.state, state) << text;
    const ConsumerSoftState* soft = coordinator.consumers_for_test().FindSoftStateForTest(group_id);
    ASSERT_NE(soft, nullptr) << text;
    EXPECT_EQ(soft->owned, owned) << text;
    std::set<std::string> sessions;
    for (const auto& [id, session] : soft->sessions) sessions.insert(id);
    EXPECT_EQ(sessions, ids) << text;
    EXPECT_EQ(coordinator.call_count(), soft->waiting_joins.size()) << text;
  }

  GroupConfig config;
  GroupCoordinator coordinator;
  MetadataImage image;
  Prng prng;
  MonoTime now{std::chrono::hours(1)};
  GroupCallId last_call = 0;
  std::map<GroupCallId, GroupReply> answers;
  // Of the last event.
  Records last_records;

 private:
  static void AddOnce(const PartitionsByTopic& partitions, std::map<Uuid, std::set<int32_t>>* to,
                      const char* law, const std::string& text) {
    for (const auto& [topic, numbers] : partitions) {
      for (const int32_t number : numbers) {
        EXPECT_TRUE((*to)[topic].insert(number).second) << law << " " << number << ": " << text;
      }
    }
  }
  static void AddPartitionsTo(metadata::v1::MetadataBatch* batch, const Uuid& id, int32_t first,
                              int32_t count) {
    for (int32_t i = first; i < first + count; ++i) {
      auto* partition = batch->add_records()->mutable_partition();
      partition->set_topic_id(id.ToBytes());
      partition->set_partition(i);
      partition->add_replicas(1);
      partition->add_isr(1);
      partition->set_leader(1);
    }
  }
  void ApplyConfig(const metadata::ConfigResource& resource, const std::string& key,
                   const std::string& value) {
    metadata::v1::MetadataBatch batch;
    test::AddConfig(resource, key, value, &batch);
    metadata::Apply(image, batch, image.offset() + 1);
    EXPECT_EQ(image.skipped_records(), 0u);
  }
  void ApplyTopics(const metadata::v1::MetadataBatch& batch, const std::string& name) {
    metadata::Apply(image, batch, image.offset() + 1);
    EXPECT_EQ(image.skipped_records(), 0u);
    coordinator.OnTopicsChanged(context(), {name});
  }
};

}  // namespace weir::state
