#include "broker/handlers/broker_config.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "common/metadata/broker_options.h"

namespace weir::handlers {
namespace {

using runtime::ConfigKey;
using runtime::ConfigKind;

constexpr char kClientListenerName[] = "PLAINTEXT";
constexpr char kInterBrokerListenerName[] = "INTERNAL";
constexpr char kAuto[] = "auto";
// Kafka's selector by rack, with or without its package in front.
constexpr std::string_view kRackAwareSelector = "RackAwareReplicaSelector";
// More shards than this only pass work between threads.
constexpr int64_t kShardsMax = 256;

constexpr std::array kKeys = {
    ConfigKey{"node.id", ConfigKind::kInt, nullptr,
              "This broker's number, unique among the brokers."},
    ConfigKey{"data.dir", ConfigKind::kList, nullptr,
              "Directories of the partition data, on local disks, comma-separated. A new partition "
              "goes where the fewest are."},
    ConfigKey{"bootstrap", ConfigKind::kBool, "false",
              "Format an empty data.dir. Without it an empty directory is refused, because it is "
              "more often a disk that is not mounted."},
    ConfigKey{"forget.directory", ConfigKind::kList, "",
              "Ids of data directories that are lost for good, as the error of the start without "
              "them names them. What they held is fetched anew from other brokers; a partition "
              "that had no other replica in sync stays offline."},
    ConfigKey{"controllers", ConfigKind::kList, nullptr,
              "HOST:PORT of the controllers, comma-separated. One that answers is enough."},
    ConfigKey{"kafka.listen", ConfigKind::kList, "127.0.0.1:9092",
              "[NAME://]HOST:PORT that Kafka clients connect to; several need names."},
    ConfigKey{"kafka.advertised", ConfigKind::kList, "auto",
              "[NAME://]HOST:PORT that clients are told, or auto: the bound address, and the "
              "address the client itself used where the listener binds 0.0.0.0 or loopback."},
    ConfigKey{"interbroker.listen", ConfigKind::kString, "127.0.0.1:0",
              "HOST:PORT for the other brokers; port 0 takes a free one."},
    ConfigKey{"interbroker.advertised", ConfigKind::kString, "auto",
              "HOST:PORT that other brokers are told, or auto: the bound address, with the host "
              "name where that is 0.0.0.0."},
    ConfigKey{"http.listen", ConfigKind::kString, "127.0.0.1:8080",
              "HOST:PORT of /metrics, /livez and /readyz; empty: none."},
    ConfigKey{"rack", ConfigKind::kString, "",
              "Where the broker stands; replicas of a partition spread over racks."},
    ConfigKey{"shards", ConfigKind::kInt, "0",
              "Event loops that own connections and partitions; 0: one per core."},
    ConfigKey{"tail.cache.bytes", ConfigKind::kBytes, "128MiB",
              "Memory for the newest records, so that consumers at the end read no disk."},
    ConfigKey{"storage.direct.io", ConfigKind::kBool, "true",
              "Write and read records past the page cache, where the file system can: a third of "
              "the CPU. false keeps older records cached by the kernel, for many lagging readers."},
    ConfigKey{"storage.disk.reserve.bytes", ConfigKind::kBytes, "0",
              "Free space of the disk below which producers are refused with KAFKA_STORAGE_ERROR, "
              "until there is space again; 0: a twentieth of the disk, 256 MiB to 4 GiB."},
    ConfigKey{"auto.create.topics.enable", ConfigKind::kBool, "false",
              "Create a topic when a client asks for its metadata."},
    ConfigKey{"max.connections", ConfigKind::kInt, "20000", "Client connections in all."},
    ConfigKey{"max.connections.per.ip", ConfigKind::kInt, "10000",
              "Client connections from one address."},
    ConfigKey{"connections.max.idle.ms", ConfigKind::kInt, "600000",
              "A connection without traffic for so long is closed."},
    ConfigKey{"socket.request.max.bytes", ConfigKind::kInt, "104857600",
              "Largest request; a larger one closes its connection."},
    ConfigKey{"replica.fetch.wait.max.ms", ConfigKind::kInt, "500",
              "How long a follower's fetch waits for records."},
    ConfigKey{"replica.fetch.min.bytes", ConfigKind::kInt, "1",
              "Bytes that a follower's fetch waits for."},
    ConfigKey{"replica.fetch.max.bytes", ConfigKind::kInt, "1048576",
              "Bytes per partition that a follower asks for."},
    ConfigKey{"replica.fetch.response.max.bytes", ConfigKind::kInt, "10485760",
              "Bytes of one answer to a follower, at most."},
    ConfigKey{"replica.fetch.backoff.ms", ConfigKind::kInt, "1000",
              "The longest pause of a follower after failed fetches."},
    ConfigKey{"replica.socket.timeout.ms", ConfigKind::kInt, "30000",
              "A leader that is silent for so long is connected anew."},
    ConfigKey{"replica.lag.time.max.ms", ConfigKind::kInt, "30000",
              "A follower that has not caught up for so long leaves the ISR."},
    ConfigKey{"replica.selector.class", ConfigKind::kString, "",
              "RackAwareReplicaSelector: consumers are told to read from a replica in their rack; "
              "empty: from the leader."},
    ConfigKey{"offsets.topic.num.partitions", ConfigKind::kInt, "50",
              "Partitions of the topic of committed offsets, when it is created."},
    ConfigKey{"offsets.topic.replication.factor", ConfigKind::kInt, "3",
              "Replicas of the topic of committed offsets, when it is created; no more than live "
              "brokers."},
    // Defaults of topics, where neither the topic nor the cluster sets them.
    ConfigKey{"message.max.bytes", ConfigKind::kInt, "1048588", "Largest record batch of a topic."},
    ConfigKey{"min.insync.replicas", ConfigKind::kString, "",
              "Not to be set here: set it for a topic, or for all brokers."},
    ConfigKey{"log.message.timestamp.type", ConfigKind::kString, "CreateTime",
              "CreateTime or LogAppendTime."},
    ConfigKey{"log.segment.bytes", ConfigKind::kInt, "1073741824",
              "Size of the pieces that retention and time lookups work on."},
    ConfigKey{"log.retention.hours", ConfigKind::kInt, "168",
              "How long records are kept; -1: for ever."},
    ConfigKey{"log.retention.bytes", ConfigKind::kInt, "-1",
              "How much of a partition is kept; -1: all."},
    ConfigKey{"producer.id.expiration.ms", ConfigKind::kInt, "86400000",
              "After how long without records an idempotent producer is forgotten."},
    ConfigKey{"log.level", ConfigKind::kString, "info", "debug, info, warn or error."},
    ConfigKey{"log.format", ConfigKind::kString, "text", "text or json."},
    ConfigKey{"log.file", ConfigKind::kString, "", "File of the log; empty: stderr."},
};

// The advertised part of `listeners`: "auto" for all, or an address for each, matched by name.
Status SetAdvertised(const std::vector<std::string>& texts, const std::string& key,
                     std::vector<net::ListenerSpec>& listeners) {
  if (texts.size() == 1 && texts.front() == kAuto) return {};
  for (const std::string& text : texts) {
    const Result<net::ListenerSpec> advertised = net::ParseListener(text, listeners.front().name);
    if (!advertised)
      return Fail(ErrorCode::kInvalidConfig, key + ": " + advertised.error().message);
    net::ListenerSpec* target = nullptr;
    for (net::ListenerSpec& listener : listeners) {
      if (listener.name == advertised->name) target = &listener;
    }
    if (target == nullptr) {
      return Fail(ErrorCode::kInvalidConfig,
                  key + ": there is no listener named " + advertised->name);
    }
    if (net::IsWildcardOrLoopback(advertised->host) && advertised->host == "0.0.0.0") {
      return Fail(ErrorCode::kInvalidConfig, key + ": clients cannot connect to 0.0.0.0");
    }
    target->advertised_host = advertised->host;
    target->advertised_port = advertised->port;
  }
  return {};
}

Status ReadListeners(const runtime::Config& config, BrokerConfig& broker) {
  std::set<std::string> names;
  for (const std::string& text : config.GetList("kafka.listen")) {
    Result<net::ListenerSpec> listener = net::ParseListener(text, kClientListenerName);
    if (!listener) {
      return Fail(ErrorCode::kInvalidConfig, "kafka.listen: " + listener.error().message);
    }
    if (!names.insert(listener->name).second || listener->name == kInterBrokerListenerName) {
      return Fail(ErrorCode::kInvalidConfig,
                  "kafka.listen: the name " + listener->name + " is taken");
    }
    broker.client_listeners.push_back(*std::move(listener));
  }
  if (broker.client_listeners.empty()) {
    return Fail(ErrorCode::kInvalidConfig, "kafka.listen: at least one address is needed");
  }
  WEIR_RETURN_IF_ERROR(SetAdvertised(config.GetList("kafka.advertised"), "kafka.advertised",
                                     broker.client_listeners));
  Result<net::ListenerSpec> internal =
      net::ParseListener(config.GetString("interbroker.listen"), kInterBrokerListenerName);
  if (!internal) {
    return Fail(ErrorCode::kInvalidConfig, "interbroker.listen: " + internal.error().message);
  }
  internal->name = kInterBrokerListenerName;
  std::vector<net::ListenerSpec> one = {*std::move(internal)};
  WEIR_RETURN_IF_ERROR(
      SetAdvertised({config.GetString("interbroker.advertised")}, "interbroker.advertised", one));
  broker.inter_broker_listener = std::move(one.front());
  broker.inter_broker_listener.for_brokers = true;
  return {};
}

Status ReadLimits(const runtime::Config& config, BrokerConfig& broker) {
  for (const char* key : {"max.connections", "max.connections.per.ip", "connections.max.idle.ms",
                          "socket.request.max.bytes"}) {
    if (config.GetInt(key) < 1) {
      return Fail(ErrorCode::kInvalidConfig, std::string(key) + ": must be at least 1");
    }
  }
  broker.net.connections_max = static_cast<size_t>(config.GetInt("max.connections"));
  broker.net.connections_per_address_max =
      static_cast<size_t>(config.GetInt("max.connections.per.ip"));
  broker.net.idle_ms_max = config.GetInt("connections.max.idle.ms");
  broker.net.frame_bytes_max = static_cast<size_t>(config.GetInt("socket.request.max.bytes"));
  const int64_t shards = config.GetInt("shards");
  if (shards < 0 || shards > kShardsMax) {
    return Fail(ErrorCode::kInvalidConfig, "shards: 0 to " + std::to_string(kShardsMax));
  }
  const int cores = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  broker.shards = shards == 0 ? cores : static_cast<int>(shards);
  broker.tail_cache_bytes = config.GetBytes("tail.cache.bytes");
  broker.direct_io = config.GetBool("storage.direct.io");
  broker.disk_reserve_bytes = config.GetBytes("storage.disk.reserve.bytes");
  return {};
}

Status ReadReplication(const runtime::Config& config, BrokerConfig& broker) {
  for (const char* key :
       {"replica.fetch.wait.max.ms", "replica.fetch.min.bytes", "replica.fetch.max.bytes",
        "replica.fetch.response.max.bytes", "replica.fetch.backoff.ms", "replica.socket.timeout.ms",
        "replica.lag.time.max.ms"}) {
    if (config.GetInt(key) < 1 || config.GetInt(key) > INT32_MAX) {
      return Fail(ErrorCode::kInvalidConfig, std::string(key) + ": 1 to 2147483647");
    }
  }
  const auto number = [&](const char* key) { return static_cast<int32_t>(config.GetInt(key)); };
  const auto pause = [&](const char* key) { return std::chrono::milliseconds(config.GetInt(key)); };
  broker.fetcher = {.wait_ms_max = number("replica.fetch.wait.max.ms"),
                    .bytes_min = number("replica.fetch.min.bytes"),
                    .response_bytes_max = number("replica.fetch.response.max.bytes"),
                    .partition_bytes_max = number("replica.fetch.max.bytes"),
                    .backoff_max = pause("replica.fetch.backoff.ms"),
                    .silence_max = pause("replica.socket.timeout.ms")};
  broker.replica_lag_time_max = pause("replica.lag.time.max.ms");
  const std::string& selector = config.GetString("replica.selector.class");
  broker.rack_aware_reads = selector.ends_with(kRackAwareSelector);
  if (!selector.empty() && !broker.rack_aware_reads) {
    return Fail(ErrorCode::kInvalidConfig,
                "replica.selector.class: " + std::string(kRackAwareSelector) + " or empty");
  }
  return {};
}

Status ReadLog(const runtime::Config& config, LogOptions& log) {
  WEIR_ASSIGN_OR_RETURN(log.level, ParseLogLevel(config.GetString("log.level")));
  const std::string& format = config.GetString("log.format");
  if (format != "text" && format != "json") {
    return Fail(ErrorCode::kInvalidConfig, "log.format: text or json, not " + format);
  }
  log.json = format == "json";
  log.file = config.GetString("log.file");
  return {};
}

// The controllers count with it as well as the leaders do, and do not see this file.
Status RefuseMinInsyncReplicas() {
  return Fail(ErrorCode::kInvalidConfig,
              "min.insync.replicas: no broker has its own, for the controllers count with it too; "
              "set it for a topic, or for all brokers: kafka-configs.sh --alter --entity-type "
              "brokers --entity-default --add-config min.insync.replicas=N");
}

// Keys that Kafka names alike, and were given a value here.
Status ReadStaticConfigs(const runtime::Config& config, metadata::StaticConfig& statics) {
  for (const auto& [name, value] : config.values()) {
    const metadata::ConfigOption* option = metadata::FindBrokerOption(name);
    if (option == nullptr || value.origin == runtime::ConfigOrigin::kDefault) continue;
    if (name == "min.insync.replicas") {
      if (!value.text.empty()) return RefuseMinInsyncReplicas();
      continue;
    }
    WEIR_RETURN_IF_ERROR(metadata::ValidateConfig(*option, value.text));
    statics[name] = value.text;
  }
  return {};
}

Status ReadDirectories(const runtime::Config& config, std::vector<std::string>& paths) {
  paths = config.GetList("data.dir");
  if (paths.empty()) return Fail(ErrorCode::kInvalidConfig, "data.dir: a directory is needed");
  for (size_t i = 0; i < paths.size(); ++i) {
    if (std::find(paths.begin(), paths.begin() + static_cast<ptrdiff_t>(i), paths[i]) ==
        paths.begin() + static_cast<ptrdiff_t>(i)) {
      continue;
    }
    return Fail(ErrorCode::kInvalidConfig, "data.dir: " + paths[i] + " is named twice");
  }
  return {};
}

Status ReadForgotten(const runtime::Config& config, std::vector<Uuid>& ids) {
  for (const std::string& text : config.GetList("forget.directory")) {
    const Result<Uuid> id = Uuid::Parse(text);
    if (!id) {
      return Fail(ErrorCode::kInvalidConfig,
                  "forget.directory: '" + text + "' is not the id of a data directory");
    }
    ids.push_back(*id);
  }
  return {};
}

std::string ListenerText(const net::ListenerSpec& listener) {
  return listener.name + "://" + listener.host + ":" + std::to_string(listener.port);
}

// Keys whose Weir name differs, for tools that read Kafka's.
void AddKafkaNames(const BrokerConfig& broker, metadata::StaticConfig& statics) {
  statics["node.id"] = ToString(broker.node_id);
  statics["broker.id"] = ToString(broker.node_id);
  std::string& directories = statics["log.dirs"];
  for (const std::string& path : broker.data_dirs) {
    directories += (directories.empty() ? "" : ",") + path;
  }
  if (!broker.rack.empty()) statics["broker.rack"] = broker.rack;
  std::string& listeners = statics["listeners"];
  for (const net::ListenerSpec& listener : broker.client_listeners) {
    listeners += (listeners.empty() ? "" : ",") + ListenerText(listener);
  }
}

}  // namespace

std::span<const ConfigKey> BrokerConfigKeys() { return kKeys; }

Result<BrokerConfig> ReadBrokerConfig(const runtime::Config& config) {
  BrokerConfig broker;
  const int64_t node_id = config.GetInt("node.id");
  if (node_id < 0 || node_id > INT32_MAX) {
    return Fail(ErrorCode::kInvalidConfig, "node.id: 0 to 2147483647");
  }
  broker.node_id = NodeId(static_cast<int32_t>(node_id));
  WEIR_RETURN_IF_ERROR(ReadDirectories(config, broker.data_dirs));
  broker.bootstrap = config.GetBool("bootstrap");
  WEIR_RETURN_IF_ERROR(ReadForgotten(config, broker.forget_directories));
  broker.controllers = config.GetList("controllers");
  if (broker.controllers.empty()) {
    return Fail(ErrorCode::kInvalidConfig, "controllers: at least one HOST:PORT is needed");
  }
  for (const std::string& address : broker.controllers) {
    if (const auto parsed = net::ParseListener(address, "CONTROLLER"); !parsed) {
      return Fail(ErrorCode::kInvalidConfig, "controllers: " + parsed.error().message);
    }
  }
  WEIR_RETURN_IF_ERROR(ReadListeners(config, broker));
  WEIR_RETURN_IF_ERROR(ReadLimits(config, broker));
  WEIR_RETURN_IF_ERROR(ReadReplication(config, broker));
  WEIR_RETURN_IF_ERROR(ReadLog(config, broker.log));
  broker.http_listen = config.GetString("http.listen");
  broker.rack = config.GetString("rack");
  broker.auto_create_topics = config.GetBool("auto.create.topics.enable");
  WEIR_RETURN_IF_ERROR(ReadStaticConfigs(config, broker.static_configs));
  AddKafkaNames(broker, broker.static_configs);
  return broker;
}

std::string RegisteredHost(const net::ListenerSpec& listener) {
  if (!listener.advertised_auto()) return listener.advertised_host;
  if (listener.host != "0.0.0.0" && listener.host != "::") return listener.host;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return listener.host;
  return name.data();
}

}  // namespace weir::handlers
