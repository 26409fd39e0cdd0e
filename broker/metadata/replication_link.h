// ReplicationLink: joins what replication is made of: partitions, the loops that fetch for them,
// and the controller that decides about their ISRs.
//
//   PartitionRouter --Follow, Unfollow--> ReplicaFetchers --TakeFetched--> PartitionRouter
//   PartitionRouter --ProposeIsr, GiveUp, TellStorage--> IsrUpdates --OnIsrAnswer, OnGivenUp,
//   OnStorageAnswer--> PartitionRouter
//   PartitionRouter --ReportLogEnd--> IsrUpdates
//
// Laws:
//  1. A follower whose directory is full takes no records: its loop asks again after a pause, from
//     there. It leaves the ISR at once if another replica is in sync; when there is room it catches
//     up and returns (I-14).
// Thread rule: the ports' own; construct before the shards run, destroy after they have stopped.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "broker/log/log_directories.h"
#include "broker/metadata/isr_updates.h"
#include "broker/metadata/stuck_replicas.h"
#include "broker/replica/partition_router.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/replica/replication_port.h"
#include "common/base/executor.h"

namespace weir::broker {

class ReplicationLink : public replica::ReplicationPort, private replica::FollowedReplicas {
 public:
  ReplicationLink(NodeId node_id, replica::PartitionRouter& router, IsrUpdates& updates,
                  std::vector<replica::ReplicaFetchers::Lane> lanes,
                  replica::FetcherOptions options, std::function<BrokerEpoch()> broker_epoch,
                  std::function<MonoTime()> leads_until, log::LogDirectories directories)
      : router_(router),
        updates_(updates),
        directories_(std::move(directories)),
        leads_until_(std::move(leads_until)),
        homes_(HomesOf(lanes)),
        fetchers_(node_id, std::move(lanes), *this, options, std::move(broker_epoch),
                  &router.quotas().follower) {}

  const replica::ReplicaFetchers& fetchers() const { return fetchers_; }
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
  void GiveUp(const replica::TopicPartition& partition) override {
    updates_.GiveUp(partition, [this, partition](replica::GivenUpAnswer answer) {
      router_.OnGivenUp(partition, answer);
    });
  }
  void TellStorage(const replica::TopicPartition& partition, bool offline) override {
    updates_.TellStorage(partition, offline, [this, partition, offline](ErrorCode error) {
      router_.OnStorageAnswer(partition, offline, error);
    });
  }
  void ReportLogEnd(const replica::TopicPartition& partition, const log::EpochEnd& end) override {
    updates_.ReportLogEnd(partition, end);
  }
  MonoTime LeadsUntil() const override { return leads_until_(); }

 private:
  // What a shard knows whose loops follow leaders. Touched there only.
  struct Home {
    Executor* executor = nullptr;
    StuckReplicas stuck;
  };
  static std::vector<Home> HomesOf(const std::vector<replica::ReplicaFetchers::Lane>& lanes) {
    std::vector<Home> homes;
    for (const replica::ReplicaFetchers::Lane& lane : lanes) homes.push_back({lane.executor, {}});
    return homes;
  }

  void TakeFetched(size_t home, std::vector<replica::FollowerFetch> fetched,
                   replica::TakeFetchedDone done) override;
  // Takes what there is room for.
  void TakeSome(size_t home, std::vector<replica::FollowerFetch> fetched,
                replica::TakeFetchedDone done);
  void AskToGiveUp(Home& home, const replica::TopicPartition& partition);

  replica::PartitionRouter& router_;
  IsrUpdates& updates_;
  const log::LogDirectories directories_;
  const std::function<MonoTime()> leads_until_;
  // One per lane; never resized.
  std::vector<Home> homes_;
  replica::ReplicaFetchers fetchers_;
};

}  // namespace weir::broker
