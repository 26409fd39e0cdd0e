// A partition of the image in the words that Metadata and DescribeTopicPartitions share.
// Thread rule: on the call's shard.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/handlers/broker_context.h"
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
Answer DescribePartition(const Call& call, PartitionIndex index,
                         const metadata::Partition& partition) {
  const metadata::MetadataImage& image = call.image();
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
  // A leader that died a moment ago is still named until the controllers elect another. Clients
  // that were sent there again would ask next in a second; told that there is none, they ask soon.
  if (partition.leader == kNoNode || !call.IsUp(partition.leader)) {
    answer.error_code = ErrorCode::kLeaderNotAvailable;
    answer.leader_id = kNoNode.value();
  }
  return answer;
}

}  // namespace weir::handlers
