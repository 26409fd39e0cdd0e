// SimController: one simulated controller: the Raft core on a simulated disk, and above it what
// production runs: MetadataMachine, ActiveController, BrokerSessions, GroupCalls, GroupStreams,
// MetadataFeed, LeaderBalancer.
//
// Laws:
//  1. It does what a Ready asks in the order of controller/quorum/raft_node.cc.
//  2. A crash loses what was not fsynced (tests/sim/sim_disk.h), and everything in memory.
// Thread rule: one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/quorum/active_controller.h"
#include "controller/quorum/broker_sessions.h"
#include "controller/quorum/group_calls.h"
#include "controller/quorum/group_streams.h"
#include "controller/quorum/leader_balancer.h"
#include "controller/quorum/metadata_feed.h"
#include "controller/quorum/metadata_machine.h"
#include "controller/raft/raft.h"
#include "tests/sim/cluster/cluster_network.h"
#include "tests/sim/cluster/cluster_profile.h"
#include "tests/sim/cluster/sim_executor.h"
#include "tests/sim/cluster/watched_group_calls.h"
#include "tests/sim/sim_disk.h"

namespace weir::sim {

class ClusterWorld;

class SimController : public quorum::RaftPort, public quorum::MetadataListener {
 public:
  SimController(ClusterWorld& world, NodeId id);
  ~SimController() override { Crash(); }

  ClusterWorld& world() const { return world_; }
  NodeId id() const { return id_; }
  Address address() const { return {Address::Kind::kController, id_.value()}; }
  raft::VoterKey key() const { return {id_, directory_id_}; }
  bool running() const { return raft_.has_value(); }
  bool paused() const { return process_ != nullptr && process_->paused; }
  bool active() const { return running() && controller_->active(); }

  void Format(const raft::Configuration& founding);
  void Start();
  void Crash();
  void Pause() { process_->paused = true; }
  void Resume() { process_->Resume(); }
  void SetDiskDelay(SimExecutor::Delay delay) { disk_delay_ = delay; }
  void TransferLeadership();
  void TakeSnapshot();

  // Names this life: what belongs to one that is over is dropped.
  const SimProcessPtr& process() const { return process_; }
  // A datagram of another controller.
  void Deliver(raft::Message message);
  // Runs on the controller's loop; dropped when it is not running.
  void Post(Task task);
  // The same, if that life is not over.
  void PostIn(const SimProcessPtr& life, Task task) {
    if (life == process_) Post(std::move(task));
  }

  // REQUIRES: running().
  quorum::ActiveController& controller() { return *controller_; }
  quorum::BrokerSessions& sessions() { return *sessions_; }
  quorum::GroupCalls& groups() { return *groups_; }
  quorum::GroupStreams& group_streams() { return *group_streams_; }
  quorum::MetadataFeed& feed() { return *feed_; }
  const metadata::MetadataImage& committed() const { return machine_->committed(); }
  const raft::Raft& raft() const { return *raft_; }
  SimExecutor& loop() { return *loop_; }
  NodeId leader_id() const { return raft_->leader() ? raft_->leader()->id : kNoNode; }

 private:
  Result<LogIndex> Propose(std::shared_ptr<const std::string> payload) override;
  Status ReadIndex(uint64_t request_id) override;
  void OnCommitted(const std::vector<raft::Entry>&) override;
  void OnInstalled() override;

  void ScheduleTick();
  void PumpLater();
  void Pump();
  void Obey(raft::Ready ready);
  void Persist(raft::Ready& ready);
  void ScheduleFsync();
  void StoreChunk(const raft::SnapshotChunk& chunk);
  void ServeChunk(raft::SnapshotRead read);
  void SendAll(std::vector<raft::Message>& messages);

  ClusterWorld& world_;
  NodeId id_;
  Uuid directory_id_;
  // What survives a crash.
  SimDisk disk_;
  SimExecutor::Delay disk_delay_;
  const SimExecutor::Delay no_delay_{};
  WatchedGroupCalls watched_groups_{*this};

  // One life.
  SimProcessPtr process_;
  std::unique_ptr<SimExecutor> loop_;
  std::unique_ptr<SimExecutor> writer_;
  std::optional<raft::Raft> raft_;
  std::unique_ptr<quorum::MetadataMachine> machine_;
  std::unique_ptr<state::Liveness> liveness_;
  std::unique_ptr<quorum::ActiveController> controller_;
  std::unique_ptr<quorum::BrokerSessions> sessions_;
  std::unique_ptr<quorum::GroupCalls> groups_;
  std::unique_ptr<quorum::GroupStreams> group_streams_;
  std::unique_ptr<quorum::MetadataFeed> feed_;
  std::unique_ptr<quorum::LeaderBalancer> balancer_;
  bool pump_scheduled_ = false;
  std::string incoming_bytes_;
  std::unique_ptr<quorum::ParsedSnapshot> arrived_;
};

}  // namespace weir::sim
