// Reconciler: makes the partitions that are open on this broker those that the metadata wants, with
// the leaders, epochs and configurations it names.
//
// Laws:
//  1. Idempotent: acting twice on the same image changes nothing.
//  2. The first action compares everything: what the data directory holds and the image does not
//     want is deleted. It must be given an image at least as new as this broker's registration,
//     so that no older view of the cluster deletes data or brings an old leadership back (D-23).
//  3. A topic that was deleted and created again has another id: its old data goes, its new
//     partitions start empty.
//  4. A partition that is missing from the cluster for another reason than deletion is never
//     deleted.
// Thread rule: the metadata thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/replica/operations.h"
#include "broker/replica/replica_fetchers.h"
#include "common/base/executor.h"
#include "common/metadata/delta.h"
#include "common/metadata/effective_config.h"
#include "common/metadata/image.h"
#include "common/metadata/throttled_replicas.h"

namespace weir::broker {

// The open partitions, as the reconciler changes them. Calls of one caller take effect in order.
class PartitionHost {
 public:
  virtual ~PartitionHost() = default;
  // `done` runs on some shard once requests are served accordingly.
  virtual void Assign(std::vector<replica::Assignment> assignments, Task done) = 0;
  virtual void Drop(std::vector<replica::TopicPartition> partitions, Task done) = 0;
  // What the data directory holds.
  virtual std::vector<replica::TopicPartition> Stored() const = 0;
  // Where the other brokers listen for this one; comes before assignments that need it.
  virtual void OnBrokers(replica::PeerAddresses addresses) = 0;
  // How fast replicas may catch up from now on; comes before assignments that are throttled by it.
  virtual void OnThrottleRates(const replica::ThrottleRates& rates) = 0;
  // Topics that were deleted, with their names: their committed offsets end (DESIGN D7).
  virtual void OnTopicsRemoved(const std::map<Uuid, std::string>& topics) = 0;
};

class Reconciler {
 public:
  // `static_config`: the node's own Kafka-named settings, which give topics their defaults.
  Reconciler(NodeId broker_id, metadata::StaticConfig static_config, PartitionHost& host);

  // Acts on `delta`, which led to `image`; everything, the first time. `done` runs on some thread
  // when all of it is in force.
  void Act(const metadata::MetadataImage& image, const metadata::Delta& delta, Task done);

  // Partitions that are open because of this reconciler.
  size_t open_count() const;

 private:
  using Indexes = std::set<PartitionIndex>;

  void ActOnAll(const metadata::MetadataImage& image);
  void ActOnDelta(const metadata::MetadataImage& image, const metadata::Delta& delta);
  void WantPartition(const metadata::MetadataImage& image, const metadata::Topic& topic,
                     PartitionIndex index);
  void WantOpenPartitionsAgain(const metadata::MetadataImage& image, const metadata::Topic& topic);
  bool WantsLogEnd(const metadata::Partition& partition) const;
  bool ReliesOn(const metadata::Partition& partition) const;
  void RemoveTopic(const Uuid& topic_id);
  log::LogConfigPtr ConfigOf(const metadata::MetadataImage& image, const metadata::Topic& topic);
  replica::ReplicaThrottle ThrottleOf(const metadata::MetadataImage& image,
                                      const metadata::Topic& topic, PartitionIndex index,
                                      const metadata::Partition& partition);
  void TellThrottleRates(const metadata::MetadataImage& image);
  bool DefaultsChanged(const metadata::Delta& delta) const;

  NodeId broker_id_;
  metadata::StaticConfig static_config_;
  PartitionHost& host_;
  bool acted_ = false;
  std::map<Uuid, Indexes> open_;
  // One per topic, shared by its partitions.
  std::map<Uuid, log::LogConfigPtr> configs_;
  struct ThrottledOfTopic {
    metadata::ThrottledReplicas leader;
    metadata::ThrottledReplicas follower;
  };
  std::map<Uuid, ThrottledOfTopic> throttled_;
  // Of the moves with a rate that this broker sends or receives records for.
  std::map<replica::TopicPartition, int64_t> move_rates_;
  // As last told.
  std::optional<replica::ThrottleRates> rates_;
  // What the running Act has decided.
  std::vector<replica::Assignment> assignments_;
  std::vector<replica::TopicPartition> drops_;
};

// Where a broker listens for others; nullopt: it registered no such listener.
std::optional<replica::PeerAddress> InterBrokerAddress(const metadata::Broker& broker);
// Of all registered brokers.
replica::PeerAddresses InterBrokerAddresses(const metadata::MetadataImage& image);

// A topic's configuration as its partitions' logs want it.
log::LogConfig ToLogConfig(const metadata::ConfigView& view, const std::string& topic);

}  // namespace weir::broker
