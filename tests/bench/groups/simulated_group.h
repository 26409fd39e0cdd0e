// SimulatedGroup: the members of one consumer group, each with a connection of its own and the
// classic protocol as consumers speak it: join, sync, heartbeats, and join again when told so.
//
//   connected --Join--> joining --leader assigns, all sync--> stable --heartbeat says so--> joining
//
// Laws:
//  1. The group is settled once every living member has an assignment of the newest generation;
//     then each partition is assigned to exactly one of them, or the run ends with Fatal.
//  2. Whatever a consumer would not try again ends the run with Fatal.
// Thread rule: the shard's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/wire/messages/groups.h"
#include "tests/bench/groups/member_group.h"

namespace weir::bench {

class SimulatedGroup;

class SimulatedMember {
 public:
  SimulatedMember(SimulatedGroup& group, const Endpoint& coordinator, size_t number);
  ~SimulatedMember();

  bool open() const { return link_->open(); }
  void Join();
  // Does nothing any more.
  void Rest();

  BrokerLink& link() { return *link_; }
  const std::string& id() const { return id_; }
  // 0: none yet.
  int32_t generation() const { return generation_; }
  // Has an assignment of its generation, and has not been told to join again.
  bool stable() const { return stable_; }
  const std::vector<int32_t>& partitions() const { return partitions_; }

 private:
  void OnJoined(const wire::JoinGroupResponse& response);
  void OnJoinFailed(ErrorCode error, const std::string& told_id);
  void Sync(const wire::JoinGroupResponse& joined);
  void OnSynced(const wire::SyncGroupResponse& response);
  void BeatAfter(int64_t delay_ms);
  void Beat();
  void OnBeat(ErrorCode error);
  void RejoinFor(ErrorCode error);
  void After(int64_t delay_ms, std::function<void()> task);

  SimulatedGroup& group_;
  const size_t number_;
  std::unique_ptr<BrokerLink> link_;
  std::string id_;
  int32_t generation_ = 0;
  bool stable_ = false;
  std::vector<int32_t> partitions_;
  Executor::TimerId timer_ = 0;
};

class SimulatedGroup : public MemberGroup {
 public:
  using MemberGroup::MemberGroup;

  void AddMember() override;
  bool IsConnected() const override;
  void JoinAll() override;
  // With one farewell for all.
  void Leave(size_t count, std::function<void()> left) override;
  void Crash(size_t count) override;
  size_t size() const override { return members_.size(); }

  SimulatedMember& member(size_t number) { return *members_[number]; }

 private:
  friend class SimulatedMember;

  void OnStable(int32_t generation);
  void CheckAssignments() const;
  void ExpectRebalance();

  std::vector<std::unique_ptr<SimulatedMember>> members_;
  // Members with an assignment of the newest generation.
  size_t settled_ = 0;
};

}  // namespace weir::bench
