#include "broker/coordinator/lag.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "common/base/utf8.h"

namespace weir::coordinator {
namespace {

// As the format wants label values.
void AppendLabel(std::string& text, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
}

void AppendNumber(std::string& text, auto number) {
  char digits[32];
  text.append(digits, std::to_chars(std::begin(digits), std::end(digits), number).ptr);
}

// Calls `append` for each line's value; false leaves the line out.
template <class AppendValue>
void AppendFamily(std::string& text, const std::vector<GroupLag>& groups, std::string_view name,
                  std::string_view help, const AppendValue& append) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text.append(name).append(" gauge\n");
  for (const GroupLag& group : groups) {
    for (const PartitionLag& partition : group.partitions) {
      const size_t line = text.size();
      text.append(name).append("{group=\"");
      AppendLabel(text, ToUtf8(group.group));
      text += "\",topic=\"";
      AppendLabel(text, partition.committed.topic);
      text += "\",partition=\"";
      AppendNumber(text, partition.committed.partition);
      text += "\"} ";
      if (append(partition)) {
        text += '\n';
      } else {
        text.resize(line);
      }
    }
  }
}

}  // namespace

Lag LagOf(Offset committed, Offset end, const std::optional<replica::PositionsOutcome::Time>& first,
          WallTime now) {
  const int64_t consumed = std::max<int64_t>(0, committed.value());
  Lag lag{.records = std::max<int64_t>(0, end.value() - consumed), .ms = {}};
  if (lag.records == 0 || (first && first->offset == replica::kNoOffset)) {
    lag.ms = 0;
  } else if (first) {
    // A record without a timestamp is as old as we want to say: not at all.
    const bool has_time = first->timestamp != replica::kNoTimestamp;
    lag.ms = has_time ? std::max<int64_t>(0, now.value() - first->timestamp.value()) : 0;
  }
  return lag;
}

std::string LagMetrics(const std::vector<GroupLag>& groups) {
  std::string text;
  AppendFamily(text, groups, "weir_group_lag_records",
               "Records that a consumer group has not committed yet.",
               [&text](const PartitionLag& partition) {
                 if (partition.error != ErrorCode::kNone) return false;
                 AppendNumber(text, partition.lag.records);
                 return true;
               });
  AppendFamily(text, groups, "weir_group_lag_seconds",
               "Age of the first record that a consumer group has not committed yet.",
               [&text](const PartitionLag& partition) {
                 if (partition.error != ErrorCode::kNone || !partition.lag.ms) return false;
                 AppendNumber(text, static_cast<double>(*partition.lag.ms) / 1000);
                 return true;
               });
  return text;
}

}  // namespace weir::coordinator
