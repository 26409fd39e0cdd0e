#include "broker/coordinator/group_standing.h"

#include <string>
#include <utility>
#include <vector>

#include "common/metadata/group_partition.h"

namespace weir::coordinator {

void BrokerStanding::AskWhetherLeads(size_t shard, std::string_view group_id,
                                     absl::AnyInvocable<void(bool)> done) {
  const auto place = metadata::FindGroupPartition(*images_.At(shard), group_id);
  if (!place) return done(false);
  // Of no offset at all: what is left is whether it may be asked here.
  std::vector<replica::OffsetQuery> queries(1);
  queries[0].partition = {place->topic_id, place->index};
  queries[0].group = std::string(group_id);
  queries[0].topics.emplace();
  partitions_.QueryOffsets(
      shard, std::move(queries),
      [done = std::move(done)](const std::vector<replica::OffsetQueryOutcome>& found) mutable {
        done(found.at(0).error == ErrorCode::kNone);
      });
}

}  // namespace weir::coordinator
