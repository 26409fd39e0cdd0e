// Profiles: see profile.h.
#include "tests/sim/profile.h"

namespace weir::sim {
namespace {

constexpr uint64_t kProfileSalt = 0x70726f66696c65;

void ChooseNetwork(Prng& prng, NetworkFaults& faults) {
  if (prng.Chance(1, 2)) faults.loss_percent = prng.Below(31);
  if (prng.Chance(1, 2)) faults.repeat_percent = prng.Below(51);
  faults.delay_ms_max = prng.Between(1, 20);
  if (prng.Chance(1, 3)) {
    faults.straggle_percent = prng.Between(1, 10);
    faults.straggle_ms = prng.Between(50, 1'000);
  }
}

void ChooseRaft(Prng& prng, raft::Config& config) {
  config.election_ticks_min = static_cast<int32_t>(prng.Between(6, 12));
  config.election_ticks_max = config.election_ticks_min * 2;
  config.heartbeat_ticks = static_cast<int32_t>(prng.Between(1, 3));
  config.snapshot_retry_ticks = static_cast<int32_t>(prng.Between(10, 30));
  config.append_bytes_max = prng.Chance(1, 2) ? 16 : 4'096;
  config.appends_in_flight_max = static_cast<size_t>(prng.Between(1, 8));
  config.snapshot_chunk_bytes = static_cast<size_t>(prng.Between(7, 60));
  config.log_tail_entries_max = prng.Below(10);
  config.promotion_lag_entries_max = prng.Below(20);
}

void ChooseWeights(Prng& prng, Profile& profile) {
  profile.weight(Action::kPropose) = 40;
  profile.weight(Action::kRead) = 5;
  // Pairs of trouble and its end.
  if (prng.Chance(3, 4)) profile.weight(Action::kCrash) = prng.Between(1, 12);
  profile.weight(Action::kRestart) = prng.Between(3, 15);
  if (prng.Chance(1, 2)) profile.weight(Action::kPause) = prng.Between(1, 6);
  profile.weight(Action::kResume) = prng.Between(2, 8);
  if (prng.Chance(1, 2)) profile.weight(Action::kPartition) = prng.Between(1, 8);
  if (prng.Chance(1, 3)) profile.weight(Action::kOneWayCut) = prng.Between(1, 6);
  profile.weight(Action::kHeal) = prng.Between(2, 10);
  if (prng.Chance(1, 3)) profile.weight(Action::kSlowDisk) = prng.Between(1, 5);
  // Work.
  if (prng.Chance(1, 2)) profile.weight(Action::kSnapshot) = prng.Between(1, 8);
  if (prng.Chance(1, 3)) profile.weight(Action::kTransfer) = prng.Between(1, 6);
  if (prng.Chance(1, 2)) {
    profile.weight(Action::kAddLearner) = prng.Between(2, 10);
    profile.weight(Action::kPromote) = prng.Between(4, 20);
    profile.weight(Action::kRemove) = prng.Between(1, 8);
    profile.weight(Action::kUpdateAddress) = prng.Below(3);
  }
  if (prng.Chance(1, 4)) profile.weight(Action::kWipe) = prng.Between(1, 3);
  if (prng.Chance(1, 8)) profile.weight(Action::kCorrupt) = prng.Between(1, 3);
}

}  // namespace

Profile MakeProfile(uint64_t seed) {
  Prng prng(seed ^ kProfileSalt);
  Profile profile;
  constexpr int32_t kVoters[] = {1, 2, 3, 3, 3, 3, 4, 5, 5, 5};
  profile.voters = kVoters[prng.Below(10)];
  profile.spares = static_cast<int32_t>(prng.Below(4));
  profile.faults_ms = prng.Between(1'000, 6'000);
  profile.action_every_ms = prng.Between(5, 40);
  profile.disk_ms_max = prng.Between(0, 15);
  profile.slow_disk_ms = prng.Between(20, 400);
  profile.gather_percent = prng.Chance(1, 2) ? prng.Below(60) : 0;
  profile.tick_drift_ms = prng.Below(4);
  ChooseNetwork(prng, profile.network);
  ChooseRaft(prng, profile.raft);
  ChooseWeights(prng, profile);
  return profile;
}

}  // namespace weir::sim
