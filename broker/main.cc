// weir-broker: puts the rooms of broker/ together, starts them in order and stops them in the
// reverse.
//
// Start:  configuration -> data directories, their stores -> bind -> register and follow the
// metadata -> (the image
//         shows this broker live) accept clients, ready.
// Stop:   hand leaderships over -> close clients -> write out partitions -> mark the directory
// clean. Laws:
//  1. Clients are accepted only when the broker can serve them; until then they wait in the
//     sockets' backlog.
//  2. A data directory that fails is used no more in this life (D-13): its partitions go offline,
//     and the last one that fails ends the process.
// Thread rule: main thread; callbacks say where they run.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "broker/handlers/broker_config.h"
#include "broker/handlers/dispatcher.h"
#include "broker/handlers/registry.h"
#include "broker/log/data_directory.h"
#include "broker/log/log_directories.h"
#include "broker/metadata/broker_session.h"
#include "broker/metadata/controller_gateway.h"
#include "broker/metadata/image_holder.h"
#include "broker/metadata/isr_updates.h"
#include "broker/metadata/metadata_follower.h"
#include "broker/metadata/producer_id_pool.h"
#include "broker/metadata/reconciler.h"
#include "broker/metadata/replication_link.h"
#include "broker/net/outgoing_connection.h"
#include "broker/net/server.h"
#include "broker/net/shard.h"
#include "broker/replica/partition_router.h"
#include "common/base/prng.h"
#include "common/runtime/clock.h"
#include "common/runtime/config.h"
#include "common/runtime/http_pages.h"
#include "common/runtime/log.h"
#include "common/runtime/metrics.h"
#include "common/runtime/thread_executor.h"

namespace weir {
namespace {

// How long the controllers may take to move leaderships away before the broker goes anyway.
constexpr Duration kControlledShutdownTimeout = std::chrono::seconds(3);
constexpr Duration kLearnControllersTimeout = std::chrono::seconds(5);

// PartitionRouter, LogDirectories and ReplicationLink as the reconciler sees them.
class RouterHost : public broker::PartitionHost {
 public:
  RouterHost(replica::PartitionRouter& router, log::LogDirectories directories)
      : router_(router), directories_(std::move(directories)) {}
  // Acted on only when the controller knows which of the partitions are offline: a broker that has
  // just returned must not be given their leaderships.
  void Assign(std::vector<replica::Assignment> assignments, Task done) override {
    router_.Assign(std::move(assignments), [this, done = std::move(done)]() mutable {
      updates_->AfterStorage(std::move(done));
    });
  }
  void Drop(std::vector<replica::TopicPartition> partitions, Task done) override {
    router_.Drop(std::move(partitions), std::move(done));
  }
  std::vector<replica::TopicPartition> Stored() const override { return directories_.Stored(); }
  void OnBrokers(replica::PeerAddresses addresses) override {
    replication_->OnBrokers(std::move(addresses));
  }
  void OnThrottleRates(const replica::ThrottleRates& rates) override {
    router_.quotas().SetRates(rates);
  }
  // REQUIRES: called before the reconciler acts.
  void SetReplication(broker::ReplicationLink* replication, broker::IsrUpdates* updates) {
    replication_ = replication;
    updates_ = updates;
  }

 private:
  replica::PartitionRouter& router_;
  log::LogDirectories directories_;
  broker::ReplicationLink* replication_ = nullptr;
  broker::IsrUpdates* updates_ = nullptr;
};

class BrokerNode {
 public:
  explicit BrokerNode(handlers::BrokerConfig config)
      : config_(std::move(config)),
        shards_(config_.shards),
        metadata_thread_(std::make_shared<runtime::ThreadExecutor>("metadata")) {}
  ~BrokerNode() { StopThreads(); }

  // Errors: those of the directory, the store, or an address that is taken.
  Status Start();
  // Blocks until a signal or a fatal error has asked for the end; then stops cleanly.
  int RunUntilAsked();

 private:
  Status OpenStore();
  // Any thread.
  void OnStoreFailed(uint32_t directory, const std::string& reason);
  // Metadata thread.
  void OnDirectoryFailed(uint32_t directory, const std::string& reason);
  void ReportUnopened() const;
  void AddDiskMetrics();
  void FillContext();
  Status BindListeners();
  Status StartPages();
  void StartMetadata();
  void LinkReplication();
  broker::v1::Registration MakeRegistration() const;
  Status OnJoined(const Uuid& cluster_id, BrokerEpoch epoch);
  void LearnControllers();
  void OnApplied(LogIndex offset);
  void BecomeReady();
  void AddMetrics();
  std::string NotReadyReason() const;
  void StopCleanly();
  void StopThreads();

  const handlers::BrokerConfig config_;
  net::ShardSet shards_;
  std::shared_ptr<runtime::ThreadExecutor> metadata_thread_;

  log::DataDirectories directories_;
  // Set once everything is in place; until then failures wait. Metadata thread.
  bool started_ = false;
  std::vector<std::pair<uint32_t, std::string>> early_failures_;
  std::unique_ptr<replica::PartitionRouter> router_;
  std::unique_ptr<RouterHost> host_;

  std::unique_ptr<rpc::ControllerClient> client_;
  std::unique_ptr<broker::ControllerGateway> controllers_;
  std::unique_ptr<broker::ImageHolder> images_;
  std::unique_ptr<broker::Reconciler> reconciler_;
  std::unique_ptr<broker::MetadataFollower> follower_;
  std::unique_ptr<broker::BrokerSession> session_;
  std::unique_ptr<broker::ProducerIdPool> producer_ids_;
  std::unique_ptr<broker::IsrUpdates> isr_updates_;
  // One per shard.
  std::vector<std::unique_ptr<net::TcpDialer>> dialers_;
  std::unique_ptr<broker::ReplicationLink> replication_;

  handlers::BrokerContext context_;
  const handlers::Registry registry_ = handlers::MakeRegistry();
  handlers::ApiMetrics metrics_{runtime::Metrics::Global(), registry_};
  std::unique_ptr<handlers::Dispatcher> dispatcher_;
  std::unique_ptr<net::Server> server_;
  std::vector<const net::ListenerSpec*> client_listeners_;
  const net::ListenerSpec* inter_broker_listener_ = nullptr;
  std::unique_ptr<runtime::HttpPages> pages_;
  std::string http_address_;
  std::atomic<bool> ready_ = false;
  std::atomic<int64_t> applied_offset_ = 0;
};

// The process ends by exactly one of: a signal, or a failure that leaves nothing to save.
[[noreturn]] void EndAtOnce(const std::string& event, const std::string& reason) {
  LogError("broker", event, {{"reason", reason}});
  std::_Exit(EXIT_FAILURE);
}

Status BrokerNode::OpenStore() {
  log::DataDirectory::Options options{.node_id = config_.node_id,
                                      .bootstrap = config_.bootstrap,
                                      .direct_io = config_.direct_io,
                                      .disk_reserve_bytes = config_.disk_reserve_bytes};
  options.on_failed = [this](uint32_t directory, const std::string& reason) {
    OnStoreFailed(directory, reason);
  };
  WEIR_ASSIGN_OR_RETURN(directories_, log::OpenDataDirectories(config_.data_dirs, options));
  const log::LogDirectories stores = log::ViewOf(directories_);
  router_ = std::make_unique<replica::PartitionRouter>(config_.node_id, stores, shards_.Executors(),
                                                       config_.tail_cache_bytes);
  host_ = std::make_unique<RouterHost>(*router_, stores);
  ReportUnopened();
  return {};
}

constexpr const char* kLastStoreFailed = "the store failed, the broker ends";

void BrokerNode::OnStoreFailed(uint32_t directory, const std::string& reason) {
  if (config_.data_dirs.size() == 1) EndAtOnce(kLastStoreFailed, reason);
  metadata_thread_->Post([this, directory, reason] { OnDirectoryFailed(directory, reason); });
}

void BrokerNode::OnDirectoryFailed(uint32_t directory, const std::string& reason) {
  if (!started_) {
    early_failures_.emplace_back(directory, reason);
    return;
  }
  log::LogStore& store = directories_.opened[directory]->store();
  store.MarkFailed();
  const size_t left = log::ViewOf(directories_).live_count();
  if (left == 0) EndAtOnce(kLastStoreFailed, reason);
  LogError("broker", "data directory failed: its replicas are offline until it is repaired",
           {{"directory", directories_.opened[directory]->path()},
            {"reason", reason},
            {"partitions", store.partition_count()},
            {"directories_left", left}});
  router_->OnDirectoryFailed(directory);
}

void BrokerNode::ReportUnopened() const {
  for (const log::UnopenedDirectory& unopened : directories_.unopened) {
    LogError("broker", "data directory cannot be opened: its replicas are offline",
             {{"directory", unopened.path},
              {"reason", unopened.error.message},
              {"directories_left", directories_.opened.size()}});
  }
}

Status BrokerNode::BindListeners() {
  server_ = std::make_unique<net::Server>(shards_, config_.net, *dispatcher_);
  for (const net::ListenerSpec& listener : config_.client_listeners) {
    WEIR_ASSIGN_OR_RETURN(const net::ListenerSpec* bound, server_->Listen(listener));
    client_listeners_.push_back(bound);
  }
  WEIR_ASSIGN_OR_RETURN(inter_broker_listener_, server_->Listen(config_.inter_broker_listener));
  return {};
}

std::string BrokerNode::NotReadyReason() const {
  if (!ready_.load()) return "the broker has not joined the cluster yet";
  if (session_->IsFenced()) return "the broker is fenced";
  return "";
}

Status BrokerNode::StartPages() {
  if (config_.http_listen.empty()) return {};
  pages_ = std::make_unique<runtime::HttpPages>([this] { return NotReadyReason(); });
  WEIR_ASSIGN_OR_RETURN(const runtime::HostPort wanted,
                        runtime::ParseHostPort(config_.http_listen));
  WEIR_ASSIGN_OR_RETURN(const int port, pages_->Start(config_.http_listen));
  http_address_ = wanted.host + ":" + std::to_string(port);
  return {};
}

broker::v1::Registration BrokerNode::MakeRegistration() const {
  broker::v1::Registration registration;
  registration.set_broker_id(config_.node_id.value());
  Prng prng(runtime::RandomSeed());
  registration.set_incarnation_id(Uuid::Random(prng).ToBytes());
  for (const Uuid& id : directories_.ids) registration.add_directory_ids(id.ToBytes());
  for (const auto& directory : directories_.opened) {
    // One that was added to the others has not joined yet.
    const Uuid& cluster = directory->node().identity().cluster_id;
    if (!cluster.IsZero()) registration.set_cluster_id(cluster.ToBytes());
  }
  const auto add_endpoint = [&](const net::ListenerSpec& listener) {
    metadata::v1::Endpoint* endpoint = registration.add_endpoints();
    endpoint->set_name(listener.name);
    endpoint->set_host(handlers::RegisteredHost(listener));
    endpoint->set_port(listener.advertised_port);
    endpoint->set_security_protocol("PLAINTEXT");
  };
  for (const net::ListenerSpec* listener : client_listeners_) add_endpoint(*listener);
  add_endpoint(*inter_broker_listener_);
  registration.set_inter_broker_listener(inter_broker_listener_->name);
  registration.set_rack(config_.rack);
  registration.set_version(WEIR_VERSION);
  registration.set_http_address(http_address_);
  registration.set_previous_broker_epoch(log::ViewOf(directories_).previous_broker_epoch().value());
  return registration;
}

void BrokerNode::StartMetadata() {
  client_ = std::make_unique<rpc::ControllerClient>(
      config_.controllers,
      rpc::ControllerClientOptions{.tool = std::string("weir-broker/") + WEIR_VERSION});
  controllers_ = std::make_unique<broker::ControllerGateway>(*client_, metadata_thread_);
  images_ = std::make_unique<broker::ImageHolder>(*metadata_thread_, shards_.Executors());
  reconciler_ =
      std::make_unique<broker::Reconciler>(config_.node_id, config_.static_configs, *host_);
  follower_ = std::make_unique<broker::MetadataFollower>(
      metadata_thread_, config_.node_id, *controllers_, *reconciler_, *images_,
      [this](LogIndex offset) { OnApplied(offset); });
  session_ = std::make_unique<broker::BrokerSession>(
      metadata_thread_, *controllers_, MakeRegistration(),
      broker::SessionHooks{
          .on_joined = [this](const Uuid& cluster,
                              BrokerEpoch epoch) { return OnJoined(cluster, epoch); },
          .on_refused =
              [](const Error& error) {
                EndAtOnce("the cluster refuses this broker", ToString(error));
              },
          .disk_full = [this] { return log::ViewOf(directories_).AnyFull(); }});
  producer_ids_ =
      std::make_unique<broker::ProducerIdPool>(metadata_thread_, *controllers_, config_.node_id,
                                               [this] { return session_->broker_epoch(); });
}

void BrokerNode::LinkReplication() {
  const auto broker_epoch = [this] { return session_->broker_epoch(); };
  isr_updates_ = std::make_unique<broker::IsrUpdates>(metadata_thread_, *controllers_,
                                                      config_.node_id, broker_epoch);
  std::vector<replica::ReplicaFetchers::Lane> lanes;
  for (int i = 0; i < shards_.size(); ++i) {
    net::Shard& shard = shards_.at(i);
    dialers_.push_back(std::make_unique<net::TcpDialer>(shard, limits::kFrameBytesMax));
    lanes.push_back({.executor = &shard, .dialer = dialers_.back().get()});
  }
  replication_ = std::make_unique<broker::ReplicationLink>(config_.node_id, *router_, *isr_updates_,
                                                           std::move(lanes), config_.fetcher,
                                                           broker_epoch, log::ViewOf(directories_));
  router_->SetReplication(replication_.get(), config_.replica_lag_time_max);
  host_->SetReplication(replication_.get(), isr_updates_.get());
}

Status BrokerNode::OnJoined(const Uuid& cluster_id, BrokerEpoch epoch) {
  for (const auto& directory : directories_.opened) {
    if (directory->store().failed()) continue;
    WEIR_RETURN_IF_ERROR(directory->node().AdoptCluster(cluster_id));
  }
  follower_->OnRegistered(epoch);
  LearnControllers();
  return {};
}

// The next active controller may be one that the configuration does not name.
void BrokerNode::LearnControllers() {
  controllers_->DescribeQuorum({}, kLearnControllersTimeout,
                               [this](Result<admin::v1::DescribeQuorumReply> reply) {
                                 if (!reply) return;
                                 std::vector<std::string> addresses;
                                 for (const admin::v1::QuorumMember& member : reply->members()) {
                                   if (member.voter()) addresses.push_back(member.address());
                                 }
                                 client_->AddAddresses(addresses);
                               });
}

void BrokerNode::OnApplied(LogIndex offset) {
  applied_offset_.store(static_cast<int64_t>(offset.value()));
  session_->ReportApplied(static_cast<int64_t>(offset.value()));
  if (!ready_.load() && images_->Newest()->IsLive(config_.node_id)) BecomeReady();
}

void BrokerNode::BecomeReady() {
  ready_.store(true);
  producer_ids_->Prefetch();
  server_->StartAccepting();
  std::string kafka;
  for (const net::ListenerSpec* listener : client_listeners_) {
    kafka += (kafka.empty() ? "" : ",") + listener->host + ":" + std::to_string(listener->port);
  }
  LogInfo("broker", "ready",
          {{"kafka", kafka},
           {"inter_broker",
            inter_broker_listener_->host + ":" + std::to_string(inter_broker_listener_->port)},
           {"http", http_address_},
           {"partitions", reconciler_->open_count()}});
  std::printf("READY kafka=%s http=%s\n", kafka.c_str(), http_address_.c_str());
  std::fflush(stdout);
}

void BrokerNode::AddMetrics() {
  runtime::Metrics& metrics = runtime::Metrics::Global();
  const auto traffic = [this, &metrics](const char* name, const char* help,
                                        int64_t net::Server::Traffic::*field) {
    metrics.AddGaugeCallback(name, help, [this, field] {
      return static_cast<double>(server_->CurrentTraffic().*field);
    });
  };
  traffic("weir_connections", "Open client connections.", &net::Server::Traffic::connections_open);
  traffic("weir_connections_accepted_total", "Client connections accepted.",
          &net::Server::Traffic::connections_accepted);
  traffic("weir_network_received_bytes_total", "Bytes received from clients.",
          &net::Server::Traffic::bytes_received);
  traffic("weir_network_sent_bytes_total", "Bytes sent to clients.",
          &net::Server::Traffic::bytes_sent);
  traffic("weir_network_in_flight_bytes", "Bytes of requests and answers being worked on.",
          &net::Server::Traffic::bytes_in_flight);
  const replica::ReplicationQuotas& quotas = router_->quotas();
  metrics.AddGaugeCallback("weir_replication_throttled_sent_bytes_total",
                           "Bytes sent to replicas that catch up under a throttle.",
                           [&quotas] { return static_cast<double>(quotas.leader.bytes_total()); });
  metrics.AddGaugeCallback("weir_replication_throttled_received_bytes_total",
                           "Bytes fetched by replicas that catch up under a throttle.", [&quotas] {
                             return static_cast<double>(quotas.follower.bytes_total());
                           });
  metrics.AddGaugeCallback("weir_broker_fenced", "1 while the controllers fence this broker.",
                           [this] { return session_->IsFenced() ? 1.0 : 0.0; });
  metrics.AddGaugeCallback("weir_metadata_applied_offset",
                           "Metadata offset that this broker acts on.",
                           [this] { return static_cast<double>(applied_offset_.load()); });
}

void BrokerNode::AddDiskMetrics() {
  runtime::Metrics& metrics = runtime::Metrics::Global();
  const log::LogDirectories view = log::ViewOf(directories_);
  metrics.AddGaugeCallback("weir_disk_full",
                           "1 while producers are refused because a data directory is full.",
                           [view] { return view.AnyFull() ? 1.0 : 0.0; });
  metrics.AddGaugeCallback("weir_data_directories_offline",
                           "Data directories that have failed or could not be opened.",
                           [view] { return static_cast<double>(view.offline_count()); });
  metrics.AddGaugeCallback("weir_disk_room_bytes",
                           "Bytes that records may still take, on the disk with the least room.",
                           [this] {
                             uint64_t least = std::numeric_limits<uint64_t>::max();
                             for (const auto& directory : directories_.opened) {
                               if (directory->store().failed()) continue;
                               least = std::min(least, directory->disk().room_bytes());
                             }
                             return static_cast<double>(least);
                           });
}

void BrokerNode::FillContext() {
  context_.settings = {.node_id = config_.node_id,
                       .auto_create_topics = config_.auto_create_topics,
                       .version = WEIR_VERSION,
                       .inter_broker_listener = inter_broker_listener_->name,
                       .rack = config_.rack,
                       .rack_aware_reads = config_.rack_aware_reads,
                       .static_configs = config_.static_configs};
  context_.registry = &registry_;
  context_.images = images_.get();
  context_.controllers = controllers_.get();
  context_.producer_ids = producer_ids_.get();
  context_.partitions = router_.get();
  for (const std::string& path : config_.data_dirs) {
    log::DirectoryPlace& place = context_.directories.emplace_back();
    place.path = path;
    for (const auto& directory : directories_.opened) {
      if (directory->path() == path) place.store = &directory->store();
    }
  }
  context_.metrics = &metrics_;
  context_.shards = shards_.Executors();
}

Status BrokerNode::Start() {
  WEIR_RETURN_IF_ERROR(OpenStore());
  dispatcher_ = std::make_unique<handlers::Dispatcher>(context_, registry_);
  WEIR_RETURN_IF_ERROR(BindListeners());
  WEIR_RETURN_IF_ERROR(StartPages());
  StartMetadata();
  LinkReplication();
  FillContext();
  AddMetrics();
  AddDiskMetrics();
  shards_.Start();
  metadata_thread_->Post([this] {
    started_ = true;
    for (const auto& [directory, reason] : early_failures_) OnDirectoryFailed(directory, reason);
    session_->Start();
    follower_->Start();
  });
  LogInfo("broker", "started",
          {{"node_id", config_.node_id},
           {"directory_id", directories_.opened.front()->id()},
           {"directories", directories_.opened.size()},
           {"shards", config_.shards},
           {"version", WEIR_VERSION}});
  return {};
}

// Runs `start` with a callback and waits for it.
void WaitFor(const std::function<void(Task)>& start) {
  auto promise = std::make_shared<std::promise<void>>();
  std::future<void> future = promise->get_future();
  start([promise] { promise->set_value(); });
  future.wait();
}

int BrokerNode::RunUntilAsked() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int received = 0;
  sigwait(&signals, &received);
  LogInfo("broker", "stopping", {{"signal", received}});
  // A second signal ends the process the hard way.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  StopCleanly();
  return EXIT_SUCCESS;
}

void BrokerNode::StopCleanly() {
  WaitFor([this](Task done) {
    metadata_thread_->Post([this, done = std::move(done)]() mutable {
      session_->Stop(kControlledShutdownTimeout, std::move(done));
    });
  });
  server_->StopAccepting();
  server_->CloseAll();
  WaitFor([this](Task done) { router_->Checkpoint(std::move(done)); });
  const BrokerEpoch epoch = session_->broker_epoch();
  StopThreads();
  if (const Status closed = log::ViewOf(directories_).CloseCleanly(epoch); !closed) {
    LogError("broker", "not closed cleanly", {{"reason", ToString(closed.error())}});
  }
  LogInfo("broker", "stopped");
}

void BrokerNode::StopThreads() {
  if (pages_ != nullptr) pages_->Stop();
  runtime::Metrics::Global().ClearCallbacks();
  metadata_thread_->Stop();
  shards_.Stop();
  for (const auto& directory : directories_.opened) directory->Stop();
}

int Main(int argc, char** argv) {
  Result<runtime::LoadedConfig> loaded =
      runtime::LoadConfig(handlers::BrokerConfigKeys(), "weir-broker", WEIR_VERSION, argc, argv);
  if (loaded && loaded->print_and_exit && loaded->config.values().empty()) {
    std::fputs(loaded->print_and_exit->c_str(), stdout);  // --help, --version
    return EXIT_SUCCESS;
  }
  Result<handlers::BrokerConfig> config =
      loaded ? handlers::ReadBrokerConfig(loaded->config)
             : Result<handlers::BrokerConfig>(tl::unexpected<Error>(loaded.error()));
  if (!config) {
    std::fprintf(stderr, "weir-broker: %s\n", config.error().message.c_str());
    return EXIT_FAILURE;
  }
  if (loaded->print_and_exit) {
    std::fputs(loaded->print_and_exit->c_str(), stdout);  // --check-config
    return EXIT_SUCCESS;
  }
  if (const Status log = InitLog(config->log); !log) {
    std::fprintf(stderr, "weir-broker: %s\n", log.error().message.c_str());
    return EXIT_FAILURE;
  }
  // Before the first thread: every thread inherits the mask, so that only RunUntilAsked gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  BrokerNode node(*std::move(config));
  if (const Status started = node.Start(); !started) {
    LogError("broker", "cannot start", {{"reason", started.error().message}});
    return EXIT_FAILURE;
  }
  return node.RunUntilAsked();
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
