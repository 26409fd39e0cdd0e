// SimBroker: see sim_broker.h.
#include "tests/sim/cluster/sim_broker.h"

#include <utility>

#include "common/base/check.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

constexpr size_t kTailCacheBytes = 16 * 1024;
constexpr Duration kStopTimeout = std::chrono::seconds(3);

}  // namespace

SimBroker::SimBroker(ClusterWorld& world, NodeId id)
    : world_(world),
      id_(id),
      disk_delay_(world.profile().disk),
      frontend_(id),
      shard_delay_(world.profile().shard) {
  directory_id_.bytes.fill(static_cast<uint8_t>(0x40 + id.value()));
}

void SimBroker::Start() {
  WEIR_CHECK(!running());
  ++life_;
  stopping_ = false;
  process_ = world_.NewProcess();
  const auto check = [this] { world_.AfterTask(*this); };
  shard_ = std::make_unique<SimExecutor>(process_, shard_delay_, check);
  writer_ = std::make_unique<SimExecutor>(process_, no_delay_, nullptr);
  syncer_ = std::make_unique<SimExecutor>(process_, disk_delay_, nullptr);
  metadata_ = std::make_shared<SimExecutor>(process_, no_delay_, nullptr);

  auto opened =
      log::LogStore::Open(store_, *writer_, *syncer_, std::make_shared<log::LogStartMap>());
  if (!opened) return world_.Fail("D-23 store does not open: " + opened.error().message);
  log_store_ = *std::move(opened);
  if (log_store_->previous_broker_epoch() != kNoBrokerEpoch) ++world_.probes().clean_restarts;
  StartCore();
  world_.Note("broker start", id_.value());
  metadata_->Post([this] { core_->Start(); });
}

void SimBroker::StartCore() {
  controllers_ = std::make_unique<SimControllerLink>(world_, address(), process_, metadata_);
  broker::BrokerCore::Options options{.node_id = id_,
                                      .tail_cache_bytes = kTailCacheBytes,
                                      .replica_lag_time_max = world_.profile().lag_max};
  options.fetcher.silence_max = std::chrono::milliseconds(1'500);
  options.fetcher.partition_bytes_max = world_.profile().fetch_bytes_max;
  core_ = std::make_unique<broker::BrokerCore>(
      std::move(options),
      broker::BrokerCore::Loops{metadata_, {{.executor = shard_.get(), .dialer = this}}},
      *log_store_, broker::ControllerPorts::Of(*controllers_));
  group_port_ = std::make_unique<SimGroupPort>(*controllers_);
  // Every life draws other member ids.
  const uint64_t seed = static_cast<uint64_t>(id_.value()) << 32 | life_;
  frontend_.Open(*core_, metadata_, *shard_, *this, *controllers_, *group_port_, seed);
  core_->Join(
      MakeRegistration(),
      broker::SessionHooks{
          .on_joined = [](const Uuid&, BrokerEpoch) -> Status { return {}; },
          .on_refused =
              [this](const Error& error) { world_.Fail("broker refused: " + error.message); }},
      [](LogIndex) {});
}

broker::v1::Registration SimBroker::MakeRegistration() {
  broker::v1::Registration registration;
  registration.set_broker_id(id_.value());
  registration.set_incarnation_id(Uuid::Random(world_.prng()).ToBytes());
  registration.add_directory_ids(directory_id_.ToBytes());
  metadata::v1::Endpoint* endpoint = registration.add_endpoints();
  endpoint->set_name("INTERNAL");
  endpoint->set_host("broker");
  endpoint->set_port(id_.value());
  endpoint->set_security_protocol("PLAINTEXT");
  registration.set_inter_broker_listener("INTERNAL");
  registration.set_version("sim");
  registration.set_previous_broker_epoch(log_store_->previous_broker_epoch().value());
  return registration;
}

void SimBroker::Crash(Fall fall) {
  if (!running()) return;
  world_.Note(fall == Fall::kKill ? "broker killed" : "broker power cut", id_.value());
  process_->alive = false;
  process_->held.clear();
  frontend_.DropAnswers();
  for (SimExecutor* each : {shard_.get(), writer_.get(), syncer_.get(), metadata_.get()}) {
    each->Clear();
  }
  frontend_.Close();
  core_.reset();
  group_port_.reset();
  controllers_.reset();
  log_store_.reset();
  if (fall == Fall::kKill) {
    store_.Kill();
  } else {
    store_.PowerCut(world_.prng());
  }
  world_.network().BreakAllOf(address());
}

void SimBroker::Wipe() {
  WEIR_CHECK(!running());
  world_.Note("broker wiped", id_.value());
  store_.Wipe();
  directory_id_ = Uuid::Random(world_.prng());
}

void SimBroker::FailDisk() {
  world_.Note("broker's disk fails", id_.value());
  ++world_.probes().failed_disks;
  store_.FailFrom(world_.prng().Below(20));
  world_.After(world_.prng().Between(0, 1'000), [this, life = life_] {
    if (life_ == life) Crash(Fall::kKill);
  });
}

void SimBroker::StopCleanly() {
  if (std::exchange(stopping_, true)) return;
  world_.Note("broker stops", id_.value());
  const auto leave = [this, life = life_] {
    if (!running() || life_ != life) return;
    static_cast<void>(log_store_->CloseCleanly(core_->session().broker_epoch()).has_value());
    Crash(Fall::kKill);
  };
  metadata_->Post([this, leave] {
    core_->session().Stop(kStopTimeout, [this, leave] {
      core_->partitions().Checkpoint([this, leave] { world_.Soon(leave); });
    });
  });
}

void SimBroker::Append(replica::AppendRequest request, replica::AppendDone done) {
  if (!running()) return;
  // AnyInvocable moves only; the request goes along.
  shard_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
    request.deadline = shard_->Now() + std::chrono::seconds(2);
    core_->partitions().Append(0, std::move(request), std::move(done));
  });
}

void SimBroker::Fetch(replica::FetchRequest request, replica::FetchDone done) {
  if (!running()) return;
  shard_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
    request.deadline = shard_->Now() + std::chrono::milliseconds(100);
    core_->partitions().Fetch(0, std::move(request), std::move(done));
  });
}

void SimBroker::Ask(SharedBytes frame, std::shared_ptr<net::PeerWatch> peer,
                    SimFrontend::Answered answered) {
  if (!running()) return;
  shard_->Post([this, frame = std::move(frame), peer = std::move(peer),
                answered = std::move(answered)]() mutable {
    frontend_.Serve(std::move(frame), std::move(peer), std::move(answered));
  });
}

void SimBroker::PeerGone(std::shared_ptr<net::PeerWatch> peer) {
  if (running()) shard_->Post([peer = std::move(peer)] { peer->Gone(); });
}

broker::ImagePtr SimBroker::image() const {
  return core_ == nullptr ? nullptr : core_->images().Newest();
}

std::vector<replica::PartitionInfo> SimBroker::DescribePartitions() {
  std::vector<replica::PartitionInfo> infos;
  shard_->RunDirectly(true);
  core_->partitions().Describe(
      0, [&](std::vector<replica::PartitionInfo> all) { infos = std::move(all); });
  shard_->RunDirectly(false);
  return infos;
}

replica::FetchOutcome SimBroker::ReadNow(const replica::TopicPartition& partition, Offset from) {
  replica::FetchRequest request;
  request.any_replica = true;
  request.bytes_min = 0;
  request.bytes_max = 1 << 30;
  request.deadline = shard_->Now();
  request.parts.push_back({partition, from, 1 << 30});
  replica::FetchOutcome outcome;
  outcome.error = ErrorCode::kUnknownServerError;
  shard_->RunDirectly(true);
  core_->partitions().Fetch(
      0, std::move(request),
      [&](std::vector<replica::FetchOutcome> outcomes) { outcome = std::move(outcomes.at(0)); });
  shard_->RunDirectly(false);
  return outcome;
}

}  // namespace weir::sim
