// ClusterProfile: what kind of world a seed of the cluster simulation gets. Each seed switches some
// faults off and others on, and chooses the timeouts.
// Thread rule: plain values.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/prng.h"
#include "common/base/time.h"
#include "controller/raft/config.h"
#include "controller/state/liveness.h"
#include "tests/sim/cluster/sim_executor.h"
#include "tests/sim/sim_network.h"

namespace weir::sim {

enum class ClusterAction : uint8_t {
  kProduce,
  kKillBroker,
  kPowerCutBroker,
  kStopBroker,
  kStartBroker,
  kKillController,
  kStartController,
  kPauseBroker,
  kPauseController,
  kResume,
  kPartition,
  kIsolateBroker,
  kOneWayCut,
  kHeal,
  kBreakConnection,
  kSlowDisk,
  kTransfer,
  kSnapshot,
  kPowerCutAll,
  kWipeBroker,
  kCreateTopic,
  kDeleteTopic,
  kElectPreferred,
  kReassign,
  kFailDisk,
};
inline constexpr size_t kClusterActionCount = 25;

struct ClusterProfile {
  int32_t partitions = 2;
  int32_t min_insync_replicas = 2;
  bool consumers = true;
  bool idempotent_producers = true;
  // A second topic, in which unclean elections may lose records.
  bool lossy_topic = false;
  // Of a group of the classic protocol; 0: there is none.
  int32_t group_members = 0;
  // Of a group whose members speak the consumer protocol, the classic one, or either in turn.
  int32_t consumers_of_group = 0;
  // How many of those begin with the classic protocol, and whether they change over.
  uint64_t classic_percent = 0;
  bool members_switch_protocol = false;
  // Between two target assignments.
  int32_t assignment_interval_ms = 0;
  int32_t group_session_ms = 3'000;
  int32_t group_rebalance_ms = 4'000;
  int64_t faults_ms = 10'000;
  int64_t action_every_ms = 30;
  std::array<uint64_t, kClusterActionCount> weights{};
  NetworkFaults network;
  // How long an fsync takes, and on a slow disk.
  SimExecutor::Delay disk{0, 2};
  SimExecutor::Delay slow_disk{20, 200};
  // How long a task of a broker's shard waits: busy shards see answers and metadata together.
  SimExecutor::Delay shard;
  // What a follower asks for of one partition: a replica that is behind catches up in many steps.
  int32_t fetch_bytes_max = 1024 * 1024;
  // So many calls of brokers reach the controller's loop late, perhaps after the caller has given
  // up; every other one of them twice, as what was tried again does. A batch of calls about
  // groups is late too; it comes once, and the next one behind it.
  uint64_t late_call_percent = 0;
  int64_t late_call_ms = 0;
  // So many replies of a broker's metadata feed are late, and what follows waits behind them: the
  // broker acts on what was true then.
  uint64_t late_news_percent = 0;
  int64_t late_news_ms = 0;
  // How often the active controller gives leaderships back to preferred replicas.
  Duration balance_interval = std::chrono::seconds(5);
  int64_t clock_offset_ms_max = 0;
  int64_t clock_drift_permille_max = 0;
  Duration lag_max = std::chrono::milliseconds(1'000);
  state::LivenessOptions liveness;
  raft::Config raft;

  uint64_t& weight(ClusterAction action) { return weights[static_cast<size_t>(action)]; }
};

ClusterProfile MakeClusterProfile(uint64_t seed);
// The same world with a consumer group in it, and long enough for its rebalances.
ClusterProfile MakeGroupProfile(uint64_t seed);
// The same with a group of the consumer protocol, which may be of both, and migrate.
ClusterProfile MakeConsumerProfile(uint64_t seed);

}  // namespace weir::sim
