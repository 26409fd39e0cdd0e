// Guard mutations of replication (RELIABILITY I-20, C-32, S-15) and of consumer groups (G-01 to
// G-19): with any one guard of brokers and controllers taken away the cluster simulator must find
// the damage. Each case names the seed that finds it, so that a run of the tests needs one world
// per guard; the same seed with the guard in place must be clean, or the seed would prove nothing.
//
//   WEIR_SIM_SEARCH=1    print which seeds find what; each is clean with the guard in place
//   WEIR_SIM_SEEDS=1000  how many
//
// The guards stand in guards.txt; the product is compiled here from copies with a switch at each.
// A CHECK that fails is a finding too: CheckFailed throws in this binary.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/runtime/log.h"
#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/mutation/removed_guard.h"

namespace weir {
namespace {

struct FailedCheck {
  std::string what;
};

}  // namespace

void CheckFailed(const char* file, int line, const char* expression, const char* message) {
  throw FailedCheck{std::string("CHECK ") + file + ":" + std::to_string(line) + " " + expression +
                    " " + message};
}

}  // namespace weir

namespace weir::sim {
namespace {

struct Guard {
  const char* name;
  // Why it could not be taken out; empty when it could.
  const char* problem;
};

const Guard kGuards[] = {
#include "mutants/guards.inc"
};

void AsTheyCome(ClusterProfile&) {}

// Worlds in which leaders change all the time while producers go on.
void ManyElections(ClusterProfile& profile) {
  using enum ClusterAction;
  profile.action_every_ms = 10;
  profile.weight(kProduce) = 40;
  profile.weight(kKillBroker) = 6;
  profile.weight(kStartBroker) = 20;
  profile.weight(kStopBroker) = 2;
  profile.weight(kIsolateBroker) = 5;
  profile.weight(kOneWayCut) = 4;
  profile.weight(kHeal) = 12;
  profile.weight(kPauseBroker) = 5;
  profile.weight(kResume) = 10;
}

// Worlds in which disks are swapped.
void SwappedDisks(ClusterProfile& profile) {
  using enum ClusterAction;
  ManyElections(profile);
  profile.min_insync_replicas = 2;
  profile.weight(kWipeBroker) = 10;
}

// Worlds in which what a leader asks of the controller is decided when much has changed since.
void LateProposals(ClusterProfile& profile) {
  SwappedDisks(profile);
  profile.late_call_percent = 60;
  profile.late_call_ms = 3'000;
  profile.lag_max = std::chrono::milliseconds(300);
  profile.liveness.session_timeout = std::chrono::milliseconds(600);
}

// Worlds in which brokers lead, follow and lead again without a restart between, and followers are
// slow to see it.
void PassedOnLeaderships(ClusterProfile& profile) {
  using enum ClusterAction;
  profile.action_every_ms = 10;
  profile.shard.max_ms = 5;
  profile.balance_interval = std::chrono::milliseconds(200);
  profile.weight(kProduce) = 40;
  profile.weight(kKillBroker) = 0;
  profile.weight(kPowerCutBroker) = 0;
  profile.weight(kWipeBroker) = 0;
  profile.weight(kIsolateBroker) = 3;
  profile.weight(kOneWayCut) = 6;
  profile.weight(kHeal) = 8;
  profile.weight(kPauseBroker) = 6;
  profile.weight(kResume) = 10;
  profile.weight(kReassign) = 10;
  profile.weight(kElectPreferred) = 4;
}

// Worlds in which the disk of a replica that is about to join the ISR is swapped again.
void SwappedAgain(ClusterProfile& profile) {
  using enum ClusterAction;
  profile.weights = {};
  profile.action_every_ms = 10;
  profile.min_insync_replicas = 2;
  profile.late_call_percent = 60;
  profile.late_call_ms = 3'000;
  profile.weight(kProduce) = 40;
  profile.weight(kWipeBroker) = 8;
  profile.weight(kStartBroker) = 15;
}

// Worlds in which followers fall behind and catch up while one leader goes on, and calls of long
// ago are decided.
void LaggingFollowers(ClusterProfile& profile) {
  using enum ClusterAction;
  profile.weights = {};
  profile.faults_ms = 12'000;
  profile.action_every_ms = 15;
  profile.lag_max = std::chrono::milliseconds(200);
  profile.late_call_percent = 50;
  profile.late_call_ms = 4'000;
  profile.weight(kProduce) = 40;
  profile.weight(kIsolateBroker) = 2;
  profile.weight(kOneWayCut) = 10;
  profile.weight(kHeal) = 5;
  profile.weight(kPauseBroker) = 2;
  profile.weight(kResume) = 5;
}

// Worlds in which brokers act on metadata that was true long ago.
void LateNews(ClusterProfile& profile) {
  using enum ClusterAction;
  PassedOnLeaderships(profile);
  profile.late_news_percent = 30;
  profile.late_news_ms = 2'000;
  profile.weight(kIsolateBroker) = 6;
  profile.weight(kPauseBroker) = 2;
  profile.liveness.session_timeout = std::chrono::milliseconds(600);
}

struct Case {
  const char* guard;
  void (*world)(ClusterProfile&);
  uint64_t seed;      // finds it
  const char* finds;  // mostly; another seed may find another consequence
  ClusterProfile (*base)(uint64_t seed) = MakeClusterProfile;
};

const Case kCases[] = {
    {"I20_a_IncarnationMatch", SwappedDisks, 1, "I-02"},
    {"I20_b_FollowAnewInNewEpoch", PassedOnLeaderships, 2, "I-12"},
    {"I20_c_ForgetFollowersInNewEpoch", PassedOnLeaderships, 38, "I-07"},
    {"I20_d_FollowerEndKnownInThisEpoch", AsTheyCome, 5, "I-13"},
    {"I20_e_ReachesHighWatermark", AsTheyCome, 5, "I-01"},
    {"I20_f_ReachesEpochStart", AsTheyCome, 19, "I-14"},
    {"I20_g_AnswerToThisOffset", PassedOnLeaderships, 3, "CHECK"},
    {"I20_h_AnswerOfThisEpoch", PassedOnLeaderships, 73, "CHECK"},
    {"I20_i_BrokerEpochsInAlterPartition", SwappedAgain, 2, "I-01"},
    {"I20_j_PartitionEpochInAlterPartition", LaggingFollowers, 4, "I-01"},
    {"I24_FencedLeaderEpoch", LateNews, 40, "I-01"},
    {"I24_UnknownLeaderEpoch", LateNews, 15, "I-01"},
    {"I07_DivergenceByLeaderEpoch", AsTheyCome, 5, "I-07"},
    {"I13_ProposedMembersCount", LateProposals, 156, "I-01"},
    {"I13_RefusalEndsTheVersion", AsTheyCome, 233, "I-01"},
    {"I13_MinInSyncForHighWatermark", AsTheyCome, 2, "I-13"},
    {"I17_LostDirectoryLeavesElr", SwappedDisks, 1, "I-01"},
    {"I18_OnlySafeReplicasAreElected", AsTheyCome, 1, "I-18"},
    {"I37_FencedStaysOut", AsTheyCome, 1, "I-09"},
    {"I43_FollowerBelowItsLeader", AsTheyCome, 1, "I-43"},
    {"D04_LeaderCountsWhatItSynced", AsTheyCome, 25, "I-01"},
    {"D01_FollowerReportsWhatItSynced", AsTheyCome, 42, "I-01"},
    {"J04_RepeatedBatchIsKnown", AsTheyCome, 4, "J-04"},
    {"G17_GenerationAtCommit", AsTheyCome, 23, "G-17", MakeGroupProfile},
    {"G17_MemberEpochAtCommit", AsTheyCome, 12, "G-17", MakeConsumerProfile},
    {"G17_FenceIsWaitedFor", AsTheyCome, 991, "G-17", MakeConsumerProfile},
    {"G02_RevocationIsConfirmed", AsTheyCome, 3, "G-02", MakeConsumerProfile},
    {"G02_OwnedIsNotFree", AsTheyCome, 3, "CHECK", MakeConsumerProfile},
    {"G11_FreshSessionsOfClassicMembers", AsTheyCome, 3, "G-11", MakeGroupProfile},
    {"G11_FreshSessionsOfConsumers", AsTheyCome, 1, "G-11", MakeConsumerProfile},
    {"G12_WhoWaitsStays", AsTheyCome, 8, "G-12", MakeGroupProfile},
    {"G19_InstanceInUse", AsTheyCome, 7, "G-19", MakeConsumerProfile},
    {"G01_NewSubscriptionsCount", AsTheyCome, 9, "G-01", MakeConsumerProfile},
    {"G06_ToldOnceCommitted", AsTheyCome, 12, "G-06", MakeConsumerProfile},
    {"G05_RefusalsAreConfirmed", AsTheyCome, 3, "G-05", MakeGroupProfile},
    {"G10_OffsetsOfNewLeaders", AsTheyCome, 61, "G-10", MakeGroupProfile},
    {"G07_NothingIsOnTheWayAnew", AsTheyCome, 7, "G-07", MakeGroupProfile},
    {"G07_WithdrawalsAreCounted", AsTheyCome, 12, "G-07", MakeGroupProfile},
};

Case CaseOf(std::string_view guard) {
  for (const Case& each : kCases) {
    if (each.guard == guard) return each;
  }
  return {"", AsTheyCome, 1, ""};
}

std::string RunMutation(const Guard& guard, uint64_t seed, bool guarded) {
  const Case known = CaseOf(guard.name);
  ClusterProfile profile = known.base(seed);
  known.world(profile);
  removed_guard = guarded ? "" : guard.name;
  std::string violation;
  try {
    violation = ClusterWorld(seed, profile).Run().violation;
  } catch (const FailedCheck& failed) {
    violation = failed.what;
  }
  removed_guard.clear();
  return violation;
}

uint64_t SeedsToSearch(uint64_t otherwise) {
  const char* text = std::getenv("WEIR_SIM_SEEDS");
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The first seed that finds the damage; 0 when there is none.
uint64_t FindSeed(const Guard& guard) {
  const uint64_t seeds = SeedsToSearch(10'000);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    if (!RunMutation(guard, seed, false).empty()) return seed;
  }
  return 0;
}

// Worlds that find it, out of the first 1,000 or WEIR_SIM_SEEDS.
void PrintAll(const Guard& guard) {
  const uint64_t seeds = SeedsToSearch(1'000);
  std::map<std::string, std::vector<uint64_t>> found;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const std::string violation = RunMutation(guard, seed, false);
    if (!violation.empty()) found[violation.substr(0, 4)].push_back(seed);
    const std::string clean = RunMutation(guard, seed, true);
    EXPECT_EQ(clean, "") << "found with the guard in place: seed " << seed;
  }
  for (const auto& [violation, by] : found) {
    std::cout << guard.name << ": " << violation << " found by " << by.size() << " of " << seeds
              << ":";
    for (size_t i = 0; i < std::min<size_t>(by.size(), 8); ++i) std::cout << " " << by[i];
    std::cout << "\n";
  }
}

class ClusterMutation : public testing::TestWithParam<Guard> {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitLog({.level = LogLevel::kError}).has_value()); }
};

TEST_P(ClusterMutation, I20_IsFound) {
  const Guard& guard = GetParam();
  ASSERT_STREQ(guard.problem, "") << "guards.txt does not match the source any more";
  if (std::getenv("WEIR_SIM_SEARCH") != nullptr) return PrintAll(guard);
  // Any change of the product or of the worlds moves the dice: then the first that finds it.
  const Case known = CaseOf(guard.name);
  ASSERT_STREQ(known.guard, guard.name) << "no case";
  uint64_t seed = known.seed;
  std::string violation = RunMutation(guard, seed, false);
  if (violation.empty()) {
    seed = FindSeed(guard);
    ASSERT_NE(seed, 0u) << "not found";
    violation = RunMutation(guard, seed, false);
  }
  std::cout << guard.name << ": seed " << seed << " finds "
            << violation.substr(0, violation.find('\n')) << "; mostly " << known.finds << "\n";
  EXPECT_EQ(RunMutation(guard, seed, true), "") << "found with the guard in place: seed " << seed;
}

INSTANTIATE_TEST_SUITE_P(Guards, ClusterMutation, testing::ValuesIn(kGuards),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::sim
