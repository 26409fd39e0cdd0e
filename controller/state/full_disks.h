// A leader whose disk is full can take no records: another in-sync replica whose broker has room
// leads in its place, and no record is lost (D-22).
//
// Laws:
//  1. Only a member of the ISR takes over; ISR and ELR stay as they are.
//  2. Where no member of the ISR has room everything stays as it is: leaderships do not wander
//     among brokers that are all full.
// Thread rule: pure functions.
#pragma once

#include <functional>

#include "controller/state/decision.h"

namespace weir::state {

// Appends at most `changes_max` partition changes. `has_room` is asked for live brokers. Returns
// whether there was more to do.
bool AppendChangesForFullDisks(const DecisionContext& context,
                               const std::function<bool(NodeId)>& has_room, size_t changes_max,
                               Records* records);

}  // namespace weir::state
