#include "broker/replica/fetch_operation.h"

#include <algorithm>
#include <utility>

#include "broker/replica/partition_table.h"

namespace weir::replica {
namespace {

int64_t BytesOf(const std::vector<FetchOutcome>& outcomes) {
  int64_t bytes = 0;
  for (const FetchOutcome& outcome : outcomes) bytes += static_cast<int64_t>(outcome.bytes);
  return bytes;
}

// What is to be told at once, besides records.
bool AnyNews(const std::vector<FetchOutcome>& outcomes) {
  return std::any_of(outcomes.begin(), outcomes.end(), [](const FetchOutcome& outcome) {
    return outcome.error != ErrorCode::kNone || outcome.diverging;
  });
}

Duration PauseOf(size_t partitions) {
  return PartitionTable::kHighWatermarkPause +
         static_cast<int64_t>(partitions) * PartitionTable::kHighWatermarkPausePerPartition;
}

}  // namespace

std::function<void()> FetchOperation::Start(PartitionRouter& router, size_t home,
                                            FetchRequest request, FetchDone done) {
  std::shared_ptr<FetchOperation> operation(
      new FetchOperation(router, home, std::move(request), std::move(done)));
  if (operation->shard_parts_.empty()) {
    // No partition can move, so there is nothing to wait for.
    operation->Finish();
    return [] {};
  }
  operation->reads_pending_ = operation->shard_parts_.size();
  for (size_t i = 0; i < operation->shard_parts_.size(); ++i) operation->Read(i, true);
  return [weak = std::weak_ptr<FetchOperation>(operation)] {
    if (const auto waiting = weak.lock()) waiting->EndWait();
  };
}

FetchOperation::FetchOperation(PartitionRouter& router, size_t home, FetchRequest request,
                               FetchDone done)
    : router_(router),
      home_(home),
      bytes_min_(request.bytes_min),
      bytes_max_(request.bytes_max),
      deadline_(request.deadline),
      reader_{request.replica, request.replica_epoch, request.any_replica, request.sent_after},
      part_count_(request.parts.size()),
      done_(std::move(done)) {
  for (auto& share : router_.Split(std::move(request.parts))) {
    ShardPart part;
    part.shard = share.shard;
    part.indexes = std::move(share.indexes);
    part.parts = std::make_shared<const std::vector<FetchPart>>(std::move(share.parts));
    shard_parts_.push_back(std::move(part));
  }
}

void FetchOperation::Read(size_t part, bool first) {
  const ShardPart& shard_part = shard_parts_[part];
  auto self = shared_from_this();
  const auto shards = static_cast<int64_t>(shard_parts_.size());
  router_.RunOn(
      home_, shard_part.shard,
      [self, part, first, shards, parts = shard_part.parts, shard = shard_part.shard] {
        PartitionTable& table = self->router_.table(shard);
        const PartitionTable::Reader& reader = self->reader_;
        if (first && reader.is_follower()) table.Acknowledge(*parts, reader);
        std::vector<FetchOutcome> outcomes = table.Read(*parts, self->bytes_max_, reader);
        const int64_t missing = self->bytes_min_ - BytesOf(outcomes);
        const bool tells_more = reader.is_follower() && PartitionTable::TellsMore(*parts, outcomes);
        const bool news = AnyNews(outcomes) || (tells_more && !first);
        WaitQueue::WaitId watch = 0;
        if (missing > 0 && !news && table.Now() < self->deadline_) {
          // When everybody together has enough, somebody has moved by its share.
          const int64_t share = std::max<int64_t>(1, missing / shards);
          MonoTime deadline = self->deadline_;
          if (tells_more) {
            deadline = std::min(deadline, table.Now() + PauseOf(parts->size()));
          }
          watch = table.Watch(*parts, share, deadline, reader, [self, part, shard] {
            self->router_.RunOn(shard, self->home_, [self, part] { self->OnWake(part); });
          });
        }
        self->router_.RunOn(shard, self->home_,
                            [self, part, news, watch, outcomes = std::move(outcomes)]() mutable {
                              self->OnRead(part, std::move(outcomes), news, watch);
                            });
      });
}

void FetchOperation::OnRead(size_t part, std::vector<FetchOutcome> outcomes, bool news,
                            WaitQueue::WaitId watch) {
  shard_parts_[part].outcomes = std::move(outcomes);
  shard_parts_[part].news = news;
  shard_parts_[part].watch = watch;
  if (--reads_pending_ > 0) return;
  if (Enough()) Finish();
}

void FetchOperation::OnWake(size_t part) {
  if (finished_) return;
  shard_parts_[part].watch = 0;
  ++reads_pending_;
  Read(part, false);
}

void FetchOperation::EndWait() {
  if (finished_) return;
  wait_ended_ = true;
  if (reads_pending_ == 0) Finish();
}

bool FetchOperation::Enough() const {
  if (wait_ended_) return true;
  int64_t bytes = 0;
  bool watching = false;
  for (const ShardPart& part : shard_parts_) {
    if (part.news) return true;
    bytes += BytesOf(part.outcomes);
    watching = watching || part.watch != 0;
  }
  return bytes >= bytes_min_ || !watching || router_.Now(home_) >= deadline_;
}

void FetchOperation::Finish() {
  finished_ = true;
  for (const ShardPart& part : shard_parts_) {
    if (part.watch == 0) continue;
    router_.RunOn(home_, part.shard,
                  [&router = router_, shard = part.shard, watch = part.watch, reader = reader_] {
                    router.table(shard).CancelWatch(watch, reader);
                  });
  }
  done_(Assemble());
}

std::vector<FetchOutcome> FetchOperation::Assemble() {
  std::vector<FetchOutcome> outcomes(part_count_);
  for (ShardPart& part : shard_parts_) {
    for (size_t i = 0; i < part.indexes.size(); ++i) {
      outcomes[part.indexes[i]] = std::move(part.outcomes[i]);
    }
  }
  // Every shard may have read up to bytes_max: what is too much goes, last parts first.
  int64_t bytes = 0;
  for (FetchOutcome& outcome : outcomes) {
    const auto size = static_cast<int64_t>(outcome.bytes);
    if (bytes > 0 && bytes + size > bytes_max_) {
      outcome.records.clear();
      outcome.bytes = 0;
      continue;
    }
    bytes += size;
    if (outcome.throttle == ThrottleKind::kNone) continue;
    router_.quotas().leader.Of(outcome.throttle).Record(size, router_.Now(home_));
  }
  return outcomes;
}

}  // namespace weir::replica
