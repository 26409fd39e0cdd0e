// The broker options in the parts that their sources are written in.
// Thread rule: constants.
#pragma once

#include <span>

#include "common/metadata/config_option.h"

namespace weir::metadata {

std::span<const ConfigOption> BrokerOptionsOfAccess();
std::span<const ConfigOption> BrokerOptionsOfCluster();
std::span<const ConfigOption> BrokerOptionsOfGroups();
std::span<const ConfigOption> BrokerOptionsOfLog();
std::span<const ConfigOption> BrokerOptionsOfNode();
std::span<const ConfigOption> BrokerOptionsOfRemote();
std::span<const ConfigOption> BrokerOptionsOfSecurity();
std::span<const ConfigOption> BrokerOptionsOfShare();

}  // namespace weir::metadata
