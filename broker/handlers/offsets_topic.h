// The internal topic of committed offsets, as handlers need it: which broker a group's offsets are
// at, and how the topic comes to be.
//
// Laws:
//  1. The coordinator of a group is the leader of its partition of __consumer_offsets: commits go
//     there. Everything else about a group any broker answers (DESIGN D6).
// Thread rule: pure functions of an immutable image.
#pragma once

#include <string_view>

#include "common/base/ids.h"
#include "common/metadata/effective_config.h"
#include "common/metadata/image.h"
#include "proto/admin.pb.h"

namespace weir::handlers {

// kNoNode: the topic does not exist, or the partition has no leader.
NodeId CoordinatorOf(const metadata::MetadataImage& image, std::string_view group_id);

// What asks the controllers to create the topic: offsets.topic.num.partitions partitions, and
// offsets.topic.replication.factor replicas or one on every registered broker, whichever is less.
// It is made while brokers are away, too: groups need not wait for them, and what is committed is
// on all of them in the end.
admin::v1::NewTopic NewOffsetsTopic(const metadata::ConfigView& view);

}  // namespace weir::handlers
