// PartitionTable's committed offsets: rows follow the high watermark, questions are answered from
// them, tombstones are appended like any record.
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

// Records of one batch of tombstones: some 100 bytes each, far below any max.message.bytes.
constexpr int32_t kTombstonesPerBatch = 1'000;
// Committed offsets of one shard in an answer about all groups: some 300 bytes each, and as much
// text on a page.
constexpr size_t kAllOffsetsMax = 200'000;
// How long tombstones for a deleted topic may wait for the other replicas.
constexpr Duration kTombstoneTimeout = std::chrono::seconds(30);

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
  if (!query.topic_partitions) return offsets.FindAll(query.group);
  std::vector<log::CommittedOffset> found;
  for (const auto& [topic, partition] : *query.topic_partitions) {
    WEIR_ASSIGN_OR_RETURN(auto offset, offsets.Find(query.group, topic, partition));
    if (offset) found.push_back(*std::move(offset));
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
    if (query.topic_partitions) continue;
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

void PartitionTable::CommitOffsets(const TopicPartition& partition,
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
  const auto reset = (*replica)->log->committed_offsets()->ResetBy(group, batches, now);
  if (!reset) {
    LogWarn("replica", "a reset of committed offsets cannot be remembered",
            {{"partition", partition.ToString()}, {"error", ToString(reset.error())}});
  }
  if (!reset || !*reset) return;
  wire::RecordBatchBuilder builder;
  builder.Add(now.value(), wire::EncodeOffsetResetKey(group), wire::EncodeOffsetReset(**reset));
  batches.insert(batches.begin(), builder.Build());
}

void PartitionTable::AppendTombstones(const Replica& replica, const std::vector<std::string>& keys,
                                      MonoTime deadline, const std::optional<std::string>& reset_of,
                                      OffsetCommitDone done) {
  std::vector<SharedBytes> batches;
  wire::RecordBatchBuilder builder;
  for (const std::string& key : keys) {
    builder.Add(executor_.WallNow().value(), key, std::nullopt);
    if (builder.record_count() < kTombstonesPerBatch) continue;
    batches.push_back(builder.Build());
    builder = wire::RecordBatchBuilder();
  }
  if (builder.record_count() > 0) batches.push_back(builder.Build());
  CommitOffsets(replica.id, std::move(batches), deadline, reset_of, std::move(done));
}

void PartitionTable::ForgetOffsets(const OffsetForget& forget, OffsetForgetDone done) {
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
