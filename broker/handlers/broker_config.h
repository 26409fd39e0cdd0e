// Every key of weir-broker (/etc/weir/broker.yaml, `--key value`, WEIR_KEY), and what it means once
// read. deploy/broker.yaml shows them with comments.
//
// Laws:
//  1. Keys that Kafka also has keep Kafka's name, meaning and default.
//  2. Everything is checked before a file or socket is opened.
// Thread rule: start-up only; BrokerConfig is immutable afterwards.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "broker/net/net_options.h"
#include "broker/replica/replica_fetcher.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/metadata/effective_config.h"
#include "common/runtime/config.h"
#include "common/runtime/log.h"

namespace weir::handlers {

std::span<const runtime::ConfigKey> BrokerConfigKeys();

struct BrokerConfig {
  NodeId node_id;
  // One at least, no two alike.
  std::vector<std::string> data_dirs;
  bool bootstrap = false;
  // Data directories that are lost for good.
  std::vector<Uuid> forget_directories;
  std::vector<std::string> controllers;
  std::vector<net::ListenerSpec> client_listeners;
  net::ListenerSpec inter_broker_listener;
  std::string http_listen;
  std::string rack;
  int shards = 1;
  size_t tail_cache_bytes = 0;
  bool direct_io = true;
  // 0: chosen by the size of the disk (log::DefaultReserve).
  uint64_t disk_reserve_bytes = 0;
  bool auto_create_topics = false;
  replica::FetcherOptions fetcher;
  Duration replica_lag_time_max = std::chrono::seconds(30);
  // Consumers read from a replica in their rack (KIP-392).
  bool rack_aware_reads = false;
  net::NetOptions net;
  LogOptions log;
  // The Kafka-named keys that this node's configuration sets: defaults of topics, and what
  // DescribeConfigs shows as STATIC_BROKER_CONFIG.
  metadata::StaticConfig static_configs;
};

// Errors: kInvalidConfig, naming the key.
Result<BrokerConfig> ReadBrokerConfig(const runtime::Config& config);

// The host a listener is registered with: what it advertises, else what it binds; this machine's
// name for a wildcard address, which says nothing.
std::string RegisteredHost(const net::ListenerSpec& listener);

}  // namespace weir::handlers
