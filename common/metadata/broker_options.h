// The configuration keys of brokers as Kafka 4.3 names them. Tools read them all; the ones Weir
// acts on are those that give topics their defaults and those that the nodes' own configuration
// names. Thread rule: constants.
#pragma once

#include <span>
#include <string_view>

#include "common/metadata/config_option.h"

namespace weir::metadata {

// Ordered by name.
std::span<const ConfigOption> BrokerOptions();
// Null when there is no such key.
const ConfigOption* FindBrokerOption(std::string_view name);

}  // namespace weir::metadata
