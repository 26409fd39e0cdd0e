// What a controller says that cannot serve a call of brokers. Thread rule: loop thread.
#pragma once

#include "controller/quorum/controller_node.h"

namespace weir::service {

// kNotController with the reason, for people.
inline Error NotActive(const quorum::ControllerNode& node) {
  const std::string reason = node.NotReadyReason();
  return {ErrorCode::kNotController,
          reason.empty() ? "this controller is not the active one" : reason};
}

}  // namespace weir::service
