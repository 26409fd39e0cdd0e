// BrokerCore: a broker between its sockets and its stores: partitions, replication, metadata and
// the session with the controllers, put together in one place. weir-broker gives it gRPC, TCP and
// threads, the simulator simulated ones, tests of handlers fake controllers.
//
//   controllers --metadata--> MetadataFollower --> Reconciler --> PartitionRouter --> directories
//   PartitionRouter <--> ReplicationLink <--> other brokers, IsrUpdates --> controllers
//
// Laws:
//  1. Metadata is acted on only when the controller knows which of the partitions are offline: a
//     broker that has just returned must not be given their leaderships.
// Thread rule: construct and Join before the loops run, destroy after they have stopped; Start on
// the metadata thread; the parts have their own rules.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/log/log_directories.h"
#include "broker/metadata/broker_session.h"
#include "broker/metadata/controller_port.h"
#include "broker/metadata/image_holder.h"
#include "broker/metadata/isr_updates.h"
#include "broker/metadata/metadata_follower.h"
#include "broker/metadata/producer_id_pool.h"
#include "broker/metadata/reconciler.h"
#include "broker/metadata/removed_topics.h"
#include "broker/metadata/replication_link.h"
#include "broker/replica/partition_router.h"

namespace weir::broker {

// The controllers, by what is asked of them.
struct ControllerPorts {
  ControllerPort& calls;
  SessionPort& session;
  FeedPort& feed;

  // One object that is all three.
  template <class All>
  static ControllerPorts Of(All& all) {
    return {all, all, all};
  }
};

class BrokerCore : private PartitionHost {
 public:
  struct Options {
    NodeId node_id;
    // The node's own Kafka-named settings.
    metadata::StaticConfig static_configs;
    size_t tail_cache_bytes = 0;
    replica::FetcherOptions fetcher;
    // replica.lag.time.max.ms.
    Duration replica_lag_time_max = std::chrono::seconds(30);
  };
  struct Loops {
    std::shared_ptr<Executor> metadata;
    // One per shard.
    std::vector<replica::ReplicaFetchers::Lane> shards;
  };

  // `controllers` and what `directories` views outlive the core.
  BrokerCore(Options options, Loops loops, log::LogDirectories directories,
             ControllerPorts controllers);
  ~BrokerCore() override = default;
  BrokerCore(const BrokerCore&) = delete;
  BrokerCore& operator=(const BrokerCore&) = delete;

  // Makes the session and the follower. `on_applied` gets each metadata offset that is acted on
  // and visible here, after the session has heard of it; metadata thread.
  void Join(v1::Registration registration, SessionHooks hooks,
            std::function<void(LogIndex)> on_applied);
  // REQUIRES: Join.
  void Start();

  replica::PartitionRouter& partitions() { return router_; }
  const replica::PartitionRouter& partitions() const { return router_; }
  const replica::ReplicaFetchers& fetchers() const { return replication_.fetchers(); }
  ImageHolder& images() { return images_; }
  const ImageHolder& images() const { return images_; }
  ProducerIdPool& producer_ids() { return producer_ids_; }
  const Reconciler& reconciler() const { return reconciler_; }
  // REQUIRES: Join.
  BrokerSession& session() { return *session_; }
  const BrokerSession& session() const { return *session_; }

 private:
  // PartitionHost.
  void Assign(std::vector<replica::Assignment> assignments, Task done) override;
  void Drop(std::vector<replica::TopicPartition> partitions, Task done) override;
  std::vector<replica::TopicPartition> Stored() const override { return directories_.Stored(); }
  void OnBrokers(replica::PeerAddresses addresses) override;
  void OnThrottleRates(const replica::ThrottleRates& rates) override;
  void OnTopicsRemoved(const std::map<Uuid, std::string>& topics) override;

  std::function<BrokerEpoch()> AskForEpoch() {
    return [this] { return session_->broker_epoch(); };
  }

  const NodeId node_id_;
  const std::shared_ptr<Executor> metadata_thread_;
  const ControllerPorts controllers_;
  const log::LogDirectories directories_;
  replica::PartitionRouter router_;
  IsrUpdates isr_updates_;
  ReplicationLink replication_;
  ImageHolder images_;
  Reconciler reconciler_;
  RemovedTopics removed_topics_;
  ProducerIdPool producer_ids_;
  std::unique_ptr<MetadataFollower> follower_;
  std::unique_ptr<BrokerSession> session_;
};

}  // namespace weir::broker
