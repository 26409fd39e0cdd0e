// What counts against limits::kGroupSubscriptionBytesMax.
// Thread rule: pure function.
#pragma once

#include <cstddef>

#include "common/metadata/group.h"

namespace weir::state {

// What a member takes in its group and in what the leader hears of it, about, in bytes. `said` is
// null as long as it said nothing.
size_t SubscriptionBytes(const metadata::GroupSubscription* said);

}  // namespace weir::state
