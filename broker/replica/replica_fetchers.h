// ReplicaFetchers: the fetch loops of this broker, one per leader broker it follows, each on one
// shard: ReplicaFetcher decides, this class connects, sends, and carries records to the shards that
// own the partitions.
//
//   PartitionTable --Follow--> loop of that leader --Fetch over TCP--> leader
//   leader --records--> loop --TakeFetched--> partitions' shards --positions--> loop --next
//   Fetch-->
//
// Laws:
//  1. A partition is followed by one loop at a time: following another leader leaves the one before
//     (I-10).
//  2. Record batches are slices of the response as it was read; nothing is copied on the way to the
//     log.
//  3. A leader whose address changes is connected anew.
//  4. A leader that ended the connection is lost until it takes another, or kLostMax has passed:
//     then it may be this broker alone that does not reach it.
// Thread rule: Follow, Unfollow and OnBrokers from any thread; everything else on the shards.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/replica/replica_fetcher.h"
#include "common/base/executor.h"
#include "common/base/frame_connection.h"
#include "common/base/ids.h"

namespace weir::replica {

// What became of a FollowerFetch.
struct TakenFetch {
  // Anything but kNone: nothing was changed, the replica stays where it was.
  ErrorCode error = ErrorCode::kNone;
  // Where the replica stands now, everything persisted.
  FollowerPosition position;
};
using TakeFetchedDone = absl::AnyInvocable<void(std::vector<TakenFetch>)>;

// The partitions, as a fetch loop sees them.
class FollowedReplicas {
 public:
  virtual ~FollowedReplicas() = default;
  // Appends, truncates and moves watermarks. `done` runs on shard `home` when all of it is
  // persisted, with outcomes in the order of `fetched`.
  virtual void TakeFetched(size_t home, std::vector<FollowerFetch> fetched,
                           TakeFetchedDone done) = 0;
};

// Where a broker listens for other brokers.
struct PeerAddress {
  std::string host;
  uint16_t port = 0;

  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};
using PeerAddresses = std::map<NodeId, PeerAddress>;

// Longer than the controllers take to elect another leader, one of them dying too.
inline constexpr Duration kLostMax = std::chrono::seconds(2);

class ReplicaFetchers {
 public:
  // One per shard, in the order of the shards.
  struct Lane {
    Executor* executor = nullptr;
    FrameDialer* dialer = nullptr;
  };

  // `broker_epoch` is asked for each request, on any shard. `quotas` as for ReplicaFetcher.
  ReplicaFetchers(NodeId node_id, std::vector<Lane> lanes, FollowedReplicas& replicas,
                  FetcherOptions options, std::function<BrokerEpoch()> broker_epoch,
                  ThrottleQuotas* quotas = nullptr);
  // REQUIRES: the shards have stopped.
  ~ReplicaFetchers();

  // Partitions that follow `leader` from their positions on.
  void Follow(NodeId leader, std::vector<FollowerPosition> positions);
  // Partitions that follow nobody now.
  void Unfollow(std::vector<TopicPartition> partitions);
  // Every broker that is known.
  void OnBrokers(PeerAddresses addresses);

  // Whether a leader is lost (law 4), as shard `lane` knows it; on that shard.
  bool IsLost(size_t lane, NodeId leader) const;
  // Runs `then` on shard `lane` once it knows of every connection whose end has reached this
  // machine. A broker's end reaches its clients and its followers at one moment, and clients ask at
  // once who leads now.
  void WhenCurrent(size_t lane, Task then) const;

 private:
  class Loop;
  struct LaneState {
    Lane lane;
    size_t index = 0;
    PeerAddresses addresses;
    std::map<NodeId, std::unique_ptr<Loop>> loops;
    // Which loop of this lane follows a partition.
    std::map<TopicPartition, NodeId> leaders;
    std::map<NodeId, MonoTime> lost_until;
  };

  void FollowOn(LaneState& lane, NodeId leader, const std::vector<FollowerPosition>& positions);
  void UnfollowOn(LaneState& lane, const TopicPartition& partition);
  // On shard `here`, for all of them.
  void SetLost(LaneState& here, NodeId leader, bool lost);
  size_t LaneOf(NodeId leader) const;

  NodeId node_id_;
  FollowedReplicas& replicas_;
  FetcherOptions options_;
  std::function<BrokerEpoch()> broker_epoch_;
  ThrottleQuotas* quotas_;
  std::vector<std::unique_ptr<LaneState>> lanes_;
};

}  // namespace weir::replica
