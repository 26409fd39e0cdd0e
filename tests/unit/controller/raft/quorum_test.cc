// Majorities against a second, dumb implementation over random configurations.
#include "controller/raft/quorum.h"

#include <gtest/gtest.h>

#include "common/base/prng.h"
#include "tests/unit/controller/raft/cluster.h"

namespace weir::raft {
namespace {

Configuration RandomConfiguration(Prng& prng) {
  Configuration configuration;
  const auto members = static_cast<int32_t>(prng.Below(10));
  for (int32_t id = 1; id <= members; ++id) {
    configuration.members.push_back(TestMember(id, prng.Chance(3, 4)));
  }
  return configuration;
}

// Tries every value that anybody has, and counts who reached it.
uint64_t DumbMajorityReached(const Configuration& configuration,
                             const std::map<VoterKey, uint64_t>& values) {
  uint64_t best = 0;
  for (const auto& [ignored, candidate] : values) {
    size_t reached = 0;
    size_t voters = 0;
    for (const Member& member : configuration.members) {
      if (!member.is_voter) continue;
      ++voters;
      if (values.contains(member.key()) && values.at(member.key()) >= candidate) ++reached;
    }
    if (voters > 0 && 2 * reached > voters) best = std::max(best, candidate);
  }
  return best;
}

// Counts every way in which the open votes could still go.
VoteResult DumbCountVotes(const Configuration& configuration,
                          const std::map<VoterKey, bool>& votes) {
  size_t voters = 0;
  size_t granted = 0;
  size_t open = 0;
  for (const Member& member : configuration.members) {
    if (!member.is_voter) continue;
    ++voters;
    const auto vote = votes.find(member.key());
    if (vote == votes.end()) {
      ++open;
    } else if (vote->second) {
      ++granted;
    }
  }
  if (2 * granted > voters) return VoteResult::kWon;
  return 2 * (granted + open) > voters ? VoteResult::kPending : VoteResult::kLost;
}

TEST(RaftQuorum, MajorityReachedAgreesWithTheDumbOne) {
  Prng prng(1);
  for (int round = 0; round < 50'000; ++round) {
    const Configuration configuration = RandomConfiguration(prng);
    std::map<VoterKey, uint64_t> values;
    for (int32_t id = 1; id <= 10; ++id) {
      if (prng.Chance(3, 4)) values[TestKey(id)] = prng.Below(6);
    }
    const uint64_t reached = MajorityReached(configuration, [&](const VoterKey& key) {
      return values.contains(key) ? values.at(key) : 0;
    });
    ASSERT_EQ(reached, DumbMajorityReached(configuration, values)) << "round " << round;
  }
}

TEST(RaftQuorum, CountVotesAgreesWithTheDumbOne) {
  Prng prng(2);
  for (int round = 0; round < 50'000; ++round) {
    const Configuration configuration = RandomConfiguration(prng);
    std::map<VoterKey, bool> votes;
    for (int32_t id = 1; id <= 10; ++id) {
      // Some votes come from a wiped disk of the same node: they must not count.
      if (prng.Chance(2, 3)) votes[TestKey(id, prng.Chance(1, 8))] = prng.Chance(1, 2);
    }
    ASSERT_EQ(CountVotes(configuration, votes), DumbCountVotes(configuration, votes))
        << "round " << round;
  }
}

TEST(RaftQuorum, EmptyConfigurationCommitsAndElectsNothing) {
  EXPECT_EQ(MajorityReached({}, [](const VoterKey&) { return uint64_t{9}; }), 0u);
  EXPECT_EQ(CountVotes({}, {{TestKey(1), true}}), VoteResult::kLost);
}

}  // namespace
}  // namespace weir::raft
