#include "controller/service/controller_config.h"

#include <utility>

#include "common/runtime/config.h"
#include "common/runtime/http_pages.h"

#ifndef WEIR_VERSION
#define WEIR_VERSION "0.1.0"
#endif

namespace weir::service {
namespace {

using runtime::ConfigKey;
using runtime::ConfigKind;

constexpr Duration kTick = std::chrono::milliseconds(10);

const ConfigKey kKeys[] = {
    {"node.id", ConfigKind::kInt, nullptr, "This controller's id, unique among controllers."},
    {"data.dir", ConfigKind::kString, nullptr, "Metadata log, votes and snapshots."},
    {"listen", ConfigKind::kString, "127.0.0.1:9090",
     "host:port for gRPC: the admin API, brokers and other controllers."},
    {"advertised.address", ConfigKind::kString, "",
     "host:port under which others reach `listen`; empty: `listen` itself."},
    {"http.listen", ConfigKind::kString, "",
     "host:port of /metrics, /livez, /readyz and /state; empty: none."},
    {"quorum.voters", ConfigKind::kList, "",
     "id@host:port,...: the voters of the first start, with bootstrap; empty: this one alone."},
    {"bootstrap", ConfigKind::kBool, "false",
     "Format an empty data.dir as one of the initial voters."},
    {"join", ConfigKind::kList, "",
     "host:port,...: format an empty data.dir as an observer of that quorum; `weir quorum add` "
     "makes it a voter."},
    {"cluster.id", ConfigKind::kString, "",
     "22 characters. With bootstrap the new cluster's id; later the only one accepted."},
    {"election.timeout.ms", ConfigKind::kInt, "400",
     "Silence after which a voter stands for election, randomised up to twice that."},
    {"heartbeat.interval.ms", ConfigKind::kInt, "200", "Between the leader's heartbeats."},
    {"broker.session.timeout.ms", ConfigKind::kInt, "3000",
     "Silence after which a broker is fenced."},
    {"broker.session.grace.ms", ConfigKind::kInt, "200",
     "The same after its connection broke: a dead process."},
    {"broker.heartbeat.interval.ms", ConfigKind::kInt, "500", "Between a broker's heartbeats."},
    {"metadata.snapshot.log.bytes", ConfigKind::kBytes, "20971520",
     "A snapshot of the metadata is taken after so many bytes of log."},
    {"metadata.snapshot.interval.ms", ConfigKind::kInt, "3600000",
     "A snapshot is taken after so much time if anything has changed."},
    {"auto.leader.rebalance.enable", ConfigKind::kBool, "true",
     "Whether leadership goes back to preferred replicas by itself."},
    {"leader.imbalance.check.interval.seconds", ConfigKind::kInt, "5",
     "How often that is looked for. A broker that is back gets its leaderships after one to two "
     "intervals in sync."},
    {"default.replication.factor", ConfigKind::kInt, "1",
     "Replicas of a topic that does not say how many."},
    {"num.partitions", ConfigKind::kInt, "1", "Partitions of a topic that does not say how many."},
    {"group.initial.rebalance.delay.ms", ConfigKind::kInt, "3000",
     "How long a new group waits for more members before its first assignment."},
    {"group.min.session.timeout.ms", ConfigKind::kInt, "6000",
     "Shortest session timeout that a member of a group may ask for."},
    {"group.max.session.timeout.ms", ConfigKind::kInt, "1800000",
     "Longest session timeout that a member of a group may ask for."},
    {"group.max.size", ConfigKind::kInt, "2147483647", "Members of a group, at most."},
    {"log.level", ConfigKind::kString, "info", "debug, info, warn or error."},
    {"log.format", ConfigKind::kString, "text", "text (key=value) or json."},
    {"log.file", ConfigKind::kString, "", "File for the log; empty: standard error."},
};

Status CheckRange(const runtime::Config& config, const char* key, int64_t low, int64_t high) {
  const int64_t value = config.GetInt(key);
  if (value >= low && value <= high) return {};
  return Fail(ErrorCode::kInvalidConfig, std::string(key) + " is " + std::to_string(value) +
                                             ", it must be " + std::to_string(low) + " to " +
                                             std::to_string(high));
}

Status CheckRanges(const runtime::Config& config) {
  WEIR_RETURN_IF_ERROR(CheckRange(config, "node.id", 0, INT32_MAX));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "election.timeout.ms", 50, 60'000));
  WEIR_RETURN_IF_ERROR(
      CheckRange(config, "heartbeat.interval.ms", 10, config.GetInt("election.timeout.ms") / 2));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "broker.session.timeout.ms", 100, 3'600'000));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "broker.session.grace.ms", 0, 3'600'000));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "broker.heartbeat.interval.ms", 10,
                                  config.GetInt("broker.session.timeout.ms") / 2));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "metadata.snapshot.interval.ms", 100, INT64_MAX / 1000));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "leader.imbalance.check.interval.seconds", 1, 86'400));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "default.replication.factor", 1, 32'767));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "group.initial.rebalance.delay.ms", 0, 3'600'000));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "group.max.session.timeout.ms", 1, INT32_MAX));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "group.min.session.timeout.ms", 1,
                                  config.GetInt("group.max.session.timeout.ms")));
  WEIR_RETURN_IF_ERROR(CheckRange(config, "group.max.size", 1, INT32_MAX));
  return CheckRange(config, "num.partitions", 1, limits::kPartitionsPerTopicMax);
}

Status CheckAddress(const std::string& address, const char* key) {
  if (runtime::ParseHostPort(address)) return {};
  return Fail(ErrorCode::kInvalidConfig,
              std::string(key) + ": \"" + address + "\" is not host:port");
}

Status ReadAddresses(const runtime::Config& config, ControllerConfig& out) {
  out.listen = config.GetString("listen");
  WEIR_RETURN_IF_ERROR(CheckAddress(out.listen, "listen"));
  out.advertised_address = config.GetString("advertised.address");
  if (!out.advertised_address.empty()) {
    WEIR_RETURN_IF_ERROR(CheckAddress(out.advertised_address, "advertised.address"));
  }
  out.http_listen = config.GetString("http.listen");
  if (!out.http_listen.empty()) WEIR_RETURN_IF_ERROR(CheckAddress(out.http_listen, "http.listen"));
  out.node.join = config.GetList("join");
  for (const std::string& address : out.node.join) {
    WEIR_RETURN_IF_ERROR(CheckAddress(address, "join"));
  }
  WEIR_ASSIGN_OR_RETURN(out.node.voters,
                        quorum::ParseInitialVoters(config.GetList("quorum.voters")));
  return {};
}

Duration Milliseconds(int64_t count) { return std::chrono::milliseconds(count); }

Status ReadNode(const runtime::Config& config, quorum::ControllerNodeOptions& node) {
  node.id = NodeId(static_cast<int32_t>(config.GetInt("node.id")));
  node.data_dir = config.GetString("data.dir");
  node.bootstrap = config.GetBool("bootstrap");
  if (node.bootstrap && !node.join.empty()) {
    return Fail(ErrorCode::kInvalidConfig, "bootstrap and join exclude each other");
  }
  if (!config.GetString("cluster.id").empty()) {
    const Result<Uuid> id = Uuid::Parse(config.GetString("cluster.id"));
    if (!id) return Fail(ErrorCode::kInvalidConfig, "cluster.id: " + id.error().message);
    node.cluster_id = *id;
  }
  node.election_ticks =
      static_cast<int32_t>(Milliseconds(config.GetInt("election.timeout.ms")) / kTick);
  node.heartbeat_ticks =
      static_cast<int32_t>(Milliseconds(config.GetInt("heartbeat.interval.ms")) / kTick);
  node.sessions.liveness.session_timeout = Milliseconds(config.GetInt("broker.session.timeout.ms"));
  node.sessions.liveness.broken_session_grace =
      Milliseconds(config.GetInt("broker.session.grace.ms"));
  node.sessions.heartbeat_interval = Milliseconds(config.GetInt("broker.heartbeat.interval.ms"));
  node.leaders.return_leaderships = config.GetBool("auto.leader.rebalance.enable");
  node.leaders.interval =
      std::chrono::seconds(config.GetInt("leader.imbalance.check.interval.seconds"));
  node.snapshot_log_bytes = config.GetBytes("metadata.snapshot.log.bytes");
  node.snapshot_interval = Milliseconds(config.GetInt("metadata.snapshot.interval.ms"));
  node.defaults.default_replication_factor =
      static_cast<int32_t>(config.GetInt("default.replication.factor"));
  node.defaults.num_partitions = static_cast<int32_t>(config.GetInt("num.partitions"));
  for (const char* key :
       {"broker.session.timeout.ms", "group.initial.rebalance.delay.ms",
        "group.min.session.timeout.ms", "group.max.session.timeout.ms", "group.max.size"}) {
    node.defaults.static_config[key] = std::to_string(config.GetInt(key));
  }
  return {};
}

Status ReadLog(const runtime::Config& config, LogOptions& log) {
  WEIR_ASSIGN_OR_RETURN(log.level, ParseLogLevel(config.GetString("log.level")));
  const std::string& format = config.GetString("log.format");
  if (format != "text" && format != "json") {
    return Fail(ErrorCode::kInvalidConfig, "log.format is \"" + format + "\", not text or json");
  }
  log.json = format == "json";
  log.file = config.GetString("log.file");
  return {};
}

}  // namespace

Result<LoadedControllerConfig> LoadControllerConfig(int argc, const char* const* argv) {
  WEIR_ASSIGN_OR_RETURN(runtime::LoadedConfig loaded,
                        runtime::LoadConfig(kKeys, "weir-controller", WEIR_VERSION, argc, argv));
  LoadedControllerConfig out;
  out.print_and_exit = std::move(loaded.print_and_exit);
  // --help and --version come without the keys that must be given.
  if (out.print_and_exit && !loaded.config.values().contains("node.id")) return out;
  WEIR_RETURN_IF_ERROR(CheckRanges(loaded.config));
  WEIR_RETURN_IF_ERROR(ReadAddresses(loaded.config, out.config));
  WEIR_RETURN_IF_ERROR(ReadNode(loaded.config, out.config.node));
  WEIR_RETURN_IF_ERROR(ReadLog(loaded.config, out.config.log));
  return out;
}

}  // namespace weir::service
