// LeaderBalancer: the active controller's round through all partitions. Leaderships go back to
// preferred replicas, and partitions get the leader, or lose the ELR, that their configuration has
// come to allow, or to need no more (state/elect_leaders.h).
//
//   not active --became active--> waiting --interval over--> deciding --applied by every live
//   broker--> waiting, or deciding at once when there is more to do
//
// Laws:
//  1. One batch at a time, of at most kLeaderChangesPerBatchMax partitions; the next one waits
//     until every live broker has applied it: clients find most leaders in place at any time.
//  2. A leadership goes back only to a broker that was up, in the same life, at the round before:
//     one that starts and dies again takes nothing with it.
//  3. A broker whose data directory is full gets no leadership there back, and loses those for
//     which another in-sync replica has room (state/full_disks.h), at once when it says so.
// Thread rule: loop thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "controller/quorum/active_controller.h"
#include "controller/state/elect_leaders.h"

namespace weir::quorum {

inline constexpr size_t kLeaderChangesPerBatchMax = 1'000;

struct LeaderBalancerOptions {
  NodeId self;
  // auto.leader.rebalance.enable. Without it only configuration is followed.
  bool return_leaderships = true;
  // leader.imbalance.check.interval.seconds.
  Duration interval = std::chrono::seconds(5);
};

class LeaderBalancer : public MetadataListener {
 public:
  LeaderBalancer(Executor& loop, ActiveController& controller, LeaderBalancerOptions options)
      : loop_(loop), controller_(controller), options_(options) {}

  void OnRoleChange(const raft::RoleChange&) override {}
  void OnCommitted(const std::vector<raft::Entry>&) override {}
  void OnTick() override;

 private:
  // Brokers that may lead, with their epochs.
  using Lives = std::map<NodeId, BrokerEpoch>;

  void Decide();
  Result<state::Decision<state::BalanceOutcome>> Decision(
      const state::DecisionContext& context) const;
  void Decided(const Result<state::BalanceOutcome>& outcome);
  Lives UsableNow() const;

  Executor& loop_;
  ActiveController& controller_;
  const LeaderBalancerOptions options_;
  // Of the next batch; nullopt while not active.
  std::optional<MonoTime> next_;
  bool deciding_ = false;
  // The next batch goes on where the last one was full.
  bool continues_ = false;
  // Of Liveness, when the last round began.
  uint64_t room_changes_ = 0;
  // Who was up at the round before, and who is at this one.
  Lives before_;
  Lives now_;
};

}  // namespace weir::quorum
