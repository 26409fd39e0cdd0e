// A leader whose data directory is full can take no records: another in-sync replica that has room
// leads in its place, and no record is lost (D-22).
//
// Laws:
//  1. Only a member of the ISR takes over; ISR and ELR stay as they are.
//  2. Where no member of the ISR has room everything stays as it is: leaderships do not wander
//     among brokers that are all full.
//  3. What a broker leads in its other data directories stays.
// Thread rule: pure functions.
#pragma once

#include <functional>

#include "controller/state/decision.h"

namespace weir::state {

// Whether the broker can take records of that partition.
using HasRoom = std::function<bool(NodeId, const Uuid& topic_id, PartitionIndex)>;

// Appends at most `changes_max` partition changes. Returns whether there was more to do.
bool AppendChangesForFullDisks(const DecisionContext& context, const HasRoom& has_room,
                               size_t changes_max, Records* records);

}  // namespace weir::state
