// GroupCalls on the active controller of a quorum that a test commits, and loses, by hand.
// Thread rule: one owner.
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
#include "tests/support/group_requests.h"
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

class GroupCallsTest : public ManualQuorum {
 protected:
  GroupCallsTest() { machine_.AddListener(&groups_); }
  void SetUp() override {
    BecomeLeader(1);
    CommitAll();
  }

  // ---- the quorum ----------------------------------------------------------------------

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
  void Advance(Duration duration) {
    const MonoTime end = loop_.Now() + duration;
    while (loop_.Now() < end) {
      loop_.Advance(std::min<Duration>(milliseconds(100), end - loop_.Now()));
      CommitAll();
    }
  }

  // ---- calls ---------------------------------------------------------------------------

  static JoinGroupRequest JoinOf(const std::string& member_id) {
    return test::JoinOf("g", member_id);
  }
  Shared<JoinGroupReply> Join(const JoinGroupRequest& request) {
    auto answer = std::make_shared<Answer<JoinGroupReply>>();
    answer->id = groups_.Join(request, Into<JoinGroupReply>(answer));
    return answer;
  }
  Shared<JoinGroupReply> Join(const std::string& member_id) { return Join(JoinOf(member_id)); }
  Shared<SyncGroupReply> Sync(const std::string& member_id, int32_t generation,
                              const std::vector<std::string>& assigned = {}) {
    test::AssignedMembers assignments;
    for (const std::string& id : assigned) assignments.emplace_back(id, "of " + id);
    auto answer = std::make_shared<Answer<SyncGroupReply>>();
    answer->id = groups_.Sync(test::SyncOf("g", member_id, generation, assignments),
                              Into<SyncGroupReply>(answer));
    return answer;
  }
  Shared<group::v1::HeartbeatReply> Heartbeat(const std::string& member_id, int32_t generation) {
    auto answer = std::make_shared<Answer<group::v1::HeartbeatReply>>();
    groups_.Heartbeat(test::HeartbeatOf("g", member_id, generation),
                      Into<group::v1::HeartbeatReply>(answer));
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
    RegisterBroker(id, static_cast<char>('a' + id));
    liveness_.OpenSession(NodeId(id), static_cast<uint64_t>(id), loop_.Now());
  }
  // __consumer_offsets with one partition, led by broker 1.
  void AddOffsetsTopic() { WriteTopic(std::string(metadata::kOffsetsTopic), 1); }
  void Applied(int32_t id, uint64_t offset) {
    liveness_.OnHeartbeat(NodeId(id), static_cast<uint64_t>(id), LogIndex(offset), loop_.Now());
    controller_.CheckWaiting();
  }

  GroupCalls groups_{loop_, controller_, GroupCallsOptions{NodeId(1), {}, 7}};
};

}  // namespace weir::quorum
