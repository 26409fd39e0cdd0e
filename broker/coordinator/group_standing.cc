#include "broker/coordinator/group_standing.h"

#include <string>
#include <utility>
#include <vector>

#include "common/metadata/group_partition.h"

namespace weir::coordinator {

void BrokerStanding::AskWhetherLeads(size_t shard, std::string_view group_id,
                                     absl::AnyInvocable<void(bool)> done) {
  const metadata::Topic* topic = images_.At(shard)->FindTopic(metadata::kOffsetsTopic);
  if (topic == nullptr || topic->partitions.empty()) return done(false);
  const auto count = static_cast<int32_t>(topic->partitions.size());
  // Of no offset at all: what is left is whether it may be asked here.
  std::vector<replica::OffsetQuery> queries(1);
  queries[0].partition = {topic->id, metadata::PartitionOfGroup(group_id, count)};
  queries[0].group = std::string(group_id);
  queries[0].topic_partitions.emplace();
  partitions_.QueryOffsets(
      shard, std::move(queries),
      [done = std::move(done)](const std::vector<replica::OffsetQueryOutcome>& found) mutable {
        done(found.at(0).error == ErrorCode::kNone);
      });
}

}  // namespace weir::coordinator
