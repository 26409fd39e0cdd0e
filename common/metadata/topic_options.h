// The configuration keys of topics: Kafka 4.3's, and Weir's own `durability`.
// Thread rule: constants.
#pragma once

#include <span>
#include <string_view>

#include "common/metadata/config_option.h"

namespace weir::metadata {

// Ordered by name.
std::span<const ConfigOption> TopicOptions();
// Null when there is no such key.
const ConfigOption* FindTopicOption(std::string_view name);

}  // namespace weir::metadata
