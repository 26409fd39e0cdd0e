// PartitionTable's committed offsets: commits are appended, rows follow the high watermark,
// questions are answered from them, tombstones are appended like any record.
//
// Commits come one by one, each of a connection of its own. What the shard has heard by the time it
// appends goes into one batch per partition, so that under load a commit costs little more than its
// records, here, on disk and at the followers.
//
// Rows are written a little later than they become visible: what a restart replays for it is in the
// log, and a group that commits often writes its rows once.
#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "broker/replica/partition_table.h"
#include "broker/wire/record_batch_builder.h"
#include "common/runtime/log.h"

namespace weir::replica {
namespace {

// Records of one batch of tombstones: some 100 bytes each.
constexpr int32_t kTombstonesPerBatch = 1'000;
// Committed offsets of one shard in an answer about all groups: some 300 bytes each, and as much
// text on a page.
constexpr size_t kAllOffsetsMax = 200'000;
// How long tombstones for a deleted topic may wait for the other replicas.
constexpr Duration kTombstoneTimeout = std::chrono::seconds(30);
// What a record takes in a batch besides its key and value, at most: five varints of 32 bits, one
// of 64, and its attributes.
constexpr size_t kRecordOverheadBytesMax = 5 * 5 + 10 + 1;

size_t BytesMaxOf(const std::vector<OffsetRecord>& records) {
  size_t bytes = 0;
  for (const OffsetRecord& record : records) {
    bytes += record.key.size() + record.value.size() + kRecordOverheadBytesMax;
  }
  return bytes;
}

size_t BatchBytesMaxOf(const log::PartitionLog& log) {
  return static_cast<size_t>(std::max(0, log.config().batch_bytes_max));
}

}  // namespace

void PartitionTable::AdvanceOffsets(Replica& replica) {
  log::CommittedOffsets& offsets = *replica.log->committed_offsets();
  if (!offsets.Advance(replica.partition.high_watermark())) return;
  offsets_to_write_.insert(replica.log->handle());
  if (offsets_at_ != MonoTime::max()) return;
  offsets_at_ = executor_.Now() + kOffsetRowsInterval;
  ArmTimer();
}

void PartitionTable::WriteOffsets() {
  offsets_at_ = MonoTime::max();
  std::vector<std::vector<log::LogWriter::FillMeta>> fills(directories_.size());
  for (const log::PartitionHandle handle : std::exchange(offsets_to_write_, {})) {
    const auto found = by_handle_.find(handle);
    if (found == by_handle_.end()) continue;
    log::PartitionLog& log = *found->second->log;
    // A checkpoint or a cut may have been there first.
    if (!log.committed_offsets()->has_unwritten()) continue;
    fills[log.directory()].push_back(log.committed_offsets()->Take());
  }
  WriteFills(std::move(fills));
}

Result<PartitionTable::Replica*> PartitionTable::FindOffsets(const TopicPartition& id) const {
  WEIR_ASSIGN_OR_RETURN(Replica * replica, FindServing(id, kNoLeaderEpoch));
  if (replica->log->committed_offsets() == nullptr) {
    return Fail(ErrorCode::kNotLeaderOrFollower, id.ToString() + " holds no committed offsets");
  }
  const ErrorCode error = CheckNewest(replica->partition);
  if (error == ErrorCode::kOffsetNotAvailable) {
    return Fail(ErrorCode::kCoordinatorLoadInProgress, replica->partition.Describe());
  }
  if (error != ErrorCode::kNone) return Fail(error, replica->partition.Describe());
  return replica;
}

Result<std::vector<log::CommittedOffset>> PartitionTable::QueryOne(const OffsetQuery& query) const {
  WEIR_ASSIGN_OR_RETURN(const Replica* replica, FindOffsets(query.partition));
  const log::CommittedOffsets& offsets = *replica->log->committed_offsets();
  if (!query.topics) return offsets.FindAll(query.group);
  std::vector<log::CommittedOffset> found;
  for (const OffsetQuery::Topic& topic : *query.topics) {
    for (const int32_t partition : topic.partitions) {
      WEIR_ASSIGN_OR_RETURN(auto offset, offsets.Find(query.group, topic.name, partition));
      if (offset) found.push_back(*std::move(offset));
    }
  }
  return found;
}

std::vector<OffsetQueryOutcome> PartitionTable::QueryOffsets(
    const std::vector<OffsetQuery>& queries) const {
  std::vector<OffsetQueryOutcome> outcomes;
  outcomes.reserve(queries.size());
  for (const OffsetQuery& query : queries) {
    OffsetQueryOutcome& outcome = outcomes.emplace_back();
    auto offsets = QueryOne(query);
    if (!offsets) {
      outcome.error = offsets.error().code;
      continue;
    }
    outcome.offsets = *std::move(offsets);
    if (query.topics) continue;
    auto reset = (*FindOffsets(query.partition))->log->committed_offsets()->FindReset(query.group);
    if (reset) {
      outcome.last_reset = *std::move(reset);
    } else {
      outcome.error = reset.error().code;
    }
  }
  return outcomes;
}

std::vector<std::string> PartitionTable::OffsetGroups() const {
  std::vector<std::string> all;
  for (const auto& [id, replica] : replicas_) {
    if (replica->log->committed_offsets() == nullptr || !FindOffsets(id)) continue;
    auto groups = replica->log->committed_offsets()->Groups();
    if (!groups) {
      LogWarn("replica", "committed offsets cannot be read",
              {{"partition", id.ToString()}, {"error", ToString(groups.error())}});
      continue;
    }
    std::move(groups->begin(), groups->end(), std::back_inserter(all));
  }
  return all;
}

std::vector<GroupOffset> PartitionTable::AllOffsets() const {
  std::vector<GroupOffset> all;
  for (const auto& [id, replica] : replicas_) {
    if (replica->log->committed_offsets() == nullptr || !FindOffsets(id)) continue;
    const Status visited = replica->log->committed_offsets()->VisitAll(
        [&all](std::string_view group, log::CommittedOffset offset) -> Status {
          if (all.size() >= kAllOffsetsMax) {
            return Fail(ErrorCode::kPolicyViolation, "too many for one answer");
          }
          all.push_back({std::string(group), std::move(offset)});
          return {};
        });
    if (visited) continue;
    LogWarn("replica", "committed offsets are left out of an answer about all groups",
            {{"partition", id.ToString()}, {"error", ToString(visited.error())}});
  }
  return all;
}

// ---- Changing -----------------------------------------------------------------------------

// Commits that become one batch.
struct PartitionTable::CommitBatch {
  wire::RecordBatchBuilder records = wire::RecordBatchBuilder();
  // What the batch takes, at most.
  size_t bytes = wire::kBatchHeaderBytes;
  // The first of theirs.
  MonoTime deadline = MonoTime::max();
  std::optional<std::string> reset_of;
  std::vector<OffsetCommitDone> done;
};

void PartitionTable::CommitOffsets(size_t shard, OffsetCommit commit, OffsetCommitDone done) {
  if (commits_.empty()) executor_.Post([this] { AppendCommits(); });
  commits_[commit.partition].push_back({shard, std::move(commit), std::move(done)});
}

void PartitionTable::AppendCommits() {
  // An answer may bring the next commit.
  for (auto& [partition, commits] : std::exchange(commits_, {})) {
    AppendCommitsOf(partition, std::move(commits));
  }
}

void PartitionTable::AppendCommitsOf(const TopicPartition& partition,
                                     std::vector<WaitingCommit> commits) {
  size_t bytes_max = kCommitBatchBytesMax;
  if (const Result<Replica*> replica = Find(partition)) {
    bytes_max = std::min(bytes_max, BatchBytesMaxOf(*(*replica)->log));
  }
  CommitBatch batch;
  for (WaitingCommit& waiting : commits) {
    OffsetCommit& commit = waiting.commit;
    if (const ErrorCode refused = commit.check(waiting.shard); refused != ErrorCode::kNone) {
      waiting.done(refused);
      continue;
    }
    const size_t bytes = BytesMaxOf(commit.records);
    // A reset stands alone: what it replaces is looked up, and written before it.
    const bool ends_batch = commit.reset_of.has_value() || batch.reset_of.has_value();
    if (!batch.done.empty() && (ends_batch || batch.bytes + bytes > bytes_max)) {
      AppendCommitBatch(partition, std::exchange(batch, CommitBatch()));
    }
    const int64_t now_ms = executor_.WallNow().value();
    for (const OffsetRecord& record : commit.records) {
      batch.records.Add(now_ms, record.key, record.value);
    }
    batch.bytes += bytes;
    batch.deadline = std::min(batch.deadline, commit.deadline);
    batch.reset_of = std::move(commit.reset_of);
    batch.done.push_back(std::move(waiting.done));
  }
  if (!batch.done.empty()) AppendCommitBatch(partition, std::move(batch));
}

void PartitionTable::AppendCommitBatch(const TopicPartition& partition, CommitBatch batch) {
  std::vector<SharedBytes> batches;
  batches.push_back(batch.records.Build());
  AppendOffsets(partition, std::move(batches), batch.deadline, batch.reset_of,
                [all = std::move(batch.done)](ErrorCode error) mutable {
                  for (OffsetCommitDone& done : all) done(error);
                });
}

void PartitionTable::AppendOffsets(const TopicPartition& partition,
                                   std::vector<SharedBytes> batches, MonoTime deadline,
                                   const std::optional<std::string>& reset_of,
                                   OffsetCommitDone done) {
  if (reset_of) AddReset(partition, *reset_of, batches);
  AppendParts append{.acks = -1, .api_version = 0, .deadline = deadline};
  for (SharedBytes& batch : batches) {
    append.buffer_bytes += batch.retained_bytes();
    append.records_bytes += batch.size();
    append.parts.push_back({partition, std::move(batch)});
  }
  Append(std::move(append), [done = std::move(done)](std::vector<AppendOutcome> outcomes) mutable {
    ErrorCode error = ErrorCode::kNone;
    for (const AppendOutcome& outcome : outcomes) {
      if (error == ErrorCode::kNone) error = outcome.error;
    }
    done(error);
  });
}

void PartitionTable::AddReset(const TopicPartition& partition, const std::string& group,
                              std::vector<SharedBytes>& batches) const {
  const Result<Replica*> replica = Find(partition);
  if (!replica || (*replica)->log->committed_offsets() == nullptr) return;
  const WallTime now = executor_.WallNow();
  const std::string key = wire::EncodeOffsetResetKey(group);
  const size_t bytes_max = BatchBytesMaxOf(*(*replica)->log);
  const size_t overhead = wire::kBatchHeaderBytes + kRecordOverheadBytesMax + key.size();
  const auto reset = (*replica)->log->committed_offsets()->ResetBy(
      group, batches, now, bytes_max - std::min(bytes_max, overhead));
  if (!reset) {
    LogWarn("replica", "a reset of committed offsets cannot be remembered",
            {{"partition", partition.ToString()}, {"error", ToString(reset.error())}});
  }
  if (!reset || !*reset) return;
  wire::RecordBatchBuilder builder;
  builder.Add(now.value(), key, wire::EncodeOffsetReset(**reset));
  batches.insert(batches.begin(), builder.Build());
}

void PartitionTable::AppendTombstones(const Replica& replica, const std::vector<std::string>& keys,
                                      MonoTime deadline, const std::optional<std::string>& reset_of,
                                      OffsetCommitDone done) {
  const size_t bytes_max = BatchBytesMaxOf(*replica.log);
  std::vector<SharedBytes> batches;
  wire::RecordBatchBuilder builder;
  size_t bytes = wire::kBatchHeaderBytes;
  for (const std::string& key : keys) {
    const size_t key_bytes = key.size() + kRecordOverheadBytesMax;
    if (builder.record_count() == kTombstonesPerBatch ||
        (builder.record_count() > 0 && bytes + key_bytes > bytes_max)) {
      batches.push_back(builder.Build());
      builder = wire::RecordBatchBuilder();
      bytes = wire::kBatchHeaderBytes;
    }
    builder.Add(executor_.WallNow().value(), key, std::nullopt);
    bytes += key_bytes;
  }
  if (builder.record_count() > 0) batches.push_back(builder.Build());
  AppendOffsets(replica.id, std::move(batches), deadline, reset_of, std::move(done));
}

void PartitionTable::ForgetOffsets(const OffsetForget& forget, OffsetForgetDone done) {
  AppendCommits();
  const Result<Replica*> replica = FindOffsets(forget.partition);
  if (!replica) return done({.error = replica.error().code});
  std::set<std::pair<std::string_view, int32_t>> wanted;
  if (forget.topic_partitions) {
    wanted.insert(forget.topic_partitions->begin(), forget.topic_partitions->end());
  }
  const log::CommittedOffsets& offsets = *(*replica)->log->committed_offsets();
  auto keys = offsets.KeysToForget(
      forget.group, [&](const wire::OffsetCommitKey& key, const wire::OffsetCommitValue&) {
        return !forget.topic_partitions || wanted.contains({key.topic, key.partition});
      });
  if (!keys) return done({.error = keys.error().code});
  const size_t count = keys->size();
  // A group that is gone has nothing to undo.
  std::optional<std::string> reset_of = forget.group;
  if (!forget.topic_partitions) {
    reset_of.reset();
    const auto has_reset = offsets.HasReset(forget.group);
    if (!has_reset) return done({.error = has_reset.error().code});
    if (*has_reset) keys->push_back(wire::EncodeOffsetResetKey(forget.group));
  }
  if (keys->empty()) return done({});
  AppendTombstones(**replica, *keys, forget.deadline, reset_of,
                   [count, done = std::move(done)](ErrorCode error) mutable {
                     done({.error = error, .forgotten = count});
                   });
}

void PartitionTable::ForgetTopics(const std::map<Uuid, std::string>& topics) {
  AppendCommits();
  std::vector<TopicPartition> led;
  for (const auto& [id, replica] : replicas_) {
    if (replica->log->committed_offsets() != nullptr && replica->partition.leading()) {
      led.push_back(id);
    }
  }
  std::sort(led.begin(), led.end());
  for (const TopicPartition& id : led) {
    const Replica& replica = *replicas_.at(id);
    const auto keys = replica.log->committed_offsets()->KeysToForget(
        std::nullopt, [&](const wire::OffsetCommitKey& key, const wire::OffsetCommitValue& value) {
          if (!value.topic_id.IsZero()) return topics.contains(value.topic_id);
          return std::any_of(topics.begin(), topics.end(),
                             [&](const auto& topic) { return topic.second == key.topic; });
        });
    if (!keys) OnReadFailed(id, replica.log->log_start_offset(), keys.error());
    if (!keys || keys->empty()) continue;
    AppendTombstones(replica, *keys, executor_.Now() + kTombstoneTimeout, std::nullopt,
                     [id](ErrorCode error) {
                       if (error == ErrorCode::kNone) return;
                       LogWarn("replica", "offsets of a deleted topic were not forgotten",
                               {{"partition", id.ToString()}, {"error", ErrorName(error)}});
                     });
  }
}

}  // namespace weir::replica
