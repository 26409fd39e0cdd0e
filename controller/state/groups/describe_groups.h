// Groups, described and listed from an image; for DescribeGroups, ListGroups and `weir group`.
// Thread rule: pure functions.
#pragma once

#include "controller/state/decision.h"
#include "proto/group.pb.h"

namespace weir::state {

// Errors per group: kGroupIdNotFound, with the state "Dead".
group::v1::DescribeGroupsReply DescribeGroups(const MetadataImage& image,
                                              const group::v1::DescribeGroupsRequest& request);

group::v1::ListGroupsReply ListGroups(const MetadataImage& image,
                                      const group::v1::ListGroupsRequest& request);

}  // namespace weir::state
