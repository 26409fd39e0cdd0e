#include "common/metadata/throttled_replicas.h"

#include <optional>
#include <string>
#include <utility>

#include "common/metadata/config_option.h"

namespace weir::metadata {
namespace {

std::optional<int32_t> ParseId(std::string_view text) {
  const std::optional<int64_t> number = ParseConfigInteger(text);
  if (!number || *number < 0 || !std::in_range<int32_t>(*number)) return std::nullopt;
  return static_cast<int32_t>(*number);
}

}  // namespace

ThrottledReplicas::ThrottledReplicas(std::string_view value) {
  for (const std::string& item : SplitList(value)) {
    if (item == "*") all_ = true;
    const size_t colon = item.find(':');
    if (colon == std::string::npos) continue;
    const auto partition = ParseId(std::string_view(item).substr(0, colon));
    const auto broker = ParseId(std::string_view(item).substr(colon + 1));
    if (partition && broker) named_.insert({PartitionIndex(*partition), NodeId(*broker)});
  }
}

}  // namespace weir::metadata
