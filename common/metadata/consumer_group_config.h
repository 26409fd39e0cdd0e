// What is configured for groups of the consumer protocol (KIP-848): the group's own setting if it
// has one, kept within the bounds for all groups; otherwise the setting for all groups
// (group.consumer.*), which is one for the whole cluster: the controllers decide by it, and every
// broker answers heartbeats by it. It can be changed at any time; those who are members then stay.
// Thread rule: pure functions over a const image.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/metadata/effective_config.h"

namespace weir::metadata {

// consumer.heartbeat.interval.ms, group.consumer.heartbeat.interval.ms: how often members are to
// send heartbeats.
int32_t ConsumerHeartbeatIntervalMs(const ConfigView& view, std::string_view group_id);

// consumer.session.timeout.ms, group.consumer.session.timeout.ms: after which silence a member is
// removed, unless brokers may be silent for longer (controller/state/groups/group_config.h).
int32_t ConsumerSessionTimeoutMs(const ConfigView& view, std::string_view group_id);

// consumer.assignment.interval.ms, group.consumer.assignment.interval.ms: between two target
// assignments of a group.
int32_t ConsumerAssignmentIntervalMs(const ConfigView& view, std::string_view group_id);

// group.consumer.max.size: a group with so many members takes no further one.
int32_t ConsumerGroupSizeMax(const ConfigView& view);

// group.consumer.assignors, the preferred one first; never empty.
std::vector<std::string> ConsumerAssignors(const ConfigView& view);

// group.consumer.migration.policy: whether a classic group that has members may become a consumer
// group, and the other way round.
struct ConsumerMigration {
  bool upgrade = false;
  bool downgrade = false;
};
ConsumerMigration AllowedConsumerMigration(const ConfigView& view);

// What a group's own value of a key may be.
struct GroupConfigBounds {
  int32_t min = 0;
  int32_t max = 0;
};
// REQUIRES: a key of GroupOptions.
GroupConfigBounds BoundsOfGroupConfig(const ConfigView& view, std::string_view key);

// Whether the settings for all groups agree with each other: times within their bounds, heartbeats
// more frequent than sessions are long, assignors named once. Errors: kInvalidConfig.
Status CheckConsumerConfigOfAll(const ConfigView& view);
// Whether a group's times in force do: a member whose heartbeats are further apart than its session
// is long is always being removed. Errors: kInvalidConfig.
Status CheckConsumerConfigOf(const ConfigView& view, std::string_view group_id);

}  // namespace weir::metadata
