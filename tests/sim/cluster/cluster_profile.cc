// ClusterProfile: see cluster_profile.h.
#include "tests/sim/cluster/cluster_profile.h"

#include <utility>

namespace weir::sim {
namespace {

constexpr uint64_t kProfileSalt = 0x636c7573746572;
constexpr uint64_t kGroupSalt = 0x67726f7570;
constexpr uint64_t kConsumerSalt = 0x6b6970383438;

void ChooseNetwork(Prng& prng, NetworkFaults& faults) {
  if (prng.Chance(1, 2)) faults.loss_percent = prng.Below(16);
  if (prng.Chance(1, 2)) faults.repeat_percent = prng.Below(31);
  faults.delay_ms_max = prng.Between(1, 10);
  if (prng.Chance(1, 3)) {
    faults.straggle_percent = prng.Between(1, 5);
    faults.straggle_ms = prng.Between(20, 500);
  }
}

void ChooseWeights(Prng& prng, ClusterProfile& profile) {
  using enum ClusterAction;
  const auto maybe = [&](ClusterAction action, uint64_t of, int64_t most) {
    if (prng.Chance(1, of)) {
      profile.weight(action) = static_cast<uint64_t>(prng.Between(1, most));
    }
  };
  profile.weight(kProduce) = 60;
  maybe(kKillBroker, 2, 4);
  maybe(kPowerCutBroker, 2, 4);
  maybe(kStopBroker, 3, 3);
  profile.weight(kStartBroker) = static_cast<uint64_t>(prng.Between(4, 12));
  maybe(kKillController, 2, 3);
  profile.weight(kStartController) = static_cast<uint64_t>(prng.Between(3, 10));
  maybe(kPauseBroker, 2, 3);
  maybe(kPauseController, 3, 2);
  profile.weight(kResume) = static_cast<uint64_t>(prng.Between(2, 6));
  maybe(kPartition, 2, 2);
  maybe(kIsolateBroker, 2, 3);
  maybe(kOneWayCut, 2, 3);
  profile.weight(kHeal) = static_cast<uint64_t>(prng.Between(2, 8));
  maybe(kBreakConnection, 2, 4);
  maybe(kSlowDisk, 3, 3);
  maybe(kTransfer, 3, 2);
  maybe(kSnapshot, 2, 3);
  maybe(kPowerCutAll, 5, 1);
  maybe(kWipeBroker, 4, 2);
  if (prng.Chance(1, 3)) profile.weight(kCreateTopic) = profile.weight(kDeleteTopic) = 1;
  maybe(kElectPreferred, 3, 2);
  maybe(kReassign, 3, 2);
}

}  // namespace

ClusterProfile MakeClusterProfile(uint64_t seed) {
  Prng prng(seed ^ kProfileSalt);
  ClusterProfile profile;
  profile.partitions = static_cast<int32_t>(prng.Between(1, 3));
  profile.min_insync_replicas = prng.Chance(1, 4) ? 1 : 2;
  profile.faults_ms = prng.Between(4'000, 12'000);
  profile.action_every_ms = prng.Between(8, 40);
  profile.disk.max_ms = prng.Between(0, 10);
  profile.slow_disk.max_ms = prng.Between(50, 1'500);
  if (prng.Chance(1, 2)) profile.clock_offset_ms_max = 3'600'000;
  if (prng.Chance(1, 2)) profile.clock_drift_permille_max = prng.Between(1, 50);
  profile.lag_max = std::chrono::milliseconds(prng.Between(200, 2'000));
  profile.liveness.broken_session_grace = std::chrono::milliseconds(prng.Between(20, 200));
  profile.liveness.session_timeout = std::chrono::milliseconds(prng.Between(600, 1'500));
  profile.raft.election_ticks_min = static_cast<int32_t>(prng.Between(8, 15));
  profile.raft.election_ticks_max = profile.raft.election_ticks_min * 2;
  profile.raft.snapshot_chunk_bytes = static_cast<size_t>(prng.Between(200, 4'000));
  profile.raft.log_tail_entries_max = prng.Below(10);
  profile.idempotent_producers = prng.Chance(2, 3);
  profile.lossy_topic = prng.Chance(1, 4);
  ChooseNetwork(prng, profile.network);
  ChooseWeights(prng, profile);
  if (prng.Chance(1, 3)) profile.shard.max_ms = prng.Between(1, 4);
  if (prng.Chance(1, 3)) profile.fetch_bytes_max = static_cast<int32_t>(prng.Between(1, 2'000));
  if (prng.Chance(1, 3)) {
    profile.late_call_percent = static_cast<uint64_t>(prng.Between(1, 30));
    profile.late_call_ms = prng.Between(100, 4'000);
  }
  profile.balance_interval = std::chrono::milliseconds(prng.Between(500, 5'000));
  if (prng.Chance(1, 3)) {
    profile.late_news_percent = static_cast<uint64_t>(prng.Between(1, 40));
    profile.late_news_ms = prng.Between(50, 2'000);
  }
  if (prng.Chance(1, 3)) profile.weight(ClusterAction::kFailDisk) = 1;
  return profile;
}

ClusterProfile MakeGroupProfile(uint64_t seed) {
  ClusterProfile profile = MakeClusterProfile(seed);
  Prng prng(seed ^ kGroupSalt);
  profile.group_members = static_cast<int32_t>(prng.Between(2, 5));
  // Longer than a sign of life takes to the controller.
  profile.group_session_ms = static_cast<int32_t>(prng.Between(1'800, 3'000));
  profile.group_rebalance_ms =
      profile.group_session_ms + static_cast<int32_t>(prng.Between(0, 2'000));
  profile.faults_ms *= 2;
  profile.consumers = false;
  if (prng.Chance(2, 3)) {
    profile.late_call_percent = static_cast<uint64_t>(prng.Between(1, 30));
    profile.late_call_ms = prng.Between(100, 4'000);
  }
  if (prng.Chance(1, 2)) {
    profile.late_news_percent = static_cast<uint64_t>(prng.Between(1, 40));
    profile.late_news_ms = prng.Between(50, 2'000);
  }
  return profile;
}

ClusterProfile MakeConsumerProfile(uint64_t seed) {
  ClusterProfile profile = MakeGroupProfile(seed);
  Prng prng(seed ^ kConsumerSalt);
  profile.consumers_of_group = std::exchange(profile.group_members, 0);
  profile.partitions = static_cast<int32_t>(prng.Between(1, 5));
  profile.assignment_interval_ms = prng.Chance(1, 2) ? static_cast<int32_t>(prng.Below(1'500)) : 0;
  profile.members_switch_protocol = prng.Chance(1, 2);
  if (profile.members_switch_protocol || prng.Chance(1, 3)) {
    profile.classic_percent = prng.Below(101);
  }
  if (prng.Chance(2, 3)) {
    profile.weight(ClusterAction::kCreateTopic) = profile.weight(ClusterAction::kDeleteTopic) = 1;
  }
  return profile;
}

}  // namespace weir::sim
