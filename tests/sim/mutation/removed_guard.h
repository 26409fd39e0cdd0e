// The one guard that is out while a mutated world runs: what the copies that mutate.py writes ask.
// Thread rule: one thread.
#pragma once

#include <string>
#include <string_view>

namespace weir::sim {

// Empty: all guards are in place.
inline std::string removed_guard;

inline bool GuardRemoved(std::string_view name) { return removed_guard == name; }

}  // namespace weir::sim
