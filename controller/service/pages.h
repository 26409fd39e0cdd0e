// The controller's HTTP pages and metrics: /metrics, /livez, /readyz, and /state for people.
// Thread rule: pages are rendered on HTTP threads and ask the loop thread.
#pragma once

#include <memory>

#include "common/runtime/http_pages.h"
#include "controller/quorum/controller_node.h"

namespace weir::service {

// Ready means attached to a quorum that has a leader. `node` must outlive the pages and the
// metrics.
std::unique_ptr<runtime::HttpPages> MakePages(quorum::ControllerNode& node);

// Gauges of Raft and of the metadata.
void AddMetrics(quorum::ControllerNode& node);

}  // namespace weir::service
