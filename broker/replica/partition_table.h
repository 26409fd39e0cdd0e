// PartitionTable: the open partitions of one shard: each a Partition (what holds) and a
// PartitionLog (what is stored), with the requests that wait for them.
//
// Laws:
//  1. An append is answered when its promise holds: acks=all when the high watermark has passed it,
//     1 and 0 when it is persisted here (acks=0 so that its bytes stay charged to the connection
//     until they are written).
//  2. Clients read below the high watermark only.
//  3. A partition whose log cannot be opened, or whose data directory has failed, is offline: its
//     requests get KAFKA_STORAGE_ERROR, the others go on. The controller is told.
//  4. What a restart would have to replay is written out every kCheckpointInterval.
//  5. A follower fetches only when everything it has is persisted: its fetch offset is its promise.
//  6. A replica whose stored batches are damaged fetches no more. Once the controller has taken it
//     out of every list of the partition, it is thrown away and follows from empty (D-18); until
//     then, and always while nobody else is in sync, it is kept.
//  7. So is one that was in a data directory that is lost: it is offline until the metadata relies
//     on it no more, and then follows from empty.
//  8. Committed offsets are readable at their leader, once everything that was committed before it
//     led is readable (G-10).
//  9. Commits of one partition are appended in the order they came, and before anything that comes
//     after them forgets offsets. Each is checked in the moment of its append.
// Thread rule: its shard's executor; construct before it runs.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "broker/log/log_directories.h"
#include "broker/log/log_store.h"
#include "broker/log/partition_log.h"
#include "broker/log/tail_cache.h"
#include "broker/replica/offset_operations.h"
#include "broker/replica/operations.h"
#include "broker/replica/partition.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/replica/replication_port.h"
#include "broker/replica/wait_queue.h"
#include "common/base/executor.h"
#include "common/base/ids.h"

namespace weir::replica {

class PartitionTable {
 public:
  static constexpr Duration kCheckpointInterval = std::chrono::seconds(5);
  // Between two requests to give a damaged replica up.
  static constexpr Duration kGiveUpInterval = std::chrono::seconds(2);
  // Between two attempts to tell the controller which replicas are offline.
  static constexpr Duration kTellStorageInterval = std::chrono::milliseconds(500);
  // How long committed offsets wait for others to be written as rows with them.
  static constexpr Duration kOffsetRowsInterval = std::chrono::seconds(1);
  // Records of several commits in one batch: far below any max.message.bytes that makes sense, and
  // large enough that a batch's own cost does not count.
  static constexpr size_t kCommitBatchBytesMax = 64 * 1024;
  // Between two reports of where the log of a partition without a leader ends.
  static constexpr Duration kLogEndInterval = std::chrono::seconds(1);
  // How long a follower's fetch that finds no records may still wait for some once there is a new
  // high watermark to tell. Under load the next records carry it; without load every follower knows
  // it so much later, at the cost of one more fetch. The second part keeps that cost in proportion:
  // each fetch names all partitions.
  static constexpr Duration kHighWatermarkPause = std::chrono::milliseconds(10);
  static constexpr Duration kHighWatermarkPausePerPartition = std::chrono::microseconds(20);

  PartitionTable(NodeId node_id, log::LogDirectories directories, Executor& executor,
                 size_t tail_cache_bytes);
  PartitionTable(const PartitionTable&) = delete;
  PartitionTable& operator=(const PartitionTable&) = delete;

  // Parts as in AppendRequest; `buffer_bytes` and `records_bytes` of the whole request
  // (AppendContext).
  struct AppendParts {
    int16_t acks = -1;
    int16_t api_version = 0;
    MonoTime deadline;
    std::vector<AppendPart> parts;
    size_t buffer_bytes = 0;
    size_t records_bytes = 0;
  };
  void Append(AppendParts request, AppendDone done);

  // Who reads: a client, or a follower.
  struct Reader {
    NodeId replica = kNoNode;
    BrokerEpoch replica_epoch = kNoBrokerEpoch;
    bool any_replica = false;
    // As in FetchRequest.
    MonoTime sent_after = MonoTime::min();

    bool is_follower() const { return replica != kNoNode; }
  };
  // Takes a follower's fetch offsets as its acknowledgements. Those that cannot be one change
  // nothing: Read says why.
  void Acknowledge(const std::vector<FetchPart>& parts, const Reader& reader);
  // What can be read now, `bytes_max` in all. A follower that catches up gets nothing while the
  // quota it is throttled by is exceeded; whoever sends what is read records it there.
  std::vector<FetchOutcome> Read(const std::vector<FetchPart>& parts, int64_t bytes_max,
                                 const Reader& reader);
  // Whether a follower that asked with `parts` does not know yet what `outcomes` say besides
  // records: how far the log is readable (I-43).
  static bool TellsMore(const std::vector<FetchPart>& parts,
                        const std::vector<FetchOutcome>& outcomes);
  // Wakes when `bytes` more became readable in the partitions, when one stops being served here,
  // when one that Read left out because of its quota may be read, or at the deadline; a follower
  // also kHighWatermarkPause after a high watermark has moved.
  WaitQueue::WaitId Watch(const std::vector<FetchPart>& parts, int64_t bytes, MonoTime deadline,
                          const Reader& reader, Task wake);
  void CancelWatch(WaitQueue::WaitId id, const Reader& reader) {
    (reader.is_follower() ? log_end_waits_ : visible_waits_).Cancel(id);
  }

  // What a leader answered to this follower. `done` runs when all of it is persisted.
  void TakeFetched(std::vector<FollowerFetch> fetched, TakeFetchedDone done);
  void OnIsrAnswer(const TopicPartition& partition, const IsrAnswer& answer);
  void OnGivenUp(const TopicPartition& partition, const GivenUpAnswer& answer);
  // What the controller said to ReplicationPort::TellStorage.
  void OnStorageAnswer(const TopicPartition& partition, bool offline, ErrorCode error);
  // The directory's store is marked as failed.
  void OnDirectoryFailed(uint32_t directory);
  // `port` null: partitions have one replica. `lag_max`: replica.lag.time.max.ms.
  void SetReplication(ReplicationPort* port, Duration lag_max) {
    port_ = port;
    lag_max_ = lag_max;
  }
  // Null: nothing is throttled. `quotas` outlives the table.
  void SetQuotas(const ThrottleQuotas* leader_quotas) { quotas_ = leader_quotas; }
  MonoTime Now() const { return executor_.Now(); }

  std::vector<ListOffsetsOutcome> ListOffsets(const std::vector<ListOffsetsPart>& parts) const;
  void DeleteRecords(const std::vector<DeleteRecordsPart>& parts, DeleteRecordsDone done);
  std::vector<EpochEndOutcome> EpochEnd(const std::vector<EpochEndPart>& parts) const;
  std::vector<PartitionInfo> Describe() const;

  std::vector<PositionsOutcome> Positions(const std::vector<PositionsPart>& parts) const;

  // Of partitions of __consumer_offsets; `shard` is this table's number. Commits that arrive while
  // the shard is busy with others become one batch of their partition (law 9).
  void CommitOffsets(size_t shard, OffsetCommit commit, OffsetCommitDone done);
  // Of every partition of __consumer_offsets that is led here and can be read, as far as there is
  // room for them.
  std::vector<GroupOffset> AllOffsets() const;
  // Groups that have offsets in such partitions.
  std::vector<std::string> OffsetGroups() const;
  std::vector<OffsetQueryOutcome> QueryOffsets(const std::vector<OffsetQuery>& queries) const;
  void ForgetOffsets(const OffsetForget& forget, OffsetForgetDone done);
  // Topics that were deleted, with their names: the offsets of their partitions end.
  void ForgetTopics(const std::map<Uuid, std::string>& topics);

  void Assign(std::vector<Assignment> assignments);
  void Drop(const std::vector<TopicPartition>& partitions);
  // Writes out what has changed since the last checkpoint.
  void Checkpoint();

 private:
  struct Replica {
    TopicPartition id;
    Partition partition;
    std::unique_ptr<log::PartitionLog> log;
    // Appends above the high watermark, in order: what becomes readable when it passes them.
    struct InFlight {
      Offset end_offset;
      int64_t bytes;
    };
    std::vector<InFlight> in_flight;
    bool in_dirty_list = false;
    // Follow the leader once everything is persisted.
    bool follow_when_persisted = false;
    // A cut of the log is not on disk yet.
    bool cutting = false;
    ReplicaThrottle throttle;
  };
  struct PendingAppend;
  struct Taking;
  // By directory.
  using Writes = std::vector<std::vector<log::LogAppend>>;
  // A commit that waits for its append.
  struct WaitingCommit {
    size_t shard;
    OffsetCommit commit;
    OffsetCommitDone done;
  };
  struct CommitBatch;
  struct Damage {
    // The newest since the damage was found.
    std::optional<Assignment> assignment;
    // In this epoch and later ones the replica is in no list; -1: the controller has not agreed.
    LeaderEpoch given_up_in{-1};
    // Nothing of it is left.
    bool lost = false;
    // The controller has refused to let it go.
    bool refused = false;
  };

  // Errors: kNotLeaderOrFollower when not open here, kKafkaStorageError when offline.
  Result<Replica*> Find(const TopicPartition& id) const;
  // Also the errors of Partition::CheckServing.
  Result<Replica*> FindServing(const TopicPartition& id, LeaderEpoch current) const;
  void OpenAll(const std::vector<Assignment>& assignments);
  void OpenOne(const Assignment& assignment, log::StoredPartition stored);
  void Follow(Replica& replica, const Assignment& assignment);
  void Obey(Replica& replica, Partition::Actions actions);
  // Whether the replica takes records now. Errors: those of Partition::CheckAppend,
  // kKafkaStorageError.
  Status CheckOpen(const Replica& replica, int16_t acks) const;
  Status AppendOne(AppendParts& request, size_t index, PendingAppend& pending, Writes& writes);
  void FinishAppend(PendingAppend& pending);
  // `throttled`: what this Read has taken so far.
  FetchOutcome ReadOne(const FetchPart& part, int64_t bytes_left, bool nothing_yet,
                       const Reader& reader, ThrottledBytes& throttled);
  ThrottleKind ThrottleOf(const Replica& replica, const Reader& reader) const;
  // The replica if `reader` may read it. Errors: those of FindServing.
  Result<Replica*> FindReadable(const FetchPart& part, const Reader& reader) const;
  void FollowLeader(Replica& replica);
  void SendFollows();
  FollowerPosition PositionOf(const Replica& replica) const;
  // Errors: kFencedLeaderEpoch, kOffsetOutOfRange and those of PartitionLog; nothing is changed
  // then.
  Status TakeOne(FollowerFetch& fetched, const std::shared_ptr<Taking>& taking, Writes& writes);
  Status TakeRecords(Replica& replica, FollowerFetch& fetched, Taking& taking, Writes& writes);
  Status CutLog(Replica& replica, const FollowerFetch& fetched,
                const std::shared_ptr<Taking>& taking);
  void OnCut(log::PartitionHandle id, Taking& taking);
  void FinishTaking(Taking& taking);
  void CheckIsrs();
  // Of a replica whose log is wanted as evidence.
  void ReportLogEnd(const Replica& replica);
  void ReportLogEnds();
  // To be called for each failed read of stored batches.
  void OnReadFailed(const TopicPartition& partition, Offset offset, const Error& error);
  void OnDamaged(const TopicPartition& partition, std::optional<Assignment> assignment);
  void AskToGiveUp(const TopicPartition& partition, const Damage& damage);
  void AskAgainToGiveUp();
  // Of replicas whose data directory is lost.
  void OnLost(const std::vector<Assignment>& assignments);
  void OnRefused(const TopicPartition& partition, Damage& damage);
  // What is new about damaged replicas; those that may go begin anew.
  void Reconsider(const std::vector<Assignment>& assignments);
  bool MayBeginAnew(const Damage& damage) const;
  void BeginAnew(const TopicPartition& partition);
  // Tells the controller where it is wrong about this broker's replicas.
  void CompareStorage(const std::vector<Assignment>& assignments);
  bool IsOffline(const TopicPartition& partition) const;
  void TellStorage(const TopicPartition& partition);
  void TellStorageAgain();
  ListOffsetsOutcome ListOne(const ListOffsetsPart& part) const;
  // REQUIRES: it holds committed offsets.
  void AdvanceOffsets(Replica& replica);
  void WriteOffsets();
  // Those that wait.
  void AppendCommits();
  void AppendCommitsOf(const TopicPartition& partition, std::vector<WaitingCommit> commits);
  void AppendCommitBatch(const TopicPartition& partition, CommitBatch batch);
  // As with acks=all; `reset_of` as in OffsetCommit.
  void AppendOffsets(const TopicPartition& partition, std::vector<SharedBytes> batches,
                     MonoTime deadline, const std::optional<std::string>& reset_of,
                     OffsetCommitDone done);
  // Errors: those of OffsetQueryOutcome.
  Result<Replica*> FindOffsets(const TopicPartition& id) const;
  Result<std::vector<log::CommittedOffset>> QueryOne(const OffsetQuery& query) const;
  void AppendTombstones(const Replica& replica, const std::vector<std::string>& keys,
                        MonoTime deadline, const std::optional<std::string>& reset_of,
                        OffsetCommitDone done);
  // Puts what undoes the change before it.
  void AddReset(const TopicPartition& partition, const std::string& group,
                std::vector<SharedBytes>& batches) const;
  PositionsOutcome PositionsOfOne(const PositionsPart& part) const;
  void Write(Writes writes);
  // By directory.
  void WriteFills(std::vector<std::vector<log::LogWriter::FillMeta>> fills);
  log::LogStore& StoreOf(const Replica& replica) const {
    return directories_.at(replica.log->directory());
  }
  void OnPersisted(uint32_t directory, const std::vector<log::Persisted>& persisted);
  void OnHighWatermark(Replica& replica);
  void MarkDirty(Replica& replica);
  void ArmTimer();
  void OnTimer();

  NodeId node_id_;
  log::LogDirectories directories_;
  Executor& executor_;
  log::TailCache cache_;
  // This shard's number at each directory's writer.
  std::vector<size_t> writer_shards_;
  std::unordered_map<TopicPartition, std::unique_ptr<Replica>> replicas_;
  std::unordered_map<log::PartitionHandle, Replica*> by_handle_;
  // Partitions whose log could not be opened, or whose directory has failed.
  std::unordered_map<TopicPartition, Error> offline_;
  // Of both kinds.
  std::unordered_map<TopicPartition, Damage> damaged_;
  // Those of which the controller does not know yet whether they are offline.
  std::set<TopicPartition> untold_storage_;

  // Whether its high watermark may be told as the newest: no other leader can be further (C-24,
  // G-10). Errors: kOffsetNotAvailable (KIP-207), kNotLeaderOrFollower.
  ErrorCode CheckNewest(const Partition& partition) const;

  ReplicationPort* port_ = nullptr;
  const ThrottleQuotas* quotas_ = nullptr;
  Duration lag_max_ = std::chrono::seconds(30);
  // What FollowLeader has gathered for SendFollows.
  std::map<NodeId, std::vector<FollowerPosition>> follows_;
  std::vector<TopicPartition> unfollows_;

  // Woken by persisted ends, by high watermarks, and by log ends.
  WaitQueue persisted_waits_;
  WaitQueue visible_waits_;
  WaitQueue log_end_waits_;
  // The one timer of the table, armed for the first of all deadlines.
  MonoTime timer_at_ = MonoTime::max();
  Executor::TimerId timer_ = 0;
  MonoTime checkpoint_at_ = MonoTime::max();
  MonoTime isr_check_at_ = MonoTime::max();
  MonoTime give_up_at_ = MonoTime::max();
  MonoTime storage_at_ = MonoTime::max();
  MonoTime log_ends_at_ = MonoTime::max();
  MonoTime offsets_at_ = MonoTime::max();
  // Partitions with rows to write then.
  std::set<log::PartitionHandle> offsets_to_write_;
  // Appended together in a task of its own: after those that are already due, which bring more.
  std::map<TopicPartition, std::vector<WaitingCommit>> commits_;
  // Partitions without a leader that the controller looks for evidence of.
  std::set<TopicPartition> log_end_wanted_;
  // Partitions that the next checkpoint writes.
  std::vector<log::PartitionHandle> dirty_;
};

}  // namespace weir::replica
