#include "broker/node/end_at_once.h"

#include <cstdlib>

#include "common/runtime/log.h"

namespace weir::node {

void EndAtOnce(const std::string& event, const std::string& reason) {
  LogError("broker", event, {{"reason", reason}});
  std::_Exit(EXIT_FAILURE);
}

}  // namespace weir::node
