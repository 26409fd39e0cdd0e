#include "broker/node/node_metrics.h"

#include "common/runtime/metrics.h"

namespace weir::node {

using runtime::Metrics;

void AddTrafficMetrics(const net::Server& server) {
  const auto add = [&server](const char* name, const char* help,
                             int64_t net::Server::Traffic::*field) {
    Metrics::Global().AddGaugeCallback(name, help, [&server, field] {
      return static_cast<double>(server.CurrentTraffic().*field);
    });
  };
  add("weir_connections", "Open client connections.", &net::Server::Traffic::connections_open);
  add("weir_connections_accepted_total", "Client connections accepted.",
      &net::Server::Traffic::connections_accepted);
  add("weir_network_received_bytes_total", "Bytes received from clients.",
      &net::Server::Traffic::bytes_received);
  add("weir_network_sent_bytes_total", "Bytes sent to clients.", &net::Server::Traffic::bytes_sent);
  add("weir_network_in_flight_bytes", "Bytes of requests and answers being worked on.",
      &net::Server::Traffic::bytes_in_flight);
}

void AddCoreMetrics(broker::BrokerCore& core, const std::atomic<int64_t>& applied_offset) {
  Metrics& metrics = Metrics::Global();
  const replica::ReplicationQuotas& quotas = core.partitions().quotas();
  metrics.AddGaugeCallback("weir_replication_throttled_sent_bytes_total",
                           "Bytes sent to replicas that catch up under a throttle.",
                           [&quotas] { return static_cast<double>(quotas.leader.bytes_total()); });
  metrics.AddGaugeCallback("weir_replication_throttled_received_bytes_total",
                           "Bytes fetched by replicas that catch up under a throttle.", [&quotas] {
                             return static_cast<double>(quotas.follower.bytes_total());
                           });
  metrics.AddGaugeCallback("weir_broker_fenced", "1 while the controllers fence this broker.",
                           [&core] { return core.session().IsFenced() ? 1.0 : 0.0; });
  metrics.AddGaugeCallback(
      "weir_metadata_applied_offset", "Metadata offset that this broker acts on.",
      [&applied_offset] { return static_cast<double>(applied_offset.load()); });
}

void AddDiskMetrics(const Storage& storage) {
  Metrics& metrics = Metrics::Global();
  const log::LogDirectories view = storage.View();
  metrics.AddGaugeCallback("weir_disk_full",
                           "1 while producers are refused because a data directory is full.",
                           [view] { return view.AnyFull() ? 1.0 : 0.0; });
  metrics.AddGaugeCallback("weir_data_directories_offline",
                           "Data directories that have failed or could not be opened.",
                           [view] { return static_cast<double>(view.offline_count()); });
  metrics.AddGaugeCallback("weir_disk_room_bytes",
                           "Bytes that records may still take, on the disk with the least room.",
                           [&storage] { return static_cast<double>(storage.RoomBytes()); });
}

}  // namespace weir::node
