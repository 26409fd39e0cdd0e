// The broker's gauges that are asked for when somebody reads /metrics.
// Thread rule: main thread; the gauges are read on the thread of the pages, until
// Metrics::ClearCallbacks.
#pragma once

#include <atomic>
#include <cstdint>

#include "broker/metadata/broker_core.h"
#include "broker/net/server.h"
#include "broker/node/storage.h"

namespace weir::node {

void AddTrafficMetrics(const net::Server& server);
// `applied_offset`: the metadata offset that the broker acts on.
void AddCoreMetrics(broker::BrokerCore& core, const std::atomic<int64_t>& applied_offset);
void AddDiskMetrics(const Storage& storage);

}  // namespace weir::node
