// SimulatedConsumerGroup: the members of one group of the consumer protocol (KIP-848) as consumers
// speak it: all is said in heartbeats, the server assigns, and what a member owns is told to the
// server as soon as it has changed.
//
//   connected --Join--> member --is told an assignment--> owns it, says so at once --> member
//             member --fenced or unknown--> owns nothing, joins again under its id
//
// Laws:
//  1. One heartbeat of a member is under way at a time; the next comes when the server wants it.
//  2. The group is settled once every living member is in the group's epoch and they own all
//     partitions; who gives something up is still in an epoch before, and who waits for something
//     owns too little. If then one of them is owned twice, the run ends with Fatal.
//  3. Whatever a consumer would not try again ends the run with Fatal.
// Thread rule: the shard's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/wire/messages/consumer_groups.h"
#include "common/base/prng.h"
#include "common/base/uuid.h"
#include "tests/bench/groups/member_group.h"

namespace weir::bench {

class SimulatedConsumerGroup;

class SimulatedConsumer {
 public:
  SimulatedConsumer(SimulatedConsumerGroup& group, const Endpoint& coordinator, std::string id);
  ~SimulatedConsumer();

  bool open() const { return link_->open(); }
  void Join();
  // Says farewell and does nothing any more.
  void Leave(std::function<void()> heard);

  BrokerLink& link() { return *link_; }
  // 0: not a member.
  int32_t epoch() const { return epoch_; }
  const std::vector<int32_t>& owned() const { return owned_; }

 private:
  wire::ConsumerGroupHeartbeatRequest Request() const;
  void Beat();
  void OnAnswer(const wire::ConsumerGroupHeartbeatResponse& response, bool told_owned);
  void OnFailed(ErrorCode error);
  void Own(const wire::ConsumerGroupHeartbeatResponse::Assignment& assignment);
  void BeatAfter(int64_t delay_ms);

  SimulatedConsumerGroup& group_;
  const std::string id_;
  std::unique_ptr<BrokerLink> link_;
  int32_t epoch_ = 0;
  bool left_ = false;
  // As the server named it with the first partitions.
  Uuid topic_id_;
  std::vector<int32_t> owned_;
  // The server has not confirmed that it heard of the change.
  bool owned_changed_ = false;
  Executor::TimerId timer_ = 0;
};

class SimulatedConsumerGroup : public MemberGroup {
 public:
  using MemberGroup::MemberGroup;
  ~SimulatedConsumerGroup() override;

  void AddMember() override;
  bool IsConnected() const override;
  void JoinAll() override;
  void Leave(size_t count, std::function<void()> left) override;
  void Crash(size_t count) override;
  size_t size() const override { return members_.size(); }

 private:
  friend class SimulatedConsumer;

  void OnChange(int32_t epoch);
  bool OwnAllInNewest() const;
  void CheckOwners() const;
  // Members may all be in an epoch that the group has already left.
  void AskForEpoch();
  void OnDescribed(const wire::ConsumerGroupDescribeResponse::Group& told, int32_t epoch,
                   int64_t held_us);
  void ExpectRebalance();

  // The same ids in every run.
  Prng prng_{1};
  std::vector<std::unique_ptr<SimulatedConsumer>> members_;
  // From a question for the group's epoch until its answer is of use.
  bool asking_ = false;
  Executor::TimerId timer_ = 0;
};

}  // namespace weir::bench
