// Limits of the streams of calls about groups (proto/group_stream.proto), with the same duties as
// those in limits.h. Both ends use them.
#pragma once

#include <cstddef>

namespace weir::limits {

// One batch of a broker's calls: a few milliseconds of the active controller, which does nothing
// else meanwhile.
inline constexpr int kGroupBatchCallsMax = 64;
// Answers that go together: a shard of the broker writes each to another connection.
inline constexpr int kGroupBatchAnswersMax = 256;
// What either may take, unless it holds a single one.
inline constexpr size_t kGroupBatchBytesMax = 256 * 1024;

}  // namespace weir::limits
