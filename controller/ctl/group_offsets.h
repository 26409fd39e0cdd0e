// The committed offsets of a group, with its lag and its last reset, asked of the group's
// coordinator (its page /groups). Thread rule: main thread, blocking.
#pragma once

#include <string>

#include "controller/ctl/command.h"
#include "proto/group_report.pb.h"

namespace weir::ctl {

struct CoordinatedOffsets {
  group::v1::GroupOffsets offsets;
  int32_t coordinator_id = -1;
  // Where it listens for clients; empty: there is no coordinator, because nobody has committed.
  std::string coordinator;
};

// Errors: those of DescribeCluster; kBrokerNotAvailable when no broker serves pages,
// kCoordinatorNotAvailable, kCoordinatorLoadInProgress when it stays so, kNetworkException.
Result<CoordinatedOffsets> AskGroupOffsets(Session& session, const std::string& group);

// Whether nothing is left of the group at its coordinator.
bool IsEmpty(const group::v1::GroupOffsets& offsets);

}  // namespace weir::ctl
