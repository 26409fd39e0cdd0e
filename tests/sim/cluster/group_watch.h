// GroupWatch: what controllers and the log of committed offsets show of the world's one group to
// whoever checks it: GroupCheckers for a group of the classic protocol, ConsumerCheckers for one
// whose members speak either.
// Thread rule: one thread.
#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/metadata/image.h"
#include "controller/state/groups/group_soft_state.h"
#include "proto/group.pb.h"

namespace weir::sim {

class SimController;

// The group that all is about.
inline constexpr const char* kGroupId = "g";
// What its members' ids begin with.
inline constexpr const char* kDynamicPrefix = "dynamic";
inline constexpr const char* kStaticPrefix = "static";

// Who a member is across its lives: a static member's ids differ in their ends only.
std::string IdentityOf(const std::string& member_id);

class GroupWatch {
 public:
  virtual ~GroupWatch() = default;

  // A task of its loop has run, or a part of it that is a step of its own.
  virtual void AfterTask(SimController& controller) = 0;
  // Some controller has committed up to this image, which is the newest.
  virtual void OnMetadata(const metadata::MetadataImage& newest) = 0;
  // A leader calls this record of committed offsets committed; records come in the order of the
  // log, each once.
  virtual void OnOffsetRecord(Offset position, std::string_view value) = 0;

  // ---- calls that a controller has been given -----------------------------------------

  // Joins and syncs after the coordinator has heard of them, the others before.
  virtual void OnJoinArrived(SimController&, state::GroupCallId,
                             const group::v1::JoinGroupRequest&) {}
  virtual void OnSyncArrived(SimController&, state::GroupCallId,
                             const group::v1::SyncGroupRequest&) {}
  virtual void OnWithdrawn(SimController&, state::GroupCallId) {}
  virtual void OnHeartbeat(SimController& controller, const group::v1::HeartbeatRequest&) = 0;
  virtual void OnReport(SimController& controller, const group::v1::LivenessReport&) = 0;
  virtual void OnLeaving(const group::v1::LeaveGroupRequest&) = 0;
  virtual void OnConsumerLeaving(const group::v1::ConsumerGroupHeartbeatRequest&) {}

  // ---- answers that leave a controller ------------------------------------------------

  virtual void OnJoinAnswered(SimController&, const group::v1::JoinGroupRequest&,
                              const group::v1::JoinGroupReply&) {}
  virtual void OnSyncAnswered(SimController& controller, const group::v1::SyncGroupRequest&,
                              const group::v1::SyncGroupReply&) = 0;
  // `arrived`: by the controller's clock.
  virtual void OnConsumerAnswered(SimController&, const group::v1::ConsumerGroupHeartbeatRequest&,
                                  const group::v1::ConsumerGroupHeartbeatReply&,
                                  MonoTime /*arrived*/) {}
};

}  // namespace weir::sim
