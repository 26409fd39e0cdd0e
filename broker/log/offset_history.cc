#include "broker/log/offset_history.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace weir::log {
namespace {

using wire::OffsetReset;

bool ChangesNothing(const OffsetChange& change) {
  if (!change.before || !change.after) return !change.before && !change.after;
  return change.before->offset == change.after->offset;
}

bool IsConsumerGoingOn(const OffsetChange& change) {
  if (!change.after || change.after->leader_epoch < 0) return false;
  return !change.before || change.before->offset <= change.after->offset;
}

// Whether the two are about different partitions.
bool AreApart(const OffsetReset& one, const OffsetReset& other) {
  std::set<std::pair<std::string_view, int32_t>> named;
  for (const OffsetReset::Entry& entry : one.entries) named.emplace(entry.topic, entry.partition);
  return std::none_of(other.entries.begin(), other.entries.end(),
                      [&](const OffsetReset::Entry& entry) {
                        return named.contains({entry.topic, entry.partition});
                      });
}

bool IsSoonAfter(const OffsetReset& last, const OffsetReset& reset) {
  const int64_t apart_ms = reset.timestamp_ms - last.timestamp_ms;
  return apart_ms >= 0 && std::chrono::milliseconds(apart_ms) <= kOneResetMax;
}

}  // namespace

Result<std::optional<OffsetReset>> ResetOf(std::vector<OffsetChange> changes,
                                           const std::optional<OffsetReset>& last, WallTime now,
                                           size_t bytes_max) {
  std::erase_if(changes, ChangesNothing);
  if (changes.empty()) return std::nullopt;
  if (std::all_of(changes.begin(), changes.end(), IsConsumerGoingOn)) return std::nullopt;
  OffsetReset reset{.timestamp_ms = now.value(), .entries = {}};
  for (OffsetChange& change : changes) {
    reset.entries.push_back(
        {.topic = std::move(change.topic),
         .partition = change.partition,
         .before = std::move(change.before),
         .after = change.after ? change.after->offset : wire::kOffsetForgotten});
  }
  if (EncodeOffsetReset(reset).size() > bytes_max) {
    for (OffsetReset::Entry& entry : reset.entries) {
      if (entry.before) entry.before->metadata.clear();
    }
    if (EncodeOffsetReset(reset).size() > bytes_max) {
      return Fail(ErrorCode::kRecordListTooLarge, "it changes too many offsets to be undone");
    }
  }
  if (!last || !IsSoonAfter(*last, reset) || !AreApart(*last, reset)) return reset;
  OffsetReset both = reset;
  both.entries.insert(both.entries.begin(), last->entries.begin(), last->entries.end());
  const bool fits = EncodeOffsetReset(both).size() <= std::min(bytes_max, kJoinedResetBytesMax);
  return fits ? both : reset;
}

}  // namespace weir::log
