// The rules of the Raft thesis (Ongaro 2014), one test each, named by section.
#include <gtest/gtest.h>

#include "tests/unit/controller/raft/cluster.h"

namespace weir::raft {
namespace {

// One entry, committed everywhere.
void Commit(Cluster& cluster, int32_t leader, const std::string& text) {
  ASSERT_TRUE(cluster.raft(leader).Propose(TestPayload(text)));
  cluster.Stabilize();
}

TEST(RaftPaper, Section34_ServersStartAsFollowers) {
  Cluster cluster;
  cluster.AddVoters(3);
  EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
  EXPECT_FALSE(cluster.raft(1).leader());
}

TEST(RaftPaper, Section34_LeaderSendsHeartbeatsToAll) {
  Cluster cluster;
  cluster.AddVoters(5);
  cluster.Elect(1);
  for (int32_t tick = 0; tick < cluster.raft(1).config().heartbeat_ticks; ++tick) {
    cluster.raft(1).Tick();
  }
  size_t heartbeats = 0;
  for (const Message& m : cluster.raft(1).TakeReady().send_now) {
    heartbeats += std::holds_alternative<HeartbeatRequest>(m) ? 1 : 0;
  }
  EXPECT_EQ(heartbeats, 4u);
}

TEST(RaftPaper, Section34_ElectionTimeoutsAreRandomAndWithinBounds) {
  std::set<int> timeouts;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    RestoredState restored;
    restored.snapshot.configuration = TestVoters({1, 2, 3});
    Raft raft(TestConfig(1), restored, seed);
    int ticks = 0;
    while (raft.role() == Role::kFollower) {
      raft.Tick();
      ++ticks;
    }
    EXPECT_GE(ticks, raft.config().election_ticks_min);
    EXPECT_LE(ticks, raft.config().election_ticks_max);
    timeouts.insert(ticks);
  }
  EXPECT_EQ(timeouts.size(), 11u) << "every value from 10 to 20 comes up";
}

TEST(RaftPaper, Section34_CandidateVotesForItselfInANewTerm) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.TickUntilReady(1);
  cluster.Drain(1);
  EXPECT_EQ(cluster.raft(1).term(), Term(0)) << "a pre-vote changes nothing (section 9.6)";
  cluster.Deliver(*cluster.FindMessage(1, 2));
  cluster.DrainAll();
  cluster.Deliver(*cluster.FindMessage(2, 1));
  EXPECT_EQ(cluster.raft(1).role(), Role::kCandidate);
  EXPECT_EQ(cluster.raft(1).term(), Term(1));
  EXPECT_EQ(cluster.raft(1).vote(), TestKey(1));
}

TEST(RaftPaper, Section34_R14_VotesOncePerTermFirstComeFirstServed) {
  RestoredState restored;
  restored.snapshot.configuration = TestVoters({1, 2, 3});
  Raft raft(TestConfig(1), restored, 1);
  raft.TakeReady();
  const auto ask = [&](int32_t id) {
    const MessageHeader header{TestClusterId(), TestKey(id), TestKey(1), Term(4)};
    EXPECT_TRUE(raft.Step(VoteRequest{header, LogIndex(0), Term(0), false}));
    const Ready ready = raft.TakeReady();
    EXPECT_TRUE(ready.send_now.empty()) << "R-14: no vote leaves before the disk has it";
    return std::get<VoteResponse>(ready.send_after_persist.at(0)).granted;
  };
  EXPECT_TRUE(ask(2));
  EXPECT_FALSE(ask(3));
  EXPECT_TRUE(ask(2)) << "asked again, the same answer";
}

TEST(RaftPaper, Section34_CandidateFollowsALeaderOfItsTerm) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.TickUntilReady(1);
  cluster.Drain(1);
  cluster.Deliver(*cluster.FindMessage(1, 2));
  cluster.DrainAll();
  cluster.Deliver(*cluster.FindMessage(2, 1));
  ASSERT_EQ(cluster.raft(1).role(), Role::kCandidate);
  const MessageHeader header{TestClusterId(), TestKey(3), TestKey(1), Term(1)};
  EXPECT_TRUE(cluster.raft(1).Step(HeartbeatRequest{header, LogIndex(0), 0}));
  EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
  EXPECT_EQ(cluster.raft(1).leader(), TestKey(3));
}

TEST(RaftPaper, Section35_FollowerRefusesWhatDoesNotFollowItsLog) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  const MessageHeader header{TestClusterId(), TestKey(1), TestKey(2), Term(1)};
  const std::pair<uint64_t, uint64_t> not_there[] = {{2, 1}, {9, 1}};
  for (const auto& [index, term] : not_there) {
    EXPECT_TRUE(
        cluster.raft(2).Step(AppendRequest{header, LogIndex(index), Term(term), {}, LogIndex(0)}));
    const Ready ready = cluster.raft(2).TakeReady();
    ASSERT_EQ(ready.send_now.size(), 1u);
    EXPECT_FALSE(std::get<AppendResponse>(ready.send_now[0]).success);
  }
}

TEST(RaftPaper, Section35_CommitIndexFollowsTheLeaderButNotBeyondTheMessage) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  const MessageHeader header{TestClusterId(), TestKey(1), TestKey(2), Term(1)};
  const Entry entry{Term(1), LogIndex(2), EntryType::kNormal, TestPayload("a")};
  EXPECT_TRUE(
      cluster.raft(2).Step(AppendRequest{header, LogIndex(1), Term(1), {entry}, LogIndex(99)}));
  EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex(2));
}

TEST(RaftPaper, Section35_FigureSixFollowersComeToEqualLogs) {
  // Logs of terms as a history of crashed leaders may leave them; the leader of term 8 brings all
  // to its own.
  const std::vector<std::vector<uint64_t>> followers = {
      {1, 1, 1, 4, 4, 5, 5, 6, 6},
      {1, 1, 1, 4},
      {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},
      {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},
      {1, 1, 1, 4, 4, 4, 4},
      {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3},
  };
  const std::vector<uint64_t> leader = {1, 1, 1, 4, 4, 5, 5, 6, 6, 6};
  const auto fill = [](RestoredState& disk, const std::vector<uint64_t>& terms) {
    disk.snapshot.configuration = TestVoters({1, 2, 3});
    for (size_t i = 0; i < terms.size(); ++i) {
      disk.entries.push_back({Term(terms[i]), LogIndex(i + 1), EntryType::kNormal,
                              TestPayload(std::to_string(terms[i]))});
    }
    disk.hard_state.term = Term(7);
  };
  for (const std::vector<uint64_t>& follower : followers) {
    Cluster cluster;
    for (int32_t id = 1; id <= 3; ++id) {
      fill(cluster.Add(id, nullptr).disk, id == 2 ? follower : leader);
      cluster.Start(id);
    }
    cluster.Elect(1);
    ASSERT_TRUE(cluster.raft(1).is_leader());
    EXPECT_EQ(cluster.raft(2).log().last_index(), LogIndex(11));
    EXPECT_EQ(cluster.servers.at(2).state, cluster.servers.at(1).state);
    EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex(11));
  }
}

TEST(RaftPaper, Section361_VoteOnlyForLogsAtLeastAsNew) {
  const struct {
    uint64_t term, index;
    bool granted;
  } cases[] = {{3, 1, true}, {2, 3, true}, {2, 2, true}, {2, 1, false}, {1, 9, false}};
  for (const auto& c : cases) {
    RestoredState restored;
    restored.snapshot.configuration = TestVoters({1, 2, 3});
    restored.hard_state.term = Term(3);
    for (uint64_t i = 1; i <= 2; ++i) {
      restored.entries.push_back({Term(2), LogIndex(i), EntryType::kNormal, TestPayload("a")});
    }
    Raft raft(TestConfig(1), restored, 1);
    raft.TakeReady();
    const MessageHeader header{TestClusterId(), TestKey(2), TestKey(1), Term(4)};
    EXPECT_TRUE(raft.Step(VoteRequest{header, LogIndex(c.index), Term(c.term), false}));
    EXPECT_EQ(std::get<VoteResponse>(raft.TakeReady().send_after_persist.at(0)).granted, c.granted)
        << c.term << "/" << c.index;
  }
}

TEST(RaftPaper, Section38_R45_NothingIsCommittedAfterARestartUntilALeaderSaysSo) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  Commit(cluster, 1, "a");
  cluster.Crash(2);
  cluster.Start(2);
  EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex(0));
  EXPECT_EQ(cluster.raft(2).log().last_index(), LogIndex(2));
}

TEST(RaftPaper, Section310_R41_TransferIgnoresLeaderStickiness) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  ASSERT_TRUE(cluster.raft(1).TransferLeadership(NodeId(2)));
  cluster.Stabilize();
  EXPECT_TRUE(cluster.raft(2).is_leader());
  EXPECT_EQ(cluster.raft(2).term(), Term(2));
}

// Whose votes split waits for another timeout, and nothing is led meanwhile.
TEST(RaftPaper, Section93_R40_ALostLeaderIsNotWaitedForAndItsFollowersStandApart) {
  int at_once = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<int> ticks;
    for (const int32_t id : {2, 3}) {
      RestoredState restored;
      restored.snapshot.configuration = TestVoters({1, 2, 3});
      Raft raft(TestConfig(id), restored, 2 * seed + static_cast<uint64_t>(id));
      const MessageHeader leader{TestClusterId(), TestKey(1), TestKey(id), Term(1)};
      ASSERT_TRUE(raft.Step(HeartbeatRequest{leader, LogIndex(0), 0}));
      raft.TakeReady();
      for (int i = 0; i < 8; ++i) raft.Tick();
      raft.LeaderLost();
      const MessageHeader other{TestClusterId(), TestKey(5 - id), TestKey(id), Term(1)};
      ASSERT_TRUE(raft.Step(PreVoteRequest{other, Term(2), LogIndex(0), Term(0)}));
      EXPECT_TRUE(std::get<PreVoteResponse>(raft.TakeReady().send_now.at(0)).granted);
      ticks.push_back(0);
      while (raft.role() == Role::kFollower) {
        raft.Tick();
        ++ticks.back();
      }
      EXPECT_LE(ticks.back(), 5) << "half of what is drawn";
    }
    at_once += ticks[0] == ticks[1] ? 1 : 0;
  }
  EXPECT_LT(at_once, 100) << "of 200";
}

TEST(RaftPaper, Section423_R40_VoteRequestDoesNotDeposeALivingLeader) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  for (const int32_t id : {1, 3}) {
    const MessageHeader header{TestClusterId(), TestKey(2), TestKey(id), Term(9)};
    EXPECT_TRUE(cluster.raft(id).Step(VoteRequest{header, LogIndex(9), Term(9), false}));
    EXPECT_EQ(cluster.raft(id).term(), Term(1));
  }
  EXPECT_TRUE(cluster.raft(1).is_leader());
}

TEST(RaftPaper, R49_StorageErrorIsFinal) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  cluster.raft(1).StorageFailed("EIO on fsync");
  const Ready ready = cluster.raft(1).TakeReady();
  EXPECT_TRUE(ready.fatal);
  EXPECT_FALSE(cluster.raft(1).Propose(TestPayload("a")));
  cluster.raft(1).Tick();
  EXPECT_FALSE(cluster.raft(1).HasReady());
  const MessageHeader header{TestClusterId(), TestKey(2), TestKey(1), Term(9)};
  EXPECT_FALSE(cluster.raft(1).Step(VoteRequest{header, LogIndex(9), Term(9), false}));
}

TEST(RaftPaper, R32_LeaderThatResignedDoesNotFollowItself) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  cluster.Crash(2);
  cluster.Crash(3);
  for (int tick = 0; tick < 60 && cluster.raft(1).is_leader(); ++tick) cluster.raft(1).Tick();
  EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
  EXPECT_FALSE(cluster.raft(1).leader());
}

}  // namespace
}  // namespace weir::raft
