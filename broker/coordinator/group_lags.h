// GroupLags: the lag of consumer groups, worked out when somebody asks (`weir group describe`,
// /metrics) and never otherwise: a cluster that nobody asks does no work for it.
//
//   rows of committed offsets, here --> leaders of their partitions asked, each once --> lag
//
// A group's lag is known at its coordinator, the leader of its partition of __consumer_offsets:
// commits change far more often than leaders, and a group's series come from one broker. Only the
// leader of a partition knows its end and the times of its records: it is asked, over the network
// if it is another broker (peer_positions.h).
//
// Laws:
//  1. An answer comes within `patience`; what could not be learnt by then has an error.
//  2. Where a record's time is known from the last question about all groups, its leader is not
//     asked to read the record again: groups that stand still cost no reads.
//  3. Rows of topics that are gone, or were made again under another id, are left out.
// Thread rule: Ask from any thread; the rest on shard `home`. Construct before the shards run,
// destroy after they have stopped.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/coordinator/lag.h"
#include "broker/coordinator/peer_positions.h"
#include "broker/metadata/image_holder.h"
#include "broker/replica/partition_router.h"
#include "common/base/executor.h"

namespace weir::coordinator {

struct GroupLagReport {
  // About one group: kNone; kNotCoordinator: `coordinator` knows; kCoordinatorNotAvailable, and
  // errors of replica::OffsetQueryOutcome.
  ErrorCode error = ErrorCode::kNone;
  NodeId coordinator = kNoNode;
  // By group.
  std::vector<GroupLag> groups;
};

class GroupLags {
 public:
  using Done = absl::AnyInvocable<void(GroupLagReport)>;

  struct Home {
    size_t shard = 0;
    Executor& executor;
    FrameDialer& dialer;
  };

  // All outlive it.
  GroupLags(NodeId node_id, Home home, const broker::ImageHolder& images,
            replica::PartitionRouter& partitions);

  // About one group, or, without a name, all groups that this broker coordinates. `done` runs on
  // the home shard; when the shards stop it is dropped.
  void Ask(std::optional<std::string> group, Duration patience, Done done);

 private:
  class Round;
  // By the offset that was asked about.
  using Times = std::map<Offset, replica::PositionsOutcome::Time>;

  void AskHere(std::optional<std::string> group, MonoTime deadline, Done done);
  void AskOne(const std::string& group, MonoTime deadline, Done done);

  const NodeId node_id_;
  const Home home_;
  const broker::ImageHolder& images_;
  replica::PartitionRouter& partitions_;
  PeerPositions peers_;
  // Law 2.
  std::map<replica::TopicPartition, Times> known_;
};

}  // namespace weir::coordinator
