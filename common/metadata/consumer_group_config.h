// What is configured for groups of the consumer protocol (KIP-848): the group's own setting if it
// has one, kept within the bounds that brokers set; otherwise the setting for all groups.
// Thread rule: pure functions over a const image.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/metadata/effective_config.h"

namespace weir::metadata {

// consumer.heartbeat.interval.ms, group.consumer.heartbeat.interval.ms: how often members are to
// send heartbeats.
int32_t ConsumerHeartbeatIntervalMs(const ConfigView& view, std::string_view group_id);

// consumer.session.timeout.ms, group.consumer.session.timeout.ms: after which silence a member is
// removed.
int32_t ConsumerSessionTimeoutMs(const ConfigView& view, std::string_view group_id);

// consumer.assignment.interval.ms, group.consumer.assignment.interval.ms: between two target
// assignments of a group.
int32_t ConsumerAssignmentIntervalMs(const ConfigView& view, std::string_view group_id);

// What a group's own value of a key may be.
struct GroupConfigBounds {
  int32_t min = 0;
  int32_t max = 0;
};
// REQUIRES: a key of GroupOptions.
GroupConfigBounds BoundsOfGroupConfig(const ConfigView& view, std::string_view key);

}  // namespace weir::metadata
