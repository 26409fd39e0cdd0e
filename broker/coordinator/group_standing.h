// GroupStanding: whether this broker may still speak for groups from its own image (DESIGN D6).
//
//   in touch       the controllers have answered this broker within a session timeout: what it
//                  reports of its members reaches them, and what they decide reaches it
//   out of touch,  it leads the group's committed offsets and is followed: without a quorum nobody
//   leads          else can be elected, and no member expires
//   neither        the controllers may have gone on without it: its members may be out of their
//                  groups, and others own what they own. Clients must find the coordinator anew
//
// Law: a member's session is never shorter than a broker stays in touch with controllers that do
// not hear it (controller/state/groups/group_config.h). So a member that has expired elsewhere is
// not told NONE by a broker, but for as long as its last signs of life had not been reported.
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "broker/metadata/image_holder.h"
#include "broker/replica/partition_router.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::coordinator {

class GroupStanding {
 public:
  virtual ~GroupStanding() = default;
  // Any thread.
  virtual MonoTime InTouchUntil() const = 0;
  // Whether this broker still leads the group's partition of __consumer_offsets. On the thread of
  // `shard`, where `done` runs too, once, inside the call or later.
  virtual void AskWhetherLeads(size_t shard, std::string_view group_id,
                               absl::AnyInvocable<void(bool)> done) = 0;
};

// By the session with the controllers and the partitions of a broker.
class BrokerStanding : public GroupStanding {
 public:
  // What it refers to outlives it.
  BrokerStanding(std::function<MonoTime()> in_touch_until, broker::ImageHolder& images,
                 replica::PartitionRouter& partitions)
      : in_touch_until_(std::move(in_touch_until)), images_(images), partitions_(partitions) {}

  MonoTime InTouchUntil() const override { return in_touch_until_(); }
  void AskWhetherLeads(size_t shard, std::string_view group_id,
                       absl::AnyInvocable<void(bool)> done) override;

 private:
  const std::function<MonoTime()> in_touch_until_;
  broker::ImageHolder& images_;
  replica::PartitionRouter& partitions_;
};

}  // namespace weir::coordinator
