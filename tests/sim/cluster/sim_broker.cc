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
  router_ = std::make_unique<replica::PartitionRouter>(
      id_, *log_store_, std::vector<Executor*>{shard_.get()}, kTailCacheBytes);
  StartMetadata();
  world_.Note("broker start", id_.value());
  metadata_->Post([this] {
    session_->Start();
    follower_->Start();
  });
}

void SimBroker::StartMetadata() {
  const auto epoch = [this] { return session_->broker_epoch(); };
  controllers_ = std::make_unique<SimControllerLink>(world_, address(), process_, metadata_);
  updates_ = std::make_unique<broker::IsrUpdates>(metadata_, *controllers_, id_, epoch);
  replica::FetcherOptions options;
  options.silence_max = std::chrono::milliseconds(1'500);
  options.partition_bytes_max = world_.profile().fetch_bytes_max;
  replication_ = std::make_unique<broker::ReplicationLink>(
      id_, *router_, *updates_,
      std::vector<replica::ReplicaFetchers::Lane>{{.executor = shard_.get(), .dialer = this}},
      options, epoch);
  router_->SetReplication(replication_.get(), world_.profile().lag_max);
  images_ = std::make_unique<broker::ImageHolder>(*metadata_, std::vector<Executor*>{shard_.get()});
  reconciler_ = std::make_unique<broker::Reconciler>(id_, metadata::StaticConfig{},
                                                     static_cast<broker::PartitionHost&>(*this));
  follower_ = std::make_unique<broker::MetadataFollower>(
      metadata_, id_, *controllers_, *reconciler_, *images_,
      [this](LogIndex offset) { session_->ReportApplied(static_cast<int64_t>(offset.value())); });
  session_ = std::make_unique<broker::BrokerSession>(
      metadata_, *controllers_, MakeRegistration(),
      broker::SessionHooks{
          .on_joined =
              [this](const Uuid&, BrokerEpoch joined) {
                follower_->OnRegistered(joined);
                return Status();
              },
          .on_refused =
              [this](const Error& error) { world_.Fail("broker refused: " + error.message); }});
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
  for (SimExecutor* each : {shard_.get(), writer_.get(), syncer_.get(), metadata_.get()}) {
    each->Clear();
  }
  session_.reset();
  follower_.reset();
  reconciler_.reset();
  images_.reset();
  replication_.reset();
  updates_.reset();
  controllers_.reset();
  router_.reset();
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

void SimBroker::StopCleanly() {
  if (std::exchange(stopping_, true)) return;
  world_.Note("broker stops", id_.value());
  const auto leave = [this, life = life_] {
    if (!running() || life_ != life) return;
    static_cast<void>(log_store_->CloseCleanly(session_->broker_epoch()).has_value());
    Crash(Fall::kKill);
  };
  metadata_->Post([this, leave] {
    session_->Stop(kStopTimeout,
                   [this, leave] { router_->Checkpoint([this, leave] { world_.Soon(leave); }); });
  });
}

void SimBroker::Append(replica::AppendRequest request, replica::AppendDone done) {
  if (!running()) return;
  // AnyInvocable moves only; the request goes along.
  shard_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
    request.deadline = shard_->Now() + std::chrono::seconds(2);
    router_->Append(0, std::move(request), std::move(done));
  });
}

void SimBroker::Fetch(replica::FetchRequest request, replica::FetchDone done) {
  if (!running()) return;
  shard_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
    request.deadline = shard_->Now() + std::chrono::milliseconds(100);
    router_->Fetch(0, std::move(request), std::move(done));
  });
}

broker::ImagePtr SimBroker::image() const {
  return images_ == nullptr ? nullptr : images_->Newest();
}

std::vector<replica::PartitionInfo> SimBroker::DescribePartitions() {
  std::vector<replica::PartitionInfo> infos;
  shard_->RunDirectly(true);
  router_->Describe(0, [&](std::vector<replica::PartitionInfo> all) { infos = std::move(all); });
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
  router_->Fetch(0, std::move(request), [&](std::vector<replica::FetchOutcome> outcomes) {
    outcome = std::move(outcomes.at(0));
  });
  shard_->RunDirectly(false);
  return outcome;
}

// ---- PartitionHost ----------------------------------------------------------------------

void SimBroker::Assign(std::vector<replica::Assignment> assignments, Task done) {
  router_->Assign(std::move(assignments), std::move(done));
}
void SimBroker::Drop(std::vector<replica::TopicPartition> partitions, Task done) {
  router_->Drop(std::move(partitions), std::move(done));
}
std::vector<replica::TopicPartition> SimBroker::Stored() const { return log_store_->Stored(); }
void SimBroker::OnBrokers(replica::PeerAddresses addresses) {
  replication_->OnBrokers(std::move(addresses));
}
void SimBroker::OnThrottleRates(const replica::ThrottleRates& rates) {
  router_->quotas().SetRates(rates);
}

}  // namespace weir::sim
