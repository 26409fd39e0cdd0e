#include "broker/node/broker_node.h"

#include <cstdio>
#include <functional>
#include <future>
#include <utility>

#include "broker/node/end_at_once.h"
#include "broker/node/group_pages.h"
#include "broker/node/node_metrics.h"
#include "common/base/limits.h"
#include "common/base/prng.h"
#include "common/runtime/clock.h"
#include "common/runtime/log.h"

namespace weir::node {
namespace {

// How long the controllers may take to move leaderships away before the broker goes anyway.
constexpr Duration kControlledShutdownTimeout = std::chrono::seconds(3);
constexpr Duration kLearnControllersTimeout = std::chrono::seconds(5);
// All voters may be replaced while one session lasts: who they are is asked again with the next
// change of metadata after this.
constexpr Duration kLearnControllersEvery = std::chrono::milliseconds(250);

// Runs `start` with a callback and waits for it.
void WaitFor(const std::function<void(Task)>& start) {
  auto promise = std::make_shared<std::promise<void>>();
  std::future<void> future = promise->get_future();
  start([promise] { promise->set_value(); });
  future.wait();
}

}  // namespace

BrokerNode::BrokerNode(handlers::BrokerConfig config, std::string version)
    : config_(std::move(config)),
      version_(std::move(version)),
      shards_(config_.shards),
      metadata_thread_(std::make_shared<runtime::ThreadExecutor>("metadata")),
      storage_(config_, *metadata_thread_) {}

Status BrokerNode::Start() {
  WEIR_RETURN_IF_ERROR(storage_.Open());
  ConnectParts();
  WEIR_RETURN_IF_ERROR(BindListeners());
  WEIR_RETURN_IF_ERROR(StartPages());
  Join();
  FillContext();
  AddTrafficMetrics(*server_);
  AddCoreMetrics(*core_, applied_offset_);
  AddDiskMetrics(storage_);
  shards_.Start();
  metadata_thread_->Post([this] {
    storage_.WatchFailures(
        [this](uint32_t directory) { core_->partitions().OnDirectoryFailed(directory); });
    core_->Start();
    empty_groups_->Start();
  });
  LogInfo("broker", "started",
          {{"node_id", config_.node_id},
           {"directory_id", storage_.directories().opened.front()->id()},
           {"directories", storage_.directories().opened.size()},
           {"shards", config_.shards},
           {"version", version_}});
  return {};
}

void BrokerNode::ConnectParts() {
  client_ = std::make_unique<rpc::ControllerClient>(
      config_.controllers, rpc::ControllerClientOptions{.tool = "weir-broker/" + version_});
  controllers_ = std::make_unique<broker::ControllerGateway>(*client_, metadata_thread_);
  std::vector<replica::ReplicaFetchers::Lane> lanes;
  for (int i = 0; i < shards_.size(); ++i) {
    net::Shard& shard = shards_.at(i);
    dialers_.push_back(std::make_unique<net::TcpDialer>(shard, limits::kFrameBytesMax));
    lanes.push_back({.executor = &shard, .dialer = dialers_.back().get()});
  }
  core_ = std::make_unique<broker::BrokerCore>(
      broker::BrokerCore::Options{.node_id = config_.node_id,
                                  .static_configs = config_.static_configs,
                                  .tail_cache_bytes = config_.tail_cache_bytes,
                                  .fetcher = config_.fetcher,
                                  .replica_lag_time_max = config_.replica_lag_time_max},
      broker::BrokerCore::Loops{metadata_thread_, std::move(lanes)}, storage_.View(),
      broker::ControllerPorts::Of(*controllers_));
  standing_ = std::make_unique<coordinator::BrokerStanding>(
      [this] { return core_->session().in_touch_until(); }, core_->images(), core_->partitions());
  groups_ = std::make_unique<coordinator::GroupGateways>(metadata_thread_, shards_.Executors(),
                                                         core_->images(), *controllers_, *standing_,
                                                         runtime::RandomSeed());
  for (int i = 0; i < shards_.size(); ++i) {
    links_.push_back(std::make_unique<coordinator::PeerLinks>(config_.node_id, shards_.at(i),
                                                              *dialers_[static_cast<size_t>(i)]));
  }
  lags_ = std::make_unique<coordinator::GroupLags>(
      config_.node_id,
      coordinator::GroupLags::Home{.shard = 0, .executor = shards_.at(0), .dialer = *dialers_[0]},
      core_->images(), core_->partitions());
  empty_groups_ = std::make_unique<coordinator::EmptyGroups>(
      config_.node_id, metadata_thread_, core_->images(), *controllers_,
      coordinator::QueryOffsetsOn(core_->partitions(), 0, shards_.at(0), metadata_thread_));
}

Status BrokerNode::BindListeners() {
  server_ = std::make_unique<net::Server>(shards_, config_.net, dispatcher_);
  for (const net::ListenerSpec& listener : config_.client_listeners) {
    WEIR_ASSIGN_OR_RETURN(const net::ListenerSpec* bound, server_->Listen(listener));
    addresses_.client_listeners.push_back(bound);
  }
  WEIR_ASSIGN_OR_RETURN(addresses_.inter_broker_listener,
                        server_->Listen(config_.inter_broker_listener));
  return {};
}

Status BrokerNode::StartPages() {
  if (config_.http_listen.empty()) return {};
  pages_ = std::make_unique<runtime::HttpPages>([this] { return NotReadyReason(); });
  AddGroupPages(*lags_, *pages_);
  WEIR_ASSIGN_OR_RETURN(const runtime::HostPort wanted,
                        runtime::ParseHostPort(config_.http_listen));
  WEIR_ASSIGN_OR_RETURN(const int port, pages_->Start(config_.http_listen));
  addresses_.http = wanted.host + ":" + std::to_string(port);
  return {};
}

std::string BrokerNode::NotReadyReason() const {
  if (!ready_.load()) return "the broker has not joined the cluster yet";
  if (core_->session().IsFenced()) return "the broker is fenced";
  return "";
}

void BrokerNode::Join() {
  Prng prng(runtime::RandomSeed());
  core_->Join(
      MakeRegistration(config_, addresses_, storage_.directories(), Uuid::Random(prng), version_),
      broker::SessionHooks{
          .on_joined = [this](const Uuid& cluster, BrokerEpoch) { return OnJoined(cluster); },
          .on_refused =
              [](const Error& error) {
                EndAtOnce("the cluster refuses this broker", ToString(error));
              },
          .full_directories = [view = storage_.View()] { return view.Full(); }},
      [this](LogIndex offset) { OnApplied(offset); });
}

Status BrokerNode::OnJoined(const Uuid& cluster_id) {
  WEIR_RETURN_IF_ERROR(storage_.AdoptCluster(cluster_id));
  LearnControllers();
  return {};
}

// The next active controller may be one that the configuration does not name.
void BrokerNode::LearnControllers() {
  learnt_at_ = metadata_thread_->Now();
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
  if (metadata_thread_->Now() - learnt_at_ >= kLearnControllersEvery) LearnControllers();
  if (!ready_.load() && core_->images().Newest()->IsLive(config_.node_id)) BecomeReady();
}

void BrokerNode::BecomeReady() {
  ready_.store(true);
  core_->producer_ids().Prefetch();
  server_->StartAccepting();
  const std::string kafka = addresses_.KafkaText();
  LogInfo("broker", "ready",
          {{"kafka", kafka},
           {"inter_broker", addresses_.InterBrokerText()},
           {"http", addresses_.http},
           {"partitions", core_->reconciler().open_count()}});
  std::fputs(("READY kafka=" + kafka + " http=" + addresses_.http + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void BrokerNode::FillContext() {
  context_.settings = {.node_id = config_.node_id,
                       .auto_create_topics = config_.auto_create_topics,
                       .version = version_,
                       .inter_broker_listener = addresses_.inter_broker_listener->name,
                       .rack = config_.rack,
                       .rack_aware_reads = config_.rack_aware_reads,
                       .static_configs = config_.static_configs};
  context_.registry = &registry_;
  context_.images = &core_->images();
  context_.controllers = controllers_.get();
  context_.fetchers = &core_->fetchers();
  context_.producer_ids = &core_->producer_ids();
  context_.partitions = &core_->partitions();
  context_.groups = groups_.get();
  for (const auto& links : links_) context_.links.push_back(links.get());
  context_.directories = storage_.Places();
  context_.metrics = &metrics_;
  context_.shards = shards_.Executors();
}

void BrokerNode::StopCleanly() {
  WaitFor([this](Task done) {
    metadata_thread_->Post([this, done = std::move(done)]() mutable {
      core_->session().Stop(kControlledShutdownTimeout, std::move(done));
    });
  });
  server_->StopAccepting();
  server_->CloseAll();
  WaitFor([this](Task done) { core_->partitions().Checkpoint(std::move(done)); });
  const BrokerEpoch epoch = core_->session().broker_epoch();
  StopThreads();
  if (const Status closed = storage_.View().CloseCleanly(epoch); !closed) {
    LogError("broker", "not closed cleanly", {{"reason", ToString(closed.error())}});
  }
  LogInfo("broker", "stopped");
}

void BrokerNode::StopThreads() {
  if (pages_ != nullptr) pages_->Stop();
  runtime::Metrics::Global().ClearCallbacks();
  metadata_thread_->Stop();
  shards_.Stop();
  storage_.Stop();
}

}  // namespace weir::node
