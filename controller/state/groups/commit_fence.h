// The barrier between a generation and its assignments (DESIGN D7): who is handed the assignment of
// a generation may commit offsets, and nobody of an older one may any more.
// Thread rule: pure functions.
#pragma once

#include <string_view>

#include "common/metadata/image.h"
#include "controller/state/liveness.h"

namespace weir::state {

// Whether the broker that leads the group's partition of __consumer_offsets has applied the
// metadata up to `offset`, and with it refuses what generations from before ask for. Also true when
// nobody can take a commit: there is no such topic, nobody leads the partition (the next leader has
// applied at least what made it one), or its leader is fenced. A leader whose session broke and
// that is not fenced yet is waited for: it may live.
bool IsCommitFenceApplied(const metadata::MetadataImage& image, const Liveness& liveness,
                          std::string_view group_id, LogIndex offset);

}  // namespace weir::state
