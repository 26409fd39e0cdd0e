// Which changes of committed offsets are a reset, and what has to be remembered to undo it.
//
// A member commits what it has consumed; tools commit, or forget, without being a member. The
// protocol does not tell a tool from a consumer that assigns itself partitions and commits for a
// group without members, hence law 1.
//
// Laws:
//  1. A change without a member is a reset, unless nothing changes or all of it is a consumer that
//     goes on: leader epochs are named, as consumers do, and no offset goes back.
//  2. Tools that make one reset in several requests make one: resets within kOneResetMax of each
//     other, of different partitions, are one, as long as it takes kJoinedResetBytesMax at most:
//     each request writes those before it once more.
//  3. What is remembered has room in one batch. First the texts that clients commit with their
//     offsets are left out.
// Thread rule: pure functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "broker/wire/offset_reset.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::log {

inline constexpr Duration kOneResetMax = std::chrono::seconds(10);
inline constexpr size_t kJoinedResetBytesMax = 64 * 1024;

// What becomes of one committed offset; nullopt: none.
struct OffsetChange {
  std::string topic;
  int32_t partition = 0;
  std::optional<wire::OffsetCommitValue> before;
  std::optional<wire::OffsetCommitValue> after;
};

// The reset that `changes`, all of one group and without a member, are; nullopt: none. `last`: the
// group's last reset before. Errors: kRecordListTooLarge: it takes more than `bytes_max` (law 3).
Result<std::optional<wire::OffsetReset>> ResetOf(std::vector<OffsetChange> changes,
                                                 const std::optional<wire::OffsetReset>& last,
                                                 WallTime now, size_t bytes_max);

}  // namespace weir::log
