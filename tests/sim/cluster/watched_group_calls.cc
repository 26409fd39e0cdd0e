// WatchedGroupCalls: see watched_group_calls.h.
#include "tests/sim/cluster/watched_group_calls.h"

#include <utility>

#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {

GroupWatch& WatchedGroupCalls::watch() const { return controller_.world().group_watch(); }

state::GroupCallId WatchedGroupCalls::Join(const group::v1::JoinGroupRequest& request,
                                           Done<group::v1::JoinGroupReply> done) {
  watch().AfterTask(controller_);
  const auto id = controller_.groups().Join(
      request, [this, request, done = std::move(done)](Result<group::v1::JoinGroupReply> reply) {
        if (reply) watch().OnJoinAnswered(controller_, request, *reply);
        done(std::move(reply));
      });
  watch().OnJoinArrived(controller_, id, request);
  return id;
}

state::GroupCallId WatchedGroupCalls::Sync(const group::v1::SyncGroupRequest& request,
                                           Done<group::v1::SyncGroupReply> done) {
  watch().AfterTask(controller_);
  const auto id = controller_.groups().Sync(
      request, [this, request, done = std::move(done)](Result<group::v1::SyncGroupReply> reply) {
        if (reply) watch().OnSyncAnswered(controller_, request, *reply);
        done(std::move(reply));
      });
  watch().OnSyncArrived(controller_, id, request);
  return id;
}

state::GroupCallId WatchedGroupCalls::ConsumerHeartbeat(
    const group::v1::ConsumerGroupHeartbeatRequest& request,
    Done<group::v1::ConsumerGroupHeartbeatReply> done) {
  watch().AfterTask(controller_);
  watch().OnConsumerLeaving(request);
  return controller_.groups().ConsumerHeartbeat(
      request, [this, request, done = std::move(done), arrived = controller_.loop().Now()](
                   Result<group::v1::ConsumerGroupHeartbeatReply> reply) {
        if (reply) watch().OnConsumerAnswered(controller_, request, *reply, arrived);
        done(std::move(reply));
      });
}

void WatchedGroupCalls::OnCallGone(state::GroupCallId id) {
  watch().AfterTask(controller_);
  watch().OnWithdrawn(controller_, id);
  controller_.groups().OnCallGone(id);
}

}  // namespace weir::sim
