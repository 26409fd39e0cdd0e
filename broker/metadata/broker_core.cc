#include "broker/metadata/broker_core.h"

#include <utility>

namespace weir::broker {
namespace {

std::vector<Executor*> ExecutorsOf(const std::vector<replica::ReplicaFetchers::Lane>& lanes) {
  std::vector<Executor*> executors;
  for (const replica::ReplicaFetchers::Lane& lane : lanes) executors.push_back(lane.executor);
  return executors;
}

}  // namespace

BrokerCore::BrokerCore(Options options, Loops loops, log::LogDirectories directories,
                       ControllerPorts controllers)
    : node_id_(options.node_id),
      metadata_thread_(std::move(loops.metadata)),
      controllers_(controllers),
      directories_(std::move(directories)),
      router_(node_id_, directories_, ExecutorsOf(loops.shards), options.tail_cache_bytes),
      isr_updates_(metadata_thread_, controllers_.calls, node_id_, AskForEpoch()),
      replication_(
          node_id_, router_, isr_updates_, loops.shards, options.fetcher, AskForEpoch(),
          [this] { return session_->held_until(); }, directories_),
      images_(*metadata_thread_, ExecutorsOf(loops.shards)),
      reconciler_(node_id_, std::move(options.static_configs), *this),
      producer_ids_(metadata_thread_, controllers_.calls, node_id_, AskForEpoch()) {
  router_.SetReplication(&replication_, options.replica_lag_time_max);
}

void BrokerCore::Join(v1::Registration registration, SessionHooks hooks,
                      std::function<void(LogIndex)> on_applied) {
  follower_ = std::make_unique<MetadataFollower>(
      metadata_thread_, node_id_, controllers_.feed, reconciler_, images_,
      [this, on_applied = std::move(on_applied)](LogIndex offset) {
        session_->ReportApplied(static_cast<int64_t>(offset.value()));
        on_applied(offset);
      });
  hooks.on_joined = [this, joined = std::move(hooks.on_joined)](const Uuid& cluster,
                                                                BrokerEpoch epoch) -> Status {
    WEIR_RETURN_IF_ERROR(joined(cluster, epoch));
    follower_->OnRegistered(epoch);
    return {};
  };
  hooks.on_committed = [this](LogIndex offset) { follower_->OnCommitted(offset); };
  session_ = std::make_unique<BrokerSession>(metadata_thread_, controllers_.session,
                                             std::move(registration), std::move(hooks));
}

void BrokerCore::Start() {
  session_->Start();
  follower_->Start();
}

// ---- PartitionHost ----------------------------------------------------------------------

void BrokerCore::Assign(std::vector<replica::Assignment> assignments, Task done) {
  auto forget = removed_topics_.ToForget(assignments, node_id_, metadata_thread_->Now());
  router_.Assign(std::move(assignments),
                 [this, forget = std::move(forget), done = std::move(done)]() mutable {
                   if (!forget.empty()) router_.ForgetTopics(std::move(forget));
                   isr_updates_.AfterStorage(std::move(done));
                 });
}

void BrokerCore::Drop(std::vector<replica::TopicPartition> partitions, Task done) {
  router_.Drop(std::move(partitions), std::move(done));
}

void BrokerCore::OnBrokers(replica::PeerAddresses addresses) {
  replication_.OnBrokers(std::move(addresses));
}

void BrokerCore::OnThrottleRates(const replica::ThrottleRates& rates) {
  router_.quotas().SetRates(rates);
}

void BrokerCore::OnTopicsRemoved(const std::map<Uuid, std::string>& topics) {
  removed_topics_.Add(topics, metadata_thread_->Now());
  router_.ForgetTopics(topics);
}

}  // namespace weir::broker
