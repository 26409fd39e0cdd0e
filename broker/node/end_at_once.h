// EndAtOnce: the end of the process by a failure that leaves nothing to save.
// Thread rule: any thread.
#pragma once

#include <string>

namespace weir::node {

// Logs one error and ends the process with EXIT_FAILURE; nothing is written out.
[[noreturn]] void EndAtOnce(const std::string& event, const std::string& reason);

}  // namespace weir::node
