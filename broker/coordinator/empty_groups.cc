#include "broker/coordinator/empty_groups.h"

#include <utility>

#include "common/base/check.h"
#include "common/metadata/group_partition.h"

namespace weir::coordinator {
namespace {

// Nobody waits for it, and there is another round.
constexpr Duration kDeleteTimeout = std::chrono::seconds(30);

}  // namespace

void EmptyGroups::LookLater() {
  thread_->PostAt(thread_->Now() + kEmptyGroupsInterval, [this] { Look(); });
}

void EmptyGroups::Look() {
  const Generations before = std::exchange(empty_, FindEmpty());
  for (const auto& [group_id, generation] : empty_) {
    const auto then = before.find(group_id);
    if (then != before.end() && then->second == generation) due_.push_back(group_id);
  }
  TakeBatch();
}

EmptyGroups::Generations EmptyGroups::FindEmpty() const {
  Generations found;
  for (const auto& [group_id, group] : images_.Newest()->groups()) {
    if (group.state != metadata::GroupState::kEmpty || !PartitionLedHere(group_id)) continue;
    found.emplace(group_id, group.generation);
  }
  return found;
}

std::optional<replica::TopicPartition> EmptyGroups::PartitionLedHere(
    std::string_view group_id) const {
  const auto place = metadata::FindGroupPartition(*images_.Newest(), group_id);
  if (!place || place->leader != node_id_) return std::nullopt;
  return replica::TopicPartition{place->topic_id, place->index};
}

void EmptyGroups::TakeBatch() {
  std::vector<std::string> group_ids;
  std::vector<replica::OffsetQuery> queries;
  while (!due_.empty() && queries.size() < kEmptyGroupsBatchMax) {
    std::string group_id = std::move(due_.back());
    due_.pop_back();
    // Others may lead it by now.
    const auto partition = PartitionLedHere(group_id);
    if (!partition) continue;
    queries.push_back({.partition = *partition, .group = group_id, .topics = std::nullopt});
    group_ids.push_back(std::move(group_id));
  }
  if (queries.empty()) return LookLater();
  query_offsets_(std::move(queries), [this, group_ids = std::move(group_ids)](
                                         const std::vector<replica::OffsetQueryOutcome>& outcomes) {
    OnOffsets(group_ids, outcomes);
  });
}

void EmptyGroups::OnOffsets(const std::vector<std::string>& group_ids,
                            const std::vector<replica::OffsetQueryOutcome>& outcomes) {
  WEIR_CHECK(outcomes.size() == group_ids.size());
  group::v1::DeleteGroupsRequest request;
  for (size_t i = 0; i < group_ids.size(); ++i) {
    const replica::OffsetQueryOutcome& held = outcomes[i];
    const bool is_none =
        held.error == ErrorCode::kNone && held.offsets.empty() && !held.last_reset.has_value();
    if (is_none) request.add_group_ids(group_ids[i]);
  }
  if (request.group_ids().empty()) return TakeBatch();
  controllers_.DeleteGroups(std::move(request), kDeleteTimeout,
                            [this](const Result<group::v1::DeleteGroupsReply>& reply) {
                              if (!reply) due_.clear();
                              TakeBatch();
                            });
}

EmptyGroups::QueryOffsets QueryOffsetsOn(replica::PartitionRouter& partitions, size_t home,
                                         Executor& shard, std::shared_ptr<Executor> thread) {
  return [&partitions, home, &shard, thread = std::move(thread)](
             std::vector<replica::OffsetQuery> queries, replica::OffsetQueryDone done) {
    shard.Post([&partitions, home, thread, queries = std::move(queries),
                done = std::move(done)]() mutable {
      partitions.QueryOffsets(
          home, std::move(queries),
          [thread, done = std::move(done)](std::vector<replica::OffsetQueryOutcome> found) mutable {
            thread->Post([done = std::move(done), found = std::move(found)]() mutable {
              done(std::move(found));
            });
          });
    });
  };
}

}  // namespace weir::coordinator
