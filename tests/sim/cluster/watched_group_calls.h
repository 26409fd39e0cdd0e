// WatchedGroupCalls: the calls about groups that come to a simulated controller on streams, served
// by its GroupCalls and shown to the world's GroupWatch. A batch is one task of the loop: what a
// call of it changes is shown before the next one is served.
// Thread rule: one thread.
#pragma once

#include "controller/quorum/group_calls.h"

namespace weir::sim {

class GroupWatch;
class SimController;

class WatchedGroupCalls : public quorum::StreamedGroupCalls {
 public:
  explicit WatchedGroupCalls(SimController& controller) : controller_(controller) {}

  state::GroupCallId Join(const group::v1::JoinGroupRequest& request,
                          Done<group::v1::JoinGroupReply> done) override;
  state::GroupCallId Sync(const group::v1::SyncGroupRequest& request,
                          Done<group::v1::SyncGroupReply> done) override;
  state::GroupCallId ConsumerHeartbeat(const group::v1::ConsumerGroupHeartbeatRequest& request,
                                       Done<group::v1::ConsumerGroupHeartbeatReply> done) override;
  void OnCallGone(state::GroupCallId id) override;

 private:
  GroupWatch& watch() const;

  SimController& controller_;
};

}  // namespace weir::sim
