// SimBroker: one simulated broker: everything between the network and the store as production has
// it (log, partitions, fetch loops, session, metadata), on simulated event loops, a simulated
// network and a store in memory that knows what a power cut leaves.
//
// Laws:
//  1. A kill keeps every write to the store, a power cut only what was synced (and any prefix of
//     the rest); memory is lost in both.
//  2. A wipe loses all, and the disk's identity with it.
//  3. One shard: everything the partitions do is in the order of one loop.
// Thread rule: one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/log/log_start_map.h"
#include "broker/log/log_store.h"
#include "broker/metadata/broker_core.h"
#include "tests/sim/cluster/cluster_network.h"
#include "tests/sim/cluster/sim_controller_link.h"
#include "tests/sim/cluster/sim_executor.h"
#include "tests/sim/cluster/sim_frontend.h"
#include "tests/sim/cluster/sim_group_port.h"
#include "tests/support/mem_kv_store.h"

namespace weir::sim {

class ClusterWorld;

// What a broker does when it falls.
enum class Fall : uint8_t { kKill, kPowerCut };

class SimBroker : private FrameDialer {
 public:
  SimBroker(ClusterWorld& world, NodeId id);
  ~SimBroker() override { Crash(Fall::kKill); }

  NodeId id() const { return id_; }
  Address address() const { return {Address::Kind::kBroker, id_.value()}; }
  bool running() const { return process_ != nullptr && process_->alive; }
  bool paused() const { return running() && process_->paused; }
  bool stopping() const { return stopping_; }
  uint64_t life() const { return life_; }
  bool fenced() const { return core_->session().IsFenced(); }

  void Start();
  void Crash(Fall fall);
  // REQUIRES: not running. The next life has a new, empty disk.
  void Wipe();
  const Uuid& directory_id() const { return directory_id_; }
  // REQUIRES: running. Its store takes a few writes more and then none; the process ends within a
  // second (D-13).
  void FailDisk();
  // Controlled shutdown; the process is gone some time later.
  void StopCleanly();
  void Pause() { process_->paused = true; }
  void Resume() { process_->Resume(); }
  void SetDiskDelay(SimExecutor::Delay delay) { disk_delay_ = delay; }

  // From a client; `done` runs on the broker's shard. Dropped when the broker is not running.
  void Append(replica::AppendRequest request, replica::AppendDone done);
  void Fetch(replica::FetchRequest request, replica::FetchDone done);
  // Any request of a client, as production's handlers serve it. `frame`: without its size.
  void Ask(SharedBytes frame, std::shared_ptr<net::PeerWatch> peer, SimFrontend::Answered answered);
  // The client has closed the connection of such a request.
  void PeerGone(std::shared_ptr<net::PeerWatch> peer);
  // The newest metadata that its partitions act on; null before there is any.
  broker::ImagePtr image() const;

  // ---- for checkers: the state between two tasks ---------------------------------------

  std::vector<replica::PartitionInfo> DescribePartitions();
  std::vector<replica::TopicPartition> StoredPartitions() const { return log_store_->Stored(); }
  replica::FetchOutcome ReadNow(const replica::TopicPartition& partition, Offset from);

 private:
  class Frames;
  struct ServedConnection;

  std::unique_ptr<FrameConnection> Dial(const std::string& host, uint16_t port,
                                        FrameEvents events) override;

  void StartCore();
  broker::v1::Registration MakeRegistration();
  void Serve(const std::shared_ptr<ServedConnection>& served, const SharedBytes& frame);

  ClusterWorld& world_;
  NodeId id_;
  Uuid directory_id_;
  // What survives a crash.
  test::MemKvStore store_;
  SimExecutor::Delay disk_delay_;
  SimFrontend frontend_;
  const SimExecutor::Delay shard_delay_;
  const SimExecutor::Delay no_delay_{};

  // One life; loops first, so that they go last.
  SimProcessPtr process_;
  uint64_t life_ = 0;
  bool stopping_ = false;
  std::unique_ptr<SimExecutor> shard_;
  std::unique_ptr<SimExecutor> writer_;
  std::unique_ptr<SimExecutor> syncer_;
  std::shared_ptr<SimExecutor> metadata_;
  std::unique_ptr<log::LogStore> log_store_;
  std::unique_ptr<SimControllerLink> controllers_;
  std::unique_ptr<SimGroupPort> group_port_;
  std::unique_ptr<broker::BrokerCore> core_;
};

}  // namespace weir::sim
