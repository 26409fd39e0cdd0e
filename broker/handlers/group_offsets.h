// What OffsetCommit, OffsetFetch, OffsetDelete and DeleteGroups share: where a group's committed
// offsets are, and what a client hears when they cannot be had (DESIGN D7).
//
// Laws:
//  1. Committed offsets are read and changed at the leader of the group's partition of
//     __consumer_offsets only: any other broker says NOT_COORDINATOR, or asks it in the client's
//     place (coordinator_forward.h).
//  2. A row of a topic that is gone, or was made again under another id, is no offset, whether or
//     not its tombstone has been written.
// Thread rule: on the call's shard.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "broker/handlers/broker_context.h"
#include "broker/replica/offset_operations.h"
#include "common/base/error_code.h"
#include "common/metadata/image.h"

namespace weir::handlers {

struct OffsetsPartition {
  // kNone, kNotCoordinator, or kCoordinatorNotAvailable: there is no such topic,
  // or nobody leads the partition.
  ErrorCode error = ErrorCode::kNone;
  replica::TopicPartition partition;
};
OffsetsPartition FindOffsetsPartition(const metadata::MetadataImage& image, NodeId own_id,
                                      std::string_view group_id);

// An error of a partition of __consumer_offsets, as clients of groups know it.
ErrorCode ToCoordinatorError(ErrorCode error);

// A number of the broker's configuration, e.g. "offsets.commit.timeout.ms".
int64_t BrokerNumber(const Call& call, std::string_view key);
// When what `call` wants of committed offsets gives up.
MonoTime OffsetsDeadline(const Call& call);

// Law 2: the topic that the offset is of; null when there is none any more.
const metadata::Topic* TopicOf(const metadata::MetadataImage& image,
                               const log::CommittedOffset& offset);

// Forgets all committed offsets of a group that was deleted, or that nobody has ever joined; there
// are none while the topic does not exist. `done` gets the errors of FindOffsetsPartition and of a
// commit, and how many there were; it runs on the call's shard, perhaps inside the call.
void ForgetGroupOffsets(const Call& call, const std::string& group_id,
                        replica::OffsetForgetDone done);

}  // namespace weir::handlers
