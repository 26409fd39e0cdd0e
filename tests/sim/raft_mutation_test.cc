// Guard mutations (RELIABILITY S-15): with any one guard of the core taken away the simulator must
// find the damage. Each case names the seed that finds it, so that a run of the tests needs one
// world per guard; the same seed with the guard in place must be clean, or the seed would prove
// nothing.
//
//   WEIR_SIM_SEARCH=1   look for the first seed of each case again, and print it
//
// Outbox checks are off here: that a promise left before its fsync counts for nothing, only what
// comes of it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/sim/world.h"

namespace weir::sim {
namespace {

constexpr uint64_t kSeedsMax = 20'000;

struct Mutation {
  const char* name;
  void (*remove_guard)(Profile&);
  uint64_t seed;                              // the first that finds it
  const char* violation;                      // what it finds
  void (*world)(Profile&) = [](Profile&) {};  // how its worlds differ from MakeProfile's
};

// Worlds in which members come and go while leaders fall.
void ManyChanges(Profile& profile) {
  profile.spares = 2;
  profile.weight(Action::kPropose) = 10;
  profile.weight(Action::kAddLearner) = 15;
  profile.weight(Action::kPromote) = 30;
  profile.weight(Action::kRemove) = 20;
  profile.weight(Action::kPartition) = 6;
  profile.weight(Action::kCrash) = 6;
  profile.weight(Action::kWipe) = 0;
  profile.raft.promotion_lag_entries_max = 100;
}

// Worlds of the story that showed the need for R-35: four voters and a fifth to come, leaders that
// are cut off in the middle of a change and come back with it.
void CutOffChanges(Profile& profile) {
  ManyChanges(profile);
  profile.voters = 4;
  profile.spares = 1;
  profile.faults_ms = 6'000;
  profile.action_every_ms = 10;
  profile.weight(Action::kPropose) = 1;
  profile.weight(Action::kRead) = 0;
  profile.weight(Action::kSnapshot) = 0;
  profile.weight(Action::kCrash) = 0;
  profile.weight(Action::kPause) = 0;
  profile.weight(Action::kTransfer) = 0;
  profile.weight(Action::kPartition) = 15;
  profile.weight(Action::kHeal) = 6;
}

// Worlds of the thesis's figure 3.7: five voters, leaders that fall with one entry half replicated.
void FallingLeaders(Profile& profile) {
  profile.voters = 5;
  profile.spares = 0;
  profile.action_every_ms = 10;
  profile.raft.append_bytes_max = 1;
  profile.raft.appends_in_flight_max = 1;
  profile.network.loss_percent = 20;
  profile.weight(Action::kPropose) = 10;
  profile.weight(Action::kCrash) = 15;
  profile.weight(Action::kRestart) = 40;
  profile.weight(Action::kPartition) = 10;
  profile.weight(Action::kHeal) = 10;
  profile.weight(Action::kWipe) = 0;
}

// Worlds in which an fsync takes as long as an election and servers fall in the middle of it.
void SlowDisks(Profile& profile) {
  profile.voters = 3;
  profile.spares = 0;
  profile.disk_ms_max = 150;
  profile.weight(Action::kPropose) = 30;
  profile.weight(Action::kCrash) = 10;
  profile.weight(Action::kRestart) = 30;
  profile.weight(Action::kPartition) = 8;
  profile.weight(Action::kHeal) = 12;
  profile.weight(Action::kWipe) = 0;
}

// Worlds in which snapshots are small, many, repeated and late.
void LateSnapshots(Profile& profile) {
  profile.voters = 3;
  profile.spares = 0;
  profile.network.repeat_percent = 50;
  profile.network.straggle_percent = 20;
  profile.network.straggle_ms = 1'000;
  profile.raft.snapshot_chunk_bytes = 1'000;
  profile.raft.log_tail_entries_max = 0;
  profile.weight(Action::kSnapshot) = 40;
  profile.weight(Action::kPartition) = 8;
  profile.weight(Action::kHeal) = 10;
  profile.weight(Action::kWipe) = 0;
}

// Worlds in which disks lose what they had synced: beyond Raft's promises, so a server must stop
// rather than follow.
void LyingDisks(Profile& profile) {
  profile.voters = 3;
  profile.spares = 0;
  profile.weight(Action::kLie) = 6;
  profile.weight(Action::kRestart) = 15;
}

const Mutation kMutations[] = {
    {"R04_CommitOwnTermOnly", [](Profile& p) { p.raft.guards.r04_commit_own_term_only = false; },
     6394, "R-04", FallingLeaders},
    {"R14_VoteAfterPersist", [](Profile& p) { p.raft.guards.r14_vote_after_persist = false; }, 210,
     "R-14"},
    {"R29_CheckQuorum", [](Profile& p) { p.raft.guards.r29_check_quorum = false; }, 6, "R-29"},
    {"R33_NeverTruncateCommitted",
     [](Profile& p) { p.raft.guards.r33_never_truncate_committed = false; }, 39, "R-06",
     LyingDisks},
    {"R35_OwnTermBeforeChange",
     [](Profile& p) { p.raft.guards.r35_own_term_before_change = false; }, 8900, "R-04",
     CutOffChanges},
    {"R36_OneChangeAtATime", [](Profile& p) { p.raft.guards.r36_one_change_at_a_time = false; },
     629, "R-04", ManyChanges},
    {"R37_RollBackConfiguration",
     [](Profile& p) { p.raft.guards.r37_roll_back_configuration = false; }, 29, "R-37",
     ManyChanges},
    {"R39_DirectoryIdentity", [](Profile& p) { p.raft.guards.r39_directory_identity = false; }, 24,
     "R-08"},
    {"R41_ReadNeedsQuorum", [](Profile& p) { p.raft.guards.r41_read_needs_quorum = false; }, 197,
     "R-41"},
    {"R42_OldSnapshotIgnored", [](Profile& p) { p.raft.guards.r42_old_snapshot_ignored = false; },
     24, "R-06", LateSnapshots},
    {"R45_CommitNotFromDisk", [](Profile& p) { p.raft.guards.r45_commit_not_from_disk = false; },
     986, "R-05", SlowDisks},
    {"R46_OwnAckAfterPersist", [](Profile& p) { p.raft.guards.r46_own_ack_after_persist = false; },
     1, "R-08"},
    {"R47_StaleAckIgnored", [](Profile& p) { p.raft.guards.r47_stale_ack_ignored = false; }, 388,
     "R-47", SlowDisks},
    {"R48_AckAfterPersist", [](Profile& p) { p.raft.guards.r48_ack_after_persist = false; }, 1,
     "R-08"},
    {"R50_CorruptMiddleIsNoTornTail", [](Profile& p) { p.corrupt_middle_is_cut_for_test = true; },
     12, "R-08", [](Profile& p) { p.weight(Action::kCorrupt) = 4; }},
};

std::string RunMutation(const Mutation& mutation, uint64_t seed, bool guarded) {
  Profile profile = MakeProfile(seed);
  mutation.world(profile);
  if (!guarded) mutation.remove_guard(profile);
  World world(seed, profile);
  world.CheckOutbox(false);
  world.CheckLiveness(false);
  return world.Run().violation;
}

class RaftMutation : public testing::TestWithParam<Mutation> {};

// The seed that is written down, if it still finds the damage. Any change of the core or of the
// worlds moves the dice: then the first that does.
uint64_t FindSeed(const Mutation& mutation) {
  const bool search = std::getenv("WEIR_SIM_SEARCH") != nullptr;
  if (!search && !RunMutation(mutation, mutation.seed, false).empty()) return mutation.seed;
  uint64_t seed = 1;
  while (seed < kSeedsMax && RunMutation(mutation, seed, false).empty()) ++seed;
  return seed;
}

TEST_P(RaftMutation, S15_IsFound) {
  const Mutation& mutation = GetParam();
  const uint64_t seed = FindSeed(mutation);
  const std::string violation = RunMutation(mutation, seed, false);
  std::cout << mutation.name << ": seed " << seed << " finds " << violation << "\n";
  EXPECT_EQ(violation.substr(0, 4), mutation.violation);
  EXPECT_EQ(RunMutation(mutation, seed, true), "")
      << "found with the guard in place: seed " << seed;
}

INSTANTIATE_TEST_SUITE_P(Guards, RaftMutation, testing::ValuesIn(kMutations),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::sim
