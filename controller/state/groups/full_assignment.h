// Whether a classic group's assignment has anything left to decide.
// Thread rule: pure functions.
#pragma once

#include "common/metadata/group.h"
#include "common/metadata/image.h"

namespace weir::state {

// True: the group's members speak the consumer protocol (protocol type "consumer"), and together
// they were assigned exactly the partitions that there are of the topics they subscribe to, each
// once, and nothing beside partitions. False also where that cannot be read from their bytes.
bool IsFullyAssigned(const metadata::Group& group, const metadata::MetadataImage& image);

}  // namespace weir::state
