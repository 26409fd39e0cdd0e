// Profile: what kind of world a seed gets. Each seed switches some faults off, some on and some up
// high, because a world with every fault at once never gets far enough to meet the interesting
// ones.
// Thread rule: plain values.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/prng.h"
#include "controller/raft/config.h"
#include "tests/sim/sim_network.h"

namespace weir::sim {

enum class Action : uint8_t {
  kPropose,
  kRead,
  kSnapshot,
  kTransfer,
  kAddLearner,
  kPromote,
  kRemove,
  kUpdateAddress,
  kCrash,
  kRestart,
  kPause,
  kResume,
  kPartition,
  kOneWayCut,
  kHeal,
  kSlowDisk,
  kWipe,
  kCorrupt,
  kLie,
};
inline constexpr size_t kActionCount = 19;

struct Profile {
  int32_t voters = 3;
  int32_t spares = 0;
  int64_t faults_ms = 4'000;
  int64_t action_every_ms = 20;
  std::array<uint64_t, kActionCount> weights{};
  NetworkFaults network;
  int64_t disk_ms_min = 0;
  int64_t disk_ms_max = 2;
  int64_t slow_disk_ms = 100;
  // So often the node lets events gather before it takes a Ready.
  uint64_t gather_percent = 0;
  // A server's ticks come every 10 ms, give or take so much.
  int64_t tick_drift_ms = 0;
  // A server with a corrupt entry in the middle of its log must not start again. If this is
  // set it takes the corruption for a torn tail and cuts it off.
  bool corrupt_middle_is_cut_for_test = false;
  raft::Config raft;

  uint64_t& weight(Action action) { return weights[static_cast<size_t>(action)]; }
  uint64_t weight(Action action) const { return weights[static_cast<size_t>(action)]; }
};

// The world of a seed: all faults that Raft promises to survive.
Profile MakeProfile(uint64_t seed);

}  // namespace weir::sim
