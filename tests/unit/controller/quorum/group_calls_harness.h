// GroupCalls on the active controller of a quorum that a test commits, and loses, by hand. Thread
// rule: one owner.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/metadata/apply.h"
#include "common/metadata/group_partition.h"
#include "controller/quorum/group_calls.h"
#include "tests/unit/controller/quorum/manual_raft.h"

namespace weir::quorum {

using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using group::v1::SyncGroupReply;
using group::v1::SyncGroupRequest;
using metadata::GroupState;
using std::chrono::milliseconds;
using std::chrono::seconds;

template <class Reply>
struct Answer {
  int count = 0;
  state::GroupCallId id = 0;
  Result<Reply> result = Fail(ErrorCode::kNone, "");

  const Reply& reply() const { return *result; }
  ErrorCode code() const {
    return result ? ErrorCodeFromNumber(result->error_code()) : result.error().code;
  }
};
template <class Reply>
using Shared = std::shared_ptr<Answer<Reply>>;

class GroupCallsTest : public ::testing::Test {
 protected:
  GroupCallsTest() {
    machine_.AddListener(&controller_);
    machine_.AddListener(&groups_);
  }
  void SetUp() override {
    BecomeLeader(1);
    CommitAll();
  }

  // ---- the quorum ----------------------------------------------------------------------

  void BecomeLeader(uint64_t term) {
    raft_.term = Term(term);
    raft_.log.push_back({raft_.term, LogIndex(raft_.log.size() + 1), raft::EntryType::kLeaderStart,
                         std::make_shared<const std::string>()});
    machine_.OnRoleChange({raft::Role::kLeader, raft_.term, std::nullopt});
  }
  void LoseLeadership() {
    machine_.OnRoleChange({raft::Role::kFollower, raft_.term + 1, std::nullopt});
  }
  void Commit() {
    std::vector<raft::Entry> run(raft_.log.begin() + static_cast<std::ptrdiff_t>(committed_),
                                 raft_.log.end());
    committed_ = raft_.log.size();
    if (!run.empty()) machine_.Apply(run);
  }
  void ConfirmReads() {
    for (const uint64_t id : std::exchange(raft_.reads, {})) {
      machine_.OnReadState({id, machine_.committed().offset()});
    }
  }
  void CommitAll() {
    do {
      Commit();
      ConfirmReads();
    } while (committed_ < raft_.log.size());
  }
  // A new leader that has only what is committed, in another process.
  void FailOver() {
    LoseLeadership();
    raft_.log.resize(committed_);
    BecomeLeader(raft_.term.value() + 2);
    CommitAll();
  }
  // A change that has nothing to do with groups.
  void Write(const metadata::v1::MetadataBatch& batch) {
    ASSERT_TRUE(controller_.Append({batch.records().begin(), batch.records().end()}, {}));
    CommitAll();
  }
  void Advance(Duration duration) {
    const MonoTime end = loop_.now + duration;
    while (loop_.now < end) {
      loop_.Advance(std::min<Duration>(milliseconds(100), end - loop_.now));
      CommitAll();
    }
  }

  // ---- calls ---------------------------------------------------------------------------

  static JoinGroupRequest JoinOf(const std::string& member_id) {
    JoinGroupRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_client_id("client");
    request.set_session_timeout_ms(10'000);
    request.set_rebalance_timeout_ms(60'000);
    request.set_protocol_type("consumer");
    request.set_requires_known_member_id(true);
    request.add_protocols()->set_name("range");
    return request;
  }
  Shared<JoinGroupReply> Join(const JoinGroupRequest& request) {
    auto answer = std::make_shared<Answer<JoinGroupReply>>();
    answer->id = groups_.Join(request, Into<JoinGroupReply>(answer));
    return answer;
  }
  Shared<JoinGroupReply> Join(const std::string& member_id) { return Join(JoinOf(member_id)); }
  Shared<SyncGroupReply> Sync(const std::string& member_id, int32_t generation,
                              const std::vector<std::string>& assigned = {}) {
    SyncGroupRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_generation_id(generation);
    for (const std::string& id : assigned) {
      auto* assignment = request.add_assignments();
      assignment->set_member_id(id);
      assignment->set_assignment("of " + id);
    }
    auto answer = std::make_shared<Answer<SyncGroupReply>>();
    answer->id = groups_.Sync(request, Into<SyncGroupReply>(answer));
    return answer;
  }
  Shared<group::v1::HeartbeatReply> Heartbeat(const std::string& member_id, int32_t generation) {
    group::v1::HeartbeatRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_generation_id(generation);
    auto answer = std::make_shared<Answer<group::v1::HeartbeatReply>>();
    groups_.Heartbeat(request, Into<group::v1::HeartbeatReply>(answer));
    return answer;
  }
  void Report(const std::vector<std::string>& member_ids) {
    group::v1::LivenessReport report;
    report.add_groups()->set_group_id("g");
    for (const std::string& id : member_ids) {
      report.mutable_groups(0)->add_members()->set_member_id(id);
    }
    int answers = 0;
    groups_.Report(report, [&answers](const auto& reply) { answers += reply ? 1 : 0; });
    EXPECT_EQ(answers, 1);
  }
  template <class Reply>
  static GroupCalls::Done<Reply> Into(const Shared<Reply>& answer) {
    return [answer](Result<Reply> reply) {
      ++answer->count;
      answer->result = std::move(reply);
    };
  }

  // ---- flows ---------------------------------------------------------------------------

  std::string AskForId() {
    const auto answer = Join("");
    ConfirmReads();
    EXPECT_EQ(answer->code(), ErrorCode::kMemberIdRequired);
    return answer->reply().member_id();
  }
  // Generation 1 of a new group, formed and not yet assigned. The first leads.
  std::vector<std::string> JoinedGroup(int members) {
    std::vector<std::string> ids;
    std::vector<Shared<JoinGroupReply>> calls;
    for (int i = 0; i < members; ++i) {
      ids.push_back(AskForId());
      CommitAll();
    }
    for (const std::string& id : ids) calls.push_back(Join(id));
    CommitAll();
    Advance(seconds(7));
    for (const auto& call : calls) EXPECT_EQ(call->code(), ErrorCode::kNone);
    EXPECT_EQ(calls[0]->reply().members_size(), members);
    return ids;
  }
  std::vector<std::string> StableGroup(int members) {
    const std::vector<std::string> ids = JoinedGroup(members);
    std::vector<Shared<SyncGroupReply>> calls;
    for (int i = members - 1; i >= 0; --i) {
      const std::string& id = ids[static_cast<size_t>(i)];
      calls.push_back(Sync(id, 1, i == 0 ? ids : std::vector<std::string>()));
    }
    CommitAll();
    for (const auto& call : calls) EXPECT_EQ(call->code(), ErrorCode::kNone);
    return ids;
  }
  const metadata::Group& Committed() {
    const metadata::Group* group = machine_.committed().FindGroup("g");
    WEIR_CHECK(group != nullptr);
    return *group;
  }

  // A live broker whose session has its number.
  void AddLiveBroker(int32_t id) {
    metadata::v1::MetadataBatch batch;
    auto* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(id);
    broker->set_incarnation_id(std::string(16, 'i'));
    broker->add_directory_ids(std::string(16, static_cast<char>('a' + id)));
    broker->set_fenced(false);
    Write(batch);
    liveness_.OpenSession(NodeId(id), static_cast<uint64_t>(id), loop_.now);
  }
  // __consumer_offsets with one partition, led by broker 1.
  void AddOffsetsTopic() {
    metadata::v1::MetadataBatch batch;
    auto* topic = batch.add_records()->mutable_topic();
    topic->set_topic_id(std::string(16, 't'));
    topic->set_name(std::string(metadata::kOffsetsTopic));
    topic->set_internal(true);
    auto* partition = batch.add_records()->mutable_partition();
    partition->set_topic_id(std::string(16, 't'));
    for (const int32_t id : {1, 2}) {
      partition->add_replicas(id);
      partition->add_isr(id);
    }
    partition->set_leader(1);
    Write(batch);
  }
  void Applied(int32_t id, uint64_t offset) {
    liveness_.OnHeartbeat(NodeId(id), static_cast<uint64_t>(id), LogIndex(offset), loop_.now);
    controller_.CheckWaiting();
  }

  ManualExecutor loop_;
  FakeRaft raft_;
  state::Liveness liveness_{state::LivenessOptions{.session_timeout = std::chrono::hours(1)}};
  MetadataMachine machine_{[](const std::string&) {}};
  ActiveController controller_{loop_, raft_, machine_, liveness_,
                               ActiveControllerOptions{NodeId(1), {}, {}, 7}};
  GroupCalls groups_{loop_, controller_, GroupCallsOptions{NodeId(1), {}, 7}};
  size_t committed_ = 0;
};

}  // namespace weir::quorum
