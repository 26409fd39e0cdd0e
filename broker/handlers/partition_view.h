// A partition of the image in the words that Metadata and DescribeTopicPartitions share.
// Thread rule: pure functions of an immutable image.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/error_code.h"
#include "common/metadata/image.h"

namespace weir::handlers {

inline std::vector<int32_t> ToNumbers(const metadata::NodeIdList& ids) {
  std::vector<int32_t> numbers;
  numbers.reserve(ids.size());
  for (const NodeId id : ids) numbers.push_back(id.value());
  return numbers;
}

template <class Answer>
Answer DescribePartition(const metadata::MetadataImage& image, PartitionIndex index,
                         const metadata::Partition& partition) {
  Answer answer;
  answer.partition_index = index.value();
  answer.leader_id = partition.leader.value();
  answer.leader_epoch = partition.leader_epoch.value();
  answer.replica_nodes = ToNumbers(partition.replicas);
  answer.isr_nodes = ToNumbers(partition.isr);
  for (const NodeId replica : partition.replicas) {
    if (!image.IsReplicaOnline(partition, replica))
      answer.offline_replicas.push_back(replica.value());
  }
  // A leader that died a moment ago is still named until the controllers elect another: clients
  // must not go there.
  if (partition.leader == kNoNode || !image.IsLive(partition.leader)) {
    answer.error_code = ErrorCode::kLeaderNotAvailable;
    answer.leader_id = kNoNode.value();
  }
  return answer;
}

}  // namespace weir::handlers
