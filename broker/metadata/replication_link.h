// ReplicationLink: joins what replication is made of: partitions, the loops that fetch for them,
// and the controller that decides about their ISRs.
//
//   PartitionRouter --Follow, Unfollow--> ReplicaFetchers --TakeFetched--> PartitionRouter
//   PartitionRouter --ProposeIsr--> IsrUpdates --OnIsrAnswer--> PartitionRouter
//
// Thread rule: the ports' own; construct before the shards run, destroy after they have stopped.
#pragma once

#include <utility>
#include <vector>

#include "broker/metadata/isr_updates.h"
#include "broker/replica/partition_router.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/replica/replication_port.h"

namespace weir::broker {

class ReplicationLink : public replica::ReplicationPort, private replica::FollowedReplicas {
 public:
  ReplicationLink(NodeId node_id, replica::PartitionRouter& router, IsrUpdates& updates,
                  std::vector<replica::ReplicaFetchers::Lane> lanes,
                  replica::FetcherOptions options, std::function<BrokerEpoch()> broker_epoch)
      : router_(router),
        updates_(updates),
        fetchers_(node_id, std::move(lanes), *this, options, std::move(broker_epoch)) {}

  void OnBrokers(replica::PeerAddresses addresses) { fetchers_.OnBrokers(std::move(addresses)); }

  void Follow(NodeId leader, std::vector<replica::FollowerPosition> positions) override {
    fetchers_.Follow(leader, std::move(positions));
  }
  void Unfollow(std::vector<replica::TopicPartition> partitions) override {
    fetchers_.Unfollow(std::move(partitions));
  }
  void ProposeIsr(const replica::TopicPartition& partition,
                  replica::IsrProposal proposal) override {
    updates_.Propose(partition, std::move(proposal), [this, partition](replica::IsrAnswer answer) {
      router_.OnIsrAnswer(partition, std::move(answer));
    });
  }

 private:
  void TakeFetched(size_t home, std::vector<replica::FollowerFetch> fetched,
                   replica::TakeFetchedDone done) override {
    router_.TakeFetched(home, std::move(fetched), std::move(done));
  }

  replica::PartitionRouter& router_;
  IsrUpdates& updates_;
  replica::ReplicaFetchers fetchers_;
};

}  // namespace weir::broker
