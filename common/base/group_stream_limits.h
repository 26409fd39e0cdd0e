// Limits of the streams of calls about groups (proto/group_stream.proto), with the same duties as
// those in limits.h. Both ends use them.
#pragma once

#include <cstddef>

#include "common/base/time.h"

namespace weir::limits {

// One batch of a broker's calls: a few milliseconds of the active controller, which does nothing
// else meanwhile.
inline constexpr int kGroupBatchCallsMax = 64;
// Answers that go together: a shard of the broker writes each to another connection.
inline constexpr int kGroupBatchAnswersMax = 256;
// The pace at which the active controller answers: what one of them brings on, the client's next
// call, takes some 100 us of it, and no less of the brokers beside it.
inline constexpr Duration kGroupAnswerPace{250};
// Above the pace, after quiet: a group of so many members is told of a generation at once.
inline constexpr int kGroupAnswersAtOnce = 256;
// Answers that wait for the pace leave so often.
inline constexpr Duration kGroupAnswerTurn{2'000};
// What either may take, unless it holds a single one.
inline constexpr size_t kGroupBatchBytesMax = 256 * 1024;

}  // namespace weir::limits
