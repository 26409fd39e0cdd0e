// GroupConfig: the settings of groups that the controller's own configuration has, as values.
// Kafka's names and defaults.
// Thread rule: plain values, pure functions.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "common/base/time.h"
#include "common/metadata/effective_config.h"

namespace weir::state {

struct GroupConfig {
  // group.initial.rebalance.delay.ms: how long a group that was empty waits for more members.
  Duration initial_rebalance_delay = std::chrono::milliseconds(3'000);
  // group.min.session.timeout.ms and group.max.session.timeout.ms.
  int32_t session_timeout_ms_min = 6'000;
  int32_t session_timeout_ms_max = 1'800'000;
  // broker.session.timeout.ms.
  Duration broker_session_timeout = std::chrono::milliseconds(3'000);
  // group.max.size; limits::kGroupMembersMax bounds it too.
  int32_t size_max = INT32_MAX;
  // How long the join of a member that was in no generation yet may wait: it sends no heartbeats
  // meanwhile. Kafka has no public name for it.
  Duration new_member_join_timeout = std::chrono::minutes(5);

  // What consumer groups (KIP-848) go by is in the image: common/metadata/consumer_group_config.h.
  // These stand in for what is not set there.
  metadata::StaticConfig static_config;

  // How long a member may be silent whose session is to last so long. Never shorter than a broker
  // may be: a gateway that falls silent takes none of its members with it (DESIGN D6).
  Duration SessionTimeout(int32_t timeout_ms) const {
    return std::max<Duration>(std::chrono::milliseconds(timeout_ms), broker_session_timeout);
  }

  metadata::ConfigView View(const metadata::MetadataImage& image) const {
    return {image, kNoNode, &static_config};
  }
};

// The values in force.
GroupConfig ReadGroupConfig(const metadata::ConfigView& view);

}  // namespace weir::state
