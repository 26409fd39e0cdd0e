#include "common/metadata/broker_options.h"

#include <algorithm>
#include <vector>

#include "common/metadata/broker_options_parts.h"

namespace weir::metadata {
namespace {

std::vector<ConfigOption> MergeParts() {
  std::vector<ConfigOption> all;
  for (const std::span<const ConfigOption> part :
       {BrokerOptionsOfAccess(), BrokerOptionsOfCluster(), BrokerOptionsOfGroups(),
        BrokerOptionsOfLog(), BrokerOptionsOfNode(), BrokerOptionsOfRemote(),
        BrokerOptionsOfSecurity(), BrokerOptionsOfShare()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  std::sort(all.begin(), all.end(),
            [](const ConfigOption& a, const ConfigOption& b) { return a.name < b.name; });
  return all;
}

}  // namespace

std::span<const ConfigOption> BrokerOptions() {
  static const std::vector<ConfigOption> options = MergeParts();
  return options;
}

const ConfigOption* FindBrokerOption(std::string_view name) {
  return FindOption(BrokerOptions(), name);
}

}  // namespace weir::metadata
