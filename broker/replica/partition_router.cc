#include "broker/replica/partition_router.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <iterator>
#include <utility>

#include "broker/replica/fetch_operation.h"
#include "broker/replica/partition_table.h"
#include "common/base/check.h"

namespace weir::replica {

PartitionRouter::PartitionRouter(NodeId node_id, log::LogDirectories directories,
                                 std::vector<Executor*> shards, size_t tail_cache_bytes)
    : directories_(std::move(directories)) {
  WEIR_CHECK(!shards.empty());
  for (Executor* executor : shards) {
    shards_.push_back(std::make_unique<RoutedShard>(
        RoutedShard{executor, std::make_unique<PartitionTable>(node_id, directories_, *executor,
                                                               tail_cache_bytes / shards.size())}));
    shards_.back()->table->SetQuotas(&quotas_.leader);
  }
}

PartitionRouter::~PartitionRouter() = default;

size_t PartitionRouter::ShardOf(const TopicPartition& partition) const {
  return std::hash<TopicPartition>()(partition) % shards_.size();
}

void PartitionRouter::RunOn(size_t home, size_t shard, Task task) const {
  if (home == shard) {
    task();
  } else {
    shards_[shard]->executor->Post(std::move(task));
  }
}

namespace {

// Outcomes of all shards coming together on the home shard.
template <class Outcome, class Done>
struct Gathered {
  std::vector<Outcome> outcomes;
  size_t shards_left = 0;
  Done done;
};

}  // namespace

// Runs `run(table, parts, reply)` on every shard that owns parts; `reply(outcomes)` may come later.
template <class Part, class Outcome, class Done, class Run>
void PartitionRouter::Scatter(size_t home, std::vector<Part> parts, Done done, Run run) {
  using Gather = Gathered<Outcome, Done>;
  auto gather = std::make_shared<Gather>();
  gather->outcomes.resize(parts.size());
  gather->done = std::move(done);
  std::vector<Share<Part>> shares = Split(std::move(parts));
  gather->shards_left = shares.size();
  if (shares.empty()) {
    gather->done({});
    return;
  }
  for (Share<Part>& share : shares) {
    auto on_home = [gather](const std::vector<size_t>& indexes, std::vector<Outcome> outcomes) {
      for (size_t i = 0; i < indexes.size(); ++i) {
        gather->outcomes[indexes[i]] = std::move(outcomes[i]);
      }
      if (--gather->shards_left == 0) gather->done(std::move(gather->outcomes));
    };
    const size_t shard = share.shard;
    RunOn(home, shard, [this, home, shard, run, on_home, share = std::move(share)]() mutable {
      auto reply = [this, home, shard, on_home,
                    indexes = std::move(share.indexes)](std::vector<Outcome> outcomes) mutable {
        if (home == shard) {
          on_home(indexes, std::move(outcomes));
          return;
        }
        shards_[home]->executor->Post(
            [on_home, indexes = std::move(indexes), outcomes = std::move(outcomes)]() mutable {
              on_home(indexes, std::move(outcomes));
            });
      };
      run(*shards_[shard]->table, std::move(share.parts), std::move(reply));
    });
  }
}

void PartitionRouter::Append(size_t home, AppendRequest request, AppendDone done) {
  // What the request's buffer costs is shared by the records in it.
  size_t records_bytes = 0;
  size_t buffer_bytes = 0;
  for (const AppendPart& part : request.parts) {
    records_bytes += part.records.size();
    buffer_bytes = std::max(buffer_bytes, part.records.retained_bytes());
  }
  const PartitionTable::AppendParts shape{request.acks, request.api_version, request.deadline,
                                          {},           buffer_bytes,        records_bytes};
  Scatter<AppendPart, AppendOutcome>(
      home, std::move(request.parts), std::move(done),
      [shape](PartitionTable& table, std::vector<AppendPart> parts, auto reply) {
        PartitionTable::AppendParts share = shape;
        share.parts = std::move(parts);
        table.Append(std::move(share), std::move(reply));
      });
}

std::function<void()> PartitionRouter::Fetch(size_t home, FetchRequest request, FetchDone done) {
  return FetchOperation::Start(*this, home, std::move(request), std::move(done));
}

void PartitionRouter::ListOffsets(size_t home, std::vector<ListOffsetsPart> parts,
                                  ListOffsetsDone done) {
  Scatter<ListOffsetsPart, ListOffsetsOutcome>(
      home, std::move(parts), std::move(done),
      [](PartitionTable& table, const std::vector<ListOffsetsPart>& share, auto reply) {
        reply(table.ListOffsets(share));
      });
}

void PartitionRouter::DeleteRecords(size_t home, std::vector<DeleteRecordsPart> parts,
                                    DeleteRecordsDone done) {
  Scatter<DeleteRecordsPart, DeleteRecordsOutcome>(
      home, std::move(parts), std::move(done),
      [](PartitionTable& table, const std::vector<DeleteRecordsPart>& share, auto reply) {
        table.DeleteRecords(share, std::move(reply));
      });
}

void PartitionRouter::EpochEnd(size_t home, std::vector<EpochEndPart> parts, EpochEndDone done) {
  Scatter<EpochEndPart, EpochEndOutcome>(
      home, std::move(parts), std::move(done),
      [](PartitionTable& table, const std::vector<EpochEndPart>& share, auto reply) {
        reply(table.EpochEnd(share));
      });
}

void PartitionRouter::CommitOffsets(size_t home, OffsetCommit commit, OffsetCommitDone done) {
  const size_t shard = ShardOf(commit.partition);
  auto reply = [this, home, shard, done = std::move(done)](ErrorCode error) mutable {
    RunOn(shard, home, [done = std::move(done), error]() mutable { done(error); });
  };
  RunOn(home, shard, [this, shard, commit = std::move(commit), reply = std::move(reply)]() mutable {
    table(shard).CommitOffsets(shard, std::move(commit), std::move(reply));
  });
}

void PartitionRouter::QueryOffsets(size_t home, std::vector<OffsetQuery> queries,
                                   OffsetQueryDone done) {
  Scatter<OffsetQuery, OffsetQueryOutcome>(
      home, std::move(queries), std::move(done),
      [](const PartitionTable& table, const std::vector<OffsetQuery>& share, auto reply) {
        reply(table.QueryOffsets(share));
      });
}

void PartitionRouter::AllOffsets(size_t home, GroupOffsetsDone done) {
  struct Gather {
    std::vector<GroupOffset> offsets;
    size_t shards_left;
    GroupOffsetsDone done;
  };
  auto gather = std::make_shared<Gather>(Gather{{}, shards_.size(), std::move(done)});
  for (const auto& shard : shards_) {
    shard->executor->Post([this, home, gather, table = shard->table.get()] {
      shards_[home]->executor->Post([gather, offsets = table->AllOffsets()]() mutable {
        gather->offsets.insert(gather->offsets.end(), std::make_move_iterator(offsets.begin()),
                               std::make_move_iterator(offsets.end()));
        if (--gather->shards_left == 0) gather->done(std::move(gather->offsets));
      });
    });
  }
}

void PartitionRouter::OffsetGroups(size_t home, GroupIdsDone done) {
  struct Gather {
    std::vector<std::string> groups;
    size_t shards_left;
    GroupIdsDone done;
  };
  auto gather = std::make_shared<Gather>(Gather{{}, shards_.size(), std::move(done)});
  for (const auto& shard : shards_) {
    shard->executor->Post([this, home, gather, table = shard->table.get()] {
      shards_[home]->executor->Post([gather, groups = table->OffsetGroups()]() mutable {
        gather->groups.insert(gather->groups.end(), std::make_move_iterator(groups.begin()),
                              std::make_move_iterator(groups.end()));
        if (--gather->shards_left == 0) gather->done(std::move(gather->groups));
      });
    });
  }
}

void PartitionRouter::Positions(size_t home, std::vector<PositionsPart> parts, PositionsDone done) {
  Scatter<PositionsPart, PositionsOutcome>(
      home, std::move(parts), std::move(done),
      [](const PartitionTable& table, const std::vector<PositionsPart>& share, auto reply) {
        reply(table.Positions(share));
      });
}

void PartitionRouter::ForgetOffsets(size_t home, OffsetForget forget, OffsetForgetDone done) {
  const size_t shard = ShardOf(forget.partition);
  auto reply = [this, home, shard, done = std::move(done)](OffsetForgetOutcome outcome) mutable {
    RunOn(shard, home, [done = std::move(done), outcome]() mutable { done(outcome); });
  };
  RunOn(home, shard, [this, shard, forget = std::move(forget), reply = std::move(reply)]() mutable {
    table(shard).ForgetOffsets(forget, std::move(reply));
  });
}

void PartitionRouter::ForgetTopics(std::map<Uuid, std::string> topics) {
  auto shared = std::make_shared<const std::map<Uuid, std::string>>(std::move(topics));
  OnEveryShard([shared](size_t, PartitionTable& table) { table.ForgetTopics(*shared); }, nullptr);
}

void PartitionRouter::TakeFetched(size_t home, std::vector<FollowerFetch> fetched,
                                  TakeFetchedDone done) {
  Scatter<FollowerFetch, TakenFetch>(
      home, std::move(fetched), std::move(done),
      [](PartitionTable& table, std::vector<FollowerFetch> share, auto reply) {
        table.TakeFetched(std::move(share), std::move(reply));
      });
}

void PartitionRouter::OnIsrAnswer(const TopicPartition& partition, IsrAnswer answer) {
  RoutedShard& shard = *shards_[ShardOf(partition)];
  shard.executor->Post([table = shard.table.get(), partition, answer = std::move(answer)] {
    table->OnIsrAnswer(partition, answer);
  });
}

void PartitionRouter::OnGivenUp(const TopicPartition& partition, GivenUpAnswer answer) {
  RoutedShard& shard = *shards_[ShardOf(partition)];
  shard.executor->Post(
      [table = shard.table.get(), partition, answer] { table->OnGivenUp(partition, answer); });
}

void PartitionRouter::OnStorageAnswer(const TopicPartition& partition, bool offline,
                                      ErrorCode error) {
  RoutedShard& shard = *shards_[ShardOf(partition)];
  shard.executor->Post([table = shard.table.get(), partition, offline, error] {
    table->OnStorageAnswer(partition, offline, error);
  });
}

void PartitionRouter::OnDirectoryFailed(uint32_t directory) {
  OnEveryShard([directory](size_t, PartitionTable& table) { table.OnDirectoryFailed(directory); },
               nullptr);
}

void PartitionRouter::SetReplication(ReplicationPort* port, Duration lag_max) {
  for (const auto& shard : shards_) shard->table->SetReplication(port, lag_max);
}

void PartitionRouter::Describe(size_t home, PartitionInfosDone done) {
  struct Gather {
    std::vector<PartitionInfo> infos;
    size_t shards_left;
    PartitionInfosDone done;
  };
  auto gather = std::make_shared<Gather>(Gather{{}, shards_.size(), std::move(done)});
  for (const auto& shard : shards_) {
    shard->executor->Post([this, home, gather, table = shard->table.get()] {
      shards_[home]->executor->Post([gather, infos = table->Describe()] {
        gather->infos.insert(gather->infos.end(), infos.begin(), infos.end());
        if (--gather->shards_left == 0) gather->done(std::move(gather->infos));
      });
    });
  }
}

// ---- For the reconciler ---------------------------------------------------------------

void PartitionRouter::OnEveryShard(std::function<void(size_t, PartitionTable&)> run, Task done) {
  struct Pending {
    std::atomic<size_t> shards_left;
    Task done;
  };
  auto pending = std::make_shared<Pending>();
  pending->shards_left = shards_.size();
  pending->done = std::move(done);
  for (size_t i = 0; i < shards_.size(); ++i) {
    shards_[i]->executor->Post([run, pending, i, table = shards_[i]->table.get()] {
      run(i, *table);
      if (pending->shards_left.fetch_sub(1) == 1 && pending->done) pending->done();
    });
  }
}

void PartitionRouter::Assign(std::vector<Assignment> assignments, Task done) {
  auto by_shard = std::make_shared<std::vector<std::vector<Assignment>>>(shards_.size());
  for (Assignment& assignment : assignments) {
    (*by_shard)[ShardOf(assignment.partition)].push_back(std::move(assignment));
  }
  OnEveryShard([by_shard](size_t shard,
                          PartitionTable& table) { table.Assign(std::move((*by_shard)[shard])); },
               std::move(done));
}

void PartitionRouter::Drop(std::vector<TopicPartition> partitions, Task done) {
  auto by_shard = std::make_shared<std::vector<std::vector<TopicPartition>>>(shards_.size());
  for (const TopicPartition& partition : partitions) {
    (*by_shard)[ShardOf(partition)].push_back(partition);
  }
  OnEveryShard([by_shard](size_t shard, PartitionTable& table) { table.Drop((*by_shard)[shard]); },
               std::move(done));
}

void PartitionRouter::Checkpoint(Task done) {
  OnEveryShard([](size_t, PartitionTable& table) { table.Checkpoint(); },
               [this, done = std::move(done)]() mutable { directories_.Flush(std::move(done)); });
}

}  // namespace weir::replica
