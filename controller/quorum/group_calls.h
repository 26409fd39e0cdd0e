// GroupCalls: the group coordinator on the active controller (DESIGN D6, D7). Calls of gateways and
// the coordinator's own deadlines become its events; what an event decides is one batch in the log,
// and its answers leave when that is committed.
//
//   not active --became active: fresh sessions from the image--> active --leadership lost: every
//   call ends with NOT_CONTROLLER--> not active
//
// Laws:
//  1. The coordinator sees working(), and hears of an event only when the outcomes of all before it
//     are in there or were rejected.
//  2. A call is answered once, unless OnCallGone named it: with a reply, or with an error after
//     which it may be sent again.
//  3. An assignment leaves only once the fence of older generations' commits is applied
//     (state/groups/commit_fence.h).
//  4. Topics that change are noticed once they are committed, and consumer groups that subscribe to
//     them are assigned anew.
//  5. So are changes of what is configured for groups: those who are members have the new times
//     from their next sign of life on.
//  6. Signs of life make no log entry (G-08), and without groups no timer is set.
// Thread rule: loop thread; `done` functions are called there, some before the call returns.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/quorum/active_controller.h"
#include "controller/state/groups/group_coordinator.h"

namespace weir::quorum {

struct GroupCallsOptions {
  NodeId self;
  state::GroupConfig config;
  uint64_t seed = 0;
};

// The calls that may wait for long: they come on streams (group_streams.h).
class StreamedGroupCalls {
 public:
  // Errors: kNotController; kCoordinatorNotAvailable (too much waits for the quorum). What is wrong
  // with the request stands in the reply.
  template <class Reply>
  using Done = std::function<void(Result<Reply>)>;

  virtual ~StreamedGroupCalls() = default;

  // Each returns the call's id for OnCallGone, which ignores calls that have been answered.
  virtual state::GroupCallId Join(const group::v1::JoinGroupRequest& request,
                                  Done<group::v1::JoinGroupReply> done) = 0;
  virtual state::GroupCallId Sync(const group::v1::SyncGroupRequest& request,
                                  Done<group::v1::SyncGroupReply> done) = 0;
  // KIP-848; waits for the fence of law 3 if the reply gives an assignment.
  virtual state::GroupCallId ConsumerHeartbeat(
      const group::v1::ConsumerGroupHeartbeatRequest& request,
      Done<group::v1::ConsumerGroupHeartbeatReply> done) = 0;
  // The client or its gateway is gone: `done` is not called any more.
  virtual void OnCallGone(state::GroupCallId id) = 0;
};

class GroupCalls : public StreamedGroupCalls, public MetadataListener {
 public:
  GroupCalls(Executor& loop, ActiveController& controller, GroupCallsOptions options);

  state::GroupCallId Join(const group::v1::JoinGroupRequest& request,
                          Done<group::v1::JoinGroupReply> done) override;
  state::GroupCallId Sync(const group::v1::SyncGroupRequest& request,
                          Done<group::v1::SyncGroupReply> done) override;
  state::GroupCallId ConsumerHeartbeat(const group::v1::ConsumerGroupHeartbeatRequest& request,
                                       Done<group::v1::ConsumerGroupHeartbeatReply> done) override;
  void OnCallGone(state::GroupCallId id) override;

  // These wait for the commit of what they change.
  void Leave(const group::v1::LeaveGroupRequest& request, Done<group::v1::LeaveGroupReply> done);
  void Delete(const group::v1::DeleteGroupsRequest& request,
              Done<group::v1::DeleteGroupsReply> done);
  void Heartbeat(const group::v1::HeartbeatRequest& request, Done<group::v1::HeartbeatReply> done);
  void Report(const group::v1::LivenessReport& report, Done<group::v1::LivenessReply> done);
  // From the committed image, proven to be current.
  void Describe(const group::v1::DescribeGroupsRequest& request,
                Done<group::v1::DescribeGroupsReply> done);
  void DescribeConsumers(const group::v1::DescribeConsumerGroupsRequest& request,
                         Done<group::v1::DescribeConsumerGroupsReply> done);
  void List(const group::v1::ListGroupsRequest& request, Done<group::v1::ListGroupsReply> done);

  // Calls that are not answered yet.
  size_t call_count() const { return calls_.size(); }

  void OnCommitted(const std::vector<raft::Entry>& committed) override;
  void OnRoleChange(const raft::RoleChange& change) override;

 private:
  using Answers = std::vector<state::GroupAnswer>;
  struct Call {
    std::string group_id;
    Done<state::GroupReply> done;
  };

  template <class Reply>
  state::GroupCallId Begin(std::string group_id, Done<Reply> done);
  bool active() const { return term_ != Term(0); }
  state::GroupContext Context();
  // Makes the outcome true and answers, or rejects it. Whether it is true.
  bool Carry(const char* method, state::GroupOutcome outcome);
  // Once working() is committed.
  void AnswerLater(Answers answers);
  void AnswerNow(Answers answers, const Status& status, LogIndex offset);
  // The group whose fence must be applied before that answer leaves; empty: none.
  std::string FenceOf(const state::GroupAnswer& answer) const;
  // Tells the coordinator what these entries changed that groups depend on.
  void NoteChanges(const std::vector<raft::Entry>& committed);
  // Which topics were created, removed or given partitions.
  void NoteTopics(const std::vector<metadata::v1::MetadataBatch>& batches);
  // What groups, or brokers for all groups, are configured with.
  void NoteConfigs(const std::vector<metadata::v1::MetadataBatch>& batches);
  // After every event: what is due, and the timer for what will be.
  void Turn();
  void SetTimer();

  Executor& loop_;
  ActiveController& controller_;
  const GroupCallsOptions options_;
  state::GroupCoordinator coordinator_;
  Prng prng_;
  // In which the coordinator is active; 0: it is not.
  Term term_;
  state::GroupCallId last_id_ = 0;
  std::map<state::GroupCallId, Call> calls_;
  // As of the last look, to notice that there is something to look for.
  CowMap<std::string, Uuid> seen_topic_ids_;
  size_t seen_partitions_ = 0;
  CowMap<metadata::ConfigResource, metadata::ConfigValues> seen_configs_;
  // Not before then is it looked for what is due.
  MonoTime next_look_;
  std::optional<std::pair<MonoTime, Executor::TimerId>> timer_;
};

}  // namespace weir::quorum
