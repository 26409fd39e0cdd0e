// PartitionRouter: what handlers and the reconciler call. It splits a request over the shards that
// own its partitions, posts once per shard, gathers the outcomes in the order of the parts and
// answers on the caller's shard.
//
//   net::ShardSet shards(n);
//   runtime::ThreadExecutor writer("log-writer"), syncer("log-sync");
//   auto store = runtime::OpenRocksDb(directory, options);
//   auto log_store = log::LogStore::Open(**store, writer, syncer, starts);
//   replica::PartitionRouter router(node_id, **log_store, shards.Executors(), tail_cache_bytes);
//   ...
//   shards.Stop(); writer.Stop(); syncer.Stop();
//   // then router, log store and store go, in this order
//
// Laws:
//  1. A partition belongs to one shard for the life of the process: hash of (topic id, index).
//  2. Requests that one shard makes reach a partition in the order they were made: pipelined
//     produce requests of one connection keep their sequence.
//  3. Every callback runs exactly once, on shard `home`, perhaps before the call returns; when the
//     executors stop it is dropped.
// Thread rule: call from the thread of shard `home`; Assign, Drop and the rest without a home from
// any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/log/log_directories.h"
#include "broker/replica/offset_operations.h"
#include "broker/replica/operations.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/replica/replication_port.h"
#include "broker/replica/replication_quota.h"
#include "common/base/executor.h"
#include "common/base/ids.h"

namespace weir::replica {

class PartitionTable;

class PartitionRouter {
 public:
  // `tail_cache_bytes` is the budget of all shards together.
  PartitionRouter(NodeId node_id, log::LogDirectories directories, std::vector<Executor*> shards,
                  size_t tail_cache_bytes);
  ~PartitionRouter();

  size_t ShardOf(const TopicPartition& partition) const;

  // Errors per part: kUnknownTopicOrPartition, kNotLeaderOrFollower, kInvalidRequiredAcks,
  // kNotEnoughReplicas, kMessageTooLarge, kCorruptMessage, kInvalidRecord, kInvalidTimestamp,
  // kUnsupportedCompressionType, kUnsupportedForMessageFormat, kOutOfOrderSequenceNumber,
  // kInvalidProducerEpoch, kUnknownProducerId, kRequestTimedOut. acks=0 and 1 are answered too: 0
  // at once.
  void Append(size_t home, AppendRequest request, AppendDone done);
  // Errors per part: kUnknownTopicOrPartition, kNotLeaderOrFollower, kFencedLeaderEpoch,
  // kUnknownLeaderEpoch, kOffsetOutOfRange, kKafkaStorageError.
  // What Fetch returns ends its wait: it then answers with what there is. Call it on shard `home`,
  // whenever.
  std::function<void()> Fetch(size_t home, FetchRequest request, FetchDone done);
  void ListOffsets(size_t home, std::vector<ListOffsetsPart> parts, ListOffsetsDone done);
  void Positions(size_t home, std::vector<PositionsPart> parts, PositionsDone done);
  void DeleteRecords(size_t home, std::vector<DeleteRecordsPart> parts, DeleteRecordsDone done);
  void EpochEnd(size_t home, std::vector<EpochEndPart> parts, EpochEndDone done);
  // Of partitions of __consumer_offsets; see offset_operations.h.
  void CommitOffsets(size_t home, OffsetCommit commit, OffsetCommitDone done);
  void QueryOffsets(size_t home, std::vector<OffsetQuery> queries, OffsetQueryDone done);
  void AllOffsets(size_t home, GroupOffsetsDone done);
  // Groups that have committed offsets in partitions that are led here, in no order.
  void OffsetGroups(size_t home, GroupIdsDone done);
  void ForgetOffsets(size_t home, OffsetForget forget, OffsetForgetDone done);
  // Topics were deleted: where this broker leads, the offsets of their partitions end. Any thread.
  void ForgetTopics(std::map<Uuid, std::string> topics);
  // Every open partition of the broker, in no order.
  void Describe(size_t home, PartitionInfosDone done);

  // What leaders answered to this broker's followers; see PartitionTable::TakeFetched.
  void TakeFetched(size_t home, std::vector<FollowerFetch> fetched, TakeFetchedDone done);
  // The controller's answer to a proposal of ReplicationPort::ProposeIsr. Any thread.
  void OnIsrAnswer(const TopicPartition& partition, IsrAnswer answer);
  // The same for ReplicationPort::GiveUp.
  void OnGivenUp(const TopicPartition& partition, GivenUpAnswer answer);
  // The same for ReplicationPort::TellStorage.
  void OnStorageAnswer(const TopicPartition& partition, bool offline, ErrorCode error);
  // The store of a data directory has failed: its partitions go offline on all shards. Any thread;
  // the store must be marked before.
  void OnDirectoryFailed(uint32_t directory);
  // Who fetches for followers and speaks to the controller. Call before the first Assign; `port`
  // outlives the shards.
  void SetReplication(ReplicationPort* port, Duration lag_max);

  // How fast replicas may catch up: by default as fast as they can. Any thread.
  ReplicationQuotas& quotas() { return quotas_; }

  // Brings partitions to what the metadata says: opens or creates those that are not open, follows
  // leader, epoch, ISR and configuration of the others. Repeating it changes nothing. `done` runs
  // on some shard when all of it is in force: from then on requests are served.
  void Assign(std::vector<Assignment> assignments, Task done);
  // Closes partitions and deletes their data.
  void Drop(std::vector<TopicPartition> partitions, Task done);
  // Before a clean stop: writes what makes the next start fast. `done` runs on some shard.
  void Checkpoint(Task done);

 private:
  friend class FetchOperation;

  struct RoutedShard {
    Executor* executor;
    std::unique_ptr<PartitionTable> table;
  };
  // The parts of a request that one shard owns, and where they stood in it.
  template <class Part>
  struct Share {
    size_t shard = 0;
    std::vector<size_t> indexes;
    std::vector<Part> parts;
  };

  template <class Part>
  std::vector<Share<Part>> Split(std::vector<Part> parts) const;
  template <class Part, class Outcome, class Done, class Run>
  void Scatter(size_t home, std::vector<Part> parts, Done done, Run run);
  // Runs `task` on `shard`: at once if that is where the caller is.
  void RunOn(size_t from, size_t shard, Task task) const;
  void OnEveryShard(std::function<void(size_t, PartitionTable&)> run, Task done);
  PartitionTable& table(size_t shard) const { return *shards_[shard]->table; }
  MonoTime Now(size_t shard) const { return shards_[shard]->executor->Now(); }

  log::LogDirectories directories_;
  ReplicationQuotas quotas_;
  std::vector<std::unique_ptr<RoutedShard>> shards_;
};

template <class Part>
std::vector<PartitionRouter::Share<Part>> PartitionRouter::Split(std::vector<Part> parts) const {
  std::vector<Share<Part>> by_shard(shards_.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    Share<Part>& share = by_shard[ShardOf(parts[i].partition)];
    share.indexes.push_back(i);
    share.parts.push_back(std::move(parts[i]));
  }
  std::vector<Share<Part>> shares;
  for (size_t shard = 0; shard < by_shard.size(); ++shard) {
    if (by_shard[shard].parts.empty()) continue;
    by_shard[shard].shard = shard;
    shares.push_back(std::move(by_shard[shard]));
  }
  return shares;
}

}  // namespace weir::replica
