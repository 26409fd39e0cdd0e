// The configuration keys that a group of the consumer protocol may have of its own (KIP-848):
// Kafka 4.3's. Thread rule: constants.
#pragma once

#include <span>
#include <string_view>

#include "common/metadata/config_option.h"

namespace weir::metadata {

// Ordered by name. The synonym of each is the broker option for all groups.
std::span<const ConfigOption> GroupOptions();
// Null when there is no such key.
const ConfigOption* FindGroupOption(std::string_view name);

}  // namespace weir::metadata
