// What every kind of message passes before its handler: identity, shape, and terms
//
#include <gtest/gtest.h>

#include "tests/unit/controller/raft/cluster.h"

namespace weir::raft {
namespace {

// One message of every kind from 2 to 1. The table must grow with the variant.
std::vector<Message> EveryKind(Term term, VoterKey from = TestKey(2), VoterKey to = TestKey(1),
                               Uuid cluster = TestClusterId()) {
  const MessageHeader header{cluster, from, to, term};
  const SnapshotMeta meta{LogIndex(50), Term(1), TestVoters({1, 2, 3})};
  std::vector<Message> messages = {
      PreVoteRequest{header, term + 1, LogIndex(9), Term(9)},
      PreVoteResponse{header, Term(8), true},
      VoteRequest{header, LogIndex(9), Term(9), false},
      VoteResponse{header, true},
      AppendRequest{header, LogIndex(0), Term(0), {}, LogIndex(0)},
      AppendResponse{header, true, LogIndex(1), {}, {}},
      HeartbeatRequest{header, LogIndex(0), 0},
      HeartbeatResponse{header, 0},
      SnapshotRequest{header, meta, 0, TestPayload("x"), false},
      SnapshotResponse{header, LogIndex(50), Term(1), 0, false, true},
      TimeoutNow{header},
  };
  EXPECT_EQ(messages.size(), std::variant_size_v<Message>);
  return messages;
}

// A follower of 3 voters in term 5 that hears no leader.
Raft FollowerInTermFive() {
  RestoredState restored;
  restored.hard_state = {Term(5), std::nullopt};
  restored.snapshot.configuration = TestVoters({1, 2, 3});
  Raft raft(TestConfig(1), restored, 1);
  raft.TakeReady();
  return raft;
}

TEST(RaftDispatch, R51_LowerTermChangesNothingAndRequestsAreAnsweredWithOurs) {
  for (const Message& message : EveryKind(Term(4))) {
    SCOPED_TRACE(MessageName(message));
    Raft raft = FollowerInTermFive();
    EXPECT_TRUE(raft.Step(message));
    EXPECT_EQ(raft.term(), Term(5));
    EXPECT_EQ(raft.role(), Role::kFollower);
    EXPECT_FALSE(raft.leader());
    EXPECT_FALSE(raft.vote());
    Ready ready = raft.TakeReady();
    EXPECT_TRUE(ready.entries.empty());
    EXPECT_TRUE(ready.snapshot_chunks.empty());
    std::vector<Message> answers = ready.send_now;
    for (Message& m : ready.send_after_persist) answers.push_back(std::move(m));
    const bool is_request = std::string(MessageName(message)).ends_with("Request");
    ASSERT_EQ(answers.size(), is_request ? 1u : 0u);
    if (is_request) {
      EXPECT_EQ(HeaderOf(answers[0]).term, Term(5));
    }
  }
}

TEST(RaftDispatch, R51_EqualTermKeepsTheTerm) {
  for (const Message& message : EveryKind(Term(5))) {
    SCOPED_TRACE(MessageName(message));
    Raft raft = FollowerInTermFive();
    EXPECT_TRUE(raft.Step(message));
    EXPECT_EQ(raft.term(), Term(5));
    EXPECT_EQ(raft.role(), Role::kFollower) << "TimeoutNow counts only from the leader it follows";
  }
}

TEST(RaftDispatch, R51_HigherTermIsTakenOverExceptFromAPreVote) {
  for (const Message& message : EveryKind(Term(7))) {
    SCOPED_TRACE(MessageName(message));
    Raft raft = FollowerInTermFive();
    EXPECT_TRUE(raft.Step(message));
    if (std::holds_alternative<PreVoteRequest>(message)) {
      EXPECT_EQ(raft.term(), Term(5));
      EXPECT_FALSE(raft.TakeReady().hard_state);
    } else if (std::holds_alternative<TimeoutNow>(message)) {
      EXPECT_EQ(raft.term(), Term(8)) << "follows, and stands for election as told";
    } else {
      EXPECT_EQ(raft.term(), Term(7));
      EXPECT_EQ(raft.TakeReady().hard_state->term, Term(7)) << "goes to disk";
    }
  }
}

TEST(RaftDispatch, R51_LeaderFollowsAHigherTermOfAnyKindButVotes) {
  for (size_t kind = 0; kind < std::variant_size_v<Message>; ++kind) {
    Cluster cluster;
    cluster.AddVoters(3);
    cluster.Elect(1);
    const Message message = EveryKind(Term(7))[kind];
    SCOPED_TRACE(MessageName(message));
    EXPECT_TRUE(cluster.raft(1).Step(message));
    const bool asks_for_vote = std::holds_alternative<PreVoteRequest>(message) ||
                               std::holds_alternative<VoteRequest>(message);
    EXPECT_EQ(cluster.raft(1).is_leader(), asks_for_vote) << "R-40: a leader is not voted away";
  }
}

TEST(RaftDispatch, R56_ForeignClusterIsRejected) {
  for (const Message& message : EveryKind(Term(9), TestKey(2), TestKey(1), TestUuid(0xbb, 2))) {
    SCOPED_TRACE(MessageName(message));
    Raft raft = FollowerInTermFive();
    const Status status = raft.Step(message);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInconsistentClusterId);
    EXPECT_EQ(raft.term(), Term(5));
    EXPECT_FALSE(raft.HasReady());
  }
}

TEST(RaftDispatch, R56_MessageForAnotherDirectoryIsRejected) {
  for (const VoterKey& to : {TestKey(1, 1), TestKey(2)}) {
    for (const Message& message : EveryKind(Term(9), TestKey(3), to)) {
      SCOPED_TRACE(MessageName(message));
      Raft raft = FollowerInTermFive();
      const Status status = raft.Step(message);
      ASSERT_FALSE(status);
      EXPECT_EQ(status.error().code, ErrorCode::kInvalidVoterKey);
      EXPECT_FALSE(raft.HasReady());
    }
  }
}

TEST(RaftDispatch, R39_AnswersOfAnotherDirectoryAreRejected) {
  for (const Message& message : EveryKind(Term(9), TestKey(2, 1))) {
    if (!std::string(MessageName(message)).ends_with("Response")) continue;
    SCOPED_TRACE(MessageName(message));
    Raft raft = FollowerInTermFive();
    EXPECT_FALSE(raft.Step(message));
    EXPECT_EQ(raft.term(), Term(5));
  }
}

TEST(RaftDispatch, MalformedAppendsAreRejected) {
  const MessageHeader header{TestClusterId(), TestKey(2), TestKey(1), Term(5)};
  const auto entry = [](uint64_t term, uint64_t index, EntryType type = EntryType::kNormal) {
    return Entry{Term(term), LogIndex(index), type, TestPayload("?")};
  };
  const std::vector<std::vector<Entry>> bad = {
      {entry(5, 2)},               // a gap after prev
      {entry(5, 1), entry(5, 3)},  // a gap inside
      {entry(5, 1), entry(4, 2)},  // a falling term
      {entry(6, 1)},               // from the future
      {Entry{Term(5), LogIndex(1), EntryType::kNormal, nullptr}},
      {entry(5, 1, EntryType::kConfiguration)},  // not a configuration
  };
  for (const std::vector<Entry>& entries : bad) {
    Raft raft = FollowerInTermFive();
    EXPECT_FALSE(raft.Step(AppendRequest{header, LogIndex(0), Term(0), entries, LogIndex(0)}));
    EXPECT_EQ(raft.log().last_index(), LogIndex(0));
  }
}

TEST(RaftValidate, R34_LogWithoutItsVoteFileIsRefused) {
  RestoredState restored;
  restored.snapshot.configuration = TestVoters({1});
  restored.entries = {{Term(3), LogIndex(1), EntryType::kNormal, TestPayload("a")}};
  restored.hard_state.term = Term(3);
  EXPECT_TRUE(Raft::Validate(TestConfig(1), restored));
  restored.hard_state.term = Term(2);
  EXPECT_FALSE(Raft::Validate(TestConfig(1), restored));
  restored.entries.clear();
  restored.snapshot.last_index = LogIndex(9);
  restored.hard_state.term = Term(0);
  EXPECT_FALSE(Raft::Validate(TestConfig(1), restored)) << "a snapshot, but no vote file";
}

TEST(RaftValidate, R50_GapsAndLateBeginningsAreRefused) {
  RestoredState restored;
  restored.hard_state.term = Term(3);
  const auto entry = [](uint64_t index) {
    return Entry{Term(3), LogIndex(index), EntryType::kNormal, TestPayload("a")};
  };
  restored.entries = {entry(1), entry(3)};
  EXPECT_FALSE(Raft::Validate(TestConfig(1), restored));
  restored.entries = {entry(2)};
  EXPECT_FALSE(Raft::Validate(TestConfig(1), restored)) << "begins after the snapshot's end";
  restored.snapshot.last_index = LogIndex(1);
  EXPECT_TRUE(Raft::Validate(TestConfig(1), restored));
}

}  // namespace
}  // namespace weir::raft
