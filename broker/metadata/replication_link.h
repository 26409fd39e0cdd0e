// ReplicationLink: joins what replication is made of: partitions, the loops that fetch for them,
// and the controller that decides about their ISRs.
//
//   PartitionRouter --Follow, Unfollow--> ReplicaFetchers --TakeFetched--> PartitionRouter
//   PartitionRouter --ProposeIsr, GiveUp--> IsrUpdates --OnIsrAnswer, OnGivenUp--> PartitionRouter
//
// Laws:
//  1. A follower whose disk is full takes no records: its loop asks again after a pause, from the
//     same place. It leaves the ISR at once if another replica is in sync; when there is room it
//     catches up and returns (I-14).
// Thread rule: the ports' own; construct before the shards run, destroy after they have stopped.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "broker/metadata/isr_updates.h"
#include "broker/metadata/stuck_replicas.h"
#include "broker/replica/partition_router.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/replica/replication_port.h"
#include "common/base/executor.h"

namespace weir::broker {

class ReplicationLink : public replica::ReplicationPort, private replica::FollowedReplicas {
 public:
  ReplicationLink(
      NodeId node_id, replica::PartitionRouter& router, IsrUpdates& updates,
      std::vector<replica::ReplicaFetchers::Lane> lanes, replica::FetcherOptions options,
      std::function<BrokerEpoch()> broker_epoch,
      std::function<bool()> disk_full = [] { return false; })
      : router_(router),
        updates_(updates),
        disk_full_(std::move(disk_full)),
        homes_(HomesOf(lanes)),
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
  void GiveUp(const replica::TopicPartition& partition) override {
    updates_.GiveUp(partition, [this, partition](replica::GivenUpAnswer answer) {
      router_.OnGivenUp(partition, answer);
    });
  }

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
                   replica::TakeFetchedDone done) override {
    if (!disk_full_()) {
      homes_[home].stuck.OnRoom();
    } else if (GiveUpStuck(homes_[home], fetched)) {
      done(std::vector<replica::TakenFetch>(fetched.size(),
                                            {.error = ErrorCode::kKafkaStorageError}));
      return;
    }
    router_.TakeFetched(home, std::move(fetched), std::move(done));
  }

  // Whether records came at all.
  bool GiveUpStuck(Home& home, const std::vector<replica::FollowerFetch>& fetched) {
    bool any = false;
    for (const replica::FollowerFetch& part : fetched) {
      if (part.records.empty()) continue;
      any = true;
      if (!home.stuck.OnNoRoom(part.partition)) continue;
      updates_.GiveUp(
          part.partition, [&home, partition = part.partition](replica::GivenUpAnswer answer) {
            home.executor->Post(
                [&home, partition, answer] { home.stuck.OnAnswer(partition, answer.error); });
          });
    }
    return any;
  }

  replica::PartitionRouter& router_;
  IsrUpdates& updates_;
  const std::function<bool()> disk_full_;
  // One per lane; never resized.
  std::vector<Home> homes_;
  replica::ReplicaFetchers fetchers_;
};

}  // namespace weir::broker
