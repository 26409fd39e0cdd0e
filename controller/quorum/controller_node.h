// ControllerNode: one controller, assembled: directory, founding, Raft, metadata, sessions,
// groups and feed, on one loop thread. Services (controller/service) and main.cc talk to it.
//
//   blank --founding or join--> running --Stop--> stopped
//
// Laws:
//  1. Everything behind `loop()` is touched on the loop thread only; the parts exist once
//     `running()`.
//  2. After BeginStop every call that waits here has been answered, and new ones are refused; the
//     loop still runs, so that the gRPC server can be stopped without a call left hanging.
// Thread rule: Create, Start, BeginStop, Stop by the owner; Post, Identify and Deliver from any
// thread; the rest on the loop thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/runtime/node_directory.h"
#include "common/runtime/thread_executor.h"
#include "controller/quorum/active_controller.h"
#include "controller/quorum/broker_sessions.h"
#include "controller/quorum/founding.h"
#include "controller/quorum/group_calls.h"
#include "controller/quorum/group_streams.h"
#include "controller/quorum/leader_balancer.h"
#include "controller/quorum/membership.h"
#include "controller/quorum/metadata_feed.h"
#include "controller/quorum/raft_node.h"

namespace weir::quorum {

struct ControllerNodeOptions {
  NodeId id;
  std::string data_dir;
  std::vector<InitialVoter> voters;
  // Format an empty directory as one of `voters` (of a quorum of its own when there are none).
  bool bootstrap = false;
  // Format an empty directory as an observer of the quorum found at one of these addresses.
  std::vector<std::string> join;
  // Zero: any.
  Uuid cluster_id;
  int32_t election_ticks = 40;
  int32_t heartbeat_ticks = 20;
  BrokerSessionsOptions sessions;
  LeaderBalancerOptions leaders;
  state::Defaults defaults;
  size_t snapshot_log_bytes = limits::kSnapshotAfterLogBytes;
  Duration snapshot_interval = std::chrono::milliseconds(limits::kSnapshotAfterMs);
};

class ControllerNode {
 public:
  // Opens, or formats, the data directory. `on_fatal` is called (on the loop thread, at most once)
  // when the process must end. Errors: as NodeDirectory::Open and RaftNode::Open.
  static Result<std::unique_ptr<ControllerNode>> Create(
      ControllerNodeOptions options, std::function<void(std::string reason)> on_fatal);
  ~ControllerNode();

  // `own_address`: where others reach this controller (host:port), with its real port.
  Status Start(const std::string& own_address);
  // Answers what waits. With `transfer` a leader first hands over; `done` is called on the loop
  // thread.
  void BeginStop(bool transfer, std::function<void()> done);
  void Stop();

  void Post(Task task) { loop_->Post(std::move(task)); }
  runtime::ThreadExecutor& loop() { return *loop_; }
  // Runs `call` on the loop and waits for its value. Not on the loop thread.
  template <class T>
  T RunOnLoop(std::function<T()> call);

  NodeId id() const { return options_.id; }
  const Uuid& directory_id() const { return directory_->identity().directory_id; }
  const std::string& own_address() const { return own_address_; }
  // Zero until there is one. Any thread.
  Uuid known_cluster_id() const {
    return cluster_known_.load(std::memory_order_acquire) ? cluster_id() : Uuid{};
  }
  // Messages of a peer that passed the service's checks. Dropped while not running.
  void Deliver(raft::Message message, std::string from_address);
  // Its stream of messages has ended. Any thread.
  void PeerGone(const raft::VoterKey& peer);

  // ---- loop thread --------------------------------------------------------------------

  bool running() const { return node_ != nullptr; }
  bool stopping() const { return stopping_; }
  // Whether the quorum has gone on without this controller: no metadata reaches it any more, so
  // that nobody may follow it.
  bool removed() const;
  const Uuid& cluster_id() const { return directory_->identity().cluster_id; }
  raft::v1::IdentifyReply Identity() const;
  // Empty: attached to a quorum with a leader. Otherwise why not, for people.
  std::string NotReadyReason() const;

  // Who serves a call: this controller, or the leader at that address.
  struct Route {
    bool here = false;
    std::string address;
  };
  // Waits for a leader if there is none, but not for long. Errors: kNotController with the reason.
  void FindLeader(MonoTime deadline, std::function<void(Result<Route>)> done);
  // The leader's address; empty when unknown or this controller.
  std::string LeaderAddress() const;
  NodeId LeaderId() const;
  // The members this controller knows of; itself alone before it has heard from a quorum.
  std::vector<admin::v1::QuorumMember> DescribeMembers() const;

  // REQUIRES: running().
  RaftNode& node() { return *node_; }
  ActiveController& controller() { return *controller_; }
  BrokerSessions& sessions() { return *sessions_; }
  GroupCalls& groups() { return *groups_; }
  GroupStreams& group_streams() { return *group_streams_; }
  MetadataFeed& feed() { return *feed_; }
  Membership& membership() { return *membership_; }
  const metadata::MetadataImage& committed() const { return machine_->committed(); }
  // Called on the loop whenever NotReadyReason may have changed.
  void OnReadyChange(std::function<void(bool ready)> call) { ready_changed_ = std::move(call); }

 private:
  class Watcher;
  struct Waiter {
    MonoTime until;
    std::function<void(Result<Route>)> done;
  };

  ControllerNode(ControllerNodeOptions options, std::function<void(std::string)> on_fatal);
  admin::v1::QuorumMember DescribeSelf() const;
  // Start-up: what this directory is.
  Status StartRunning(const raft::Configuration& founding);
  void PollFounding();
  void AskPeer(const std::string& address, std::optional<NodeId> expected);
  void OnIdentified(std::optional<NodeId> expected, const std::string& address,
                    const raft::v1::IdentifyReply& reply);
  void DecideNow();
  void Observe(const Uuid& cluster_id);
  void Become(const Founding& founding);
  void CheckClusterOfPeers();
  bool LeadsItselfAlone() const;
  void CorrectOwnAddress();
  Status Adopt(const Uuid& cluster_id);
  void Fatal(const std::string& reason);
  std::optional<Route> CurrentRoute() const;
  void ServeWaiters();
  void UpdateReady();

  // Shared with events of gRPC that come late. Stopped before anything it uses goes.
  const std::shared_ptr<runtime::ThreadExecutor> loop_ =
      std::make_shared<runtime::ThreadExecutor>("controller");
  ControllerNodeOptions options_;
  std::function<void(std::string)> on_fatal_;
  std::unique_ptr<runtime::NodeDirectory> directory_;
  std::unique_ptr<Disk> disk_;
  std::atomic<bool> cluster_known_ = false;
  std::string own_address_;
  std::optional<Founding> founding_;
  FoundingView view_;
  std::string waiting_for_;
  std::string reported_waiting_for_;
  size_t foreign_peers_ = 0;
  bool stopping_ = false;
  bool ready_ = false;
  std::function<void(bool)> ready_changed_;
  std::list<Waiter> waiters_;

  std::unique_ptr<MetadataMachine> machine_;
  std::unique_ptr<state::Liveness> liveness_;
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<RaftNode> node_;
  std::unique_ptr<ActiveController> controller_;
  std::unique_ptr<BrokerSessions> sessions_;
  std::unique_ptr<GroupCalls> groups_;
  std::unique_ptr<GroupStreams> group_streams_;
  std::unique_ptr<LeaderBalancer> leader_balancer_;
  std::unique_ptr<MetadataFeed> feed_;
  std::unique_ptr<Membership> membership_;

  // Answers to our own calls that come late find it expired.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

template <class T>
T ControllerNode::RunOnLoop(std::function<T()> call) {
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();
  loop_->Post([promise, call = std::move(call)] { promise->set_value(call()); });
  return future.get();
}

}  // namespace weir::quorum
