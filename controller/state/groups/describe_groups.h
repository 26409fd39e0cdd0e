// Groups, described and listed from an image; for DescribeGroups, ListGroups and `weir group`.
// Thread rule: pure functions.
#pragma once

#include "controller/state/decision.h"
#include "proto/group.pb.h"

namespace weir::state {

// As many of the groups, from the first on, as the reply has room for, one at least: the others are
// to be asked for again. Errors per group: kGroupIdNotFound, with the state "Dead": there is none,
// or it is not a classic group. kUnknownServerError: its members alone do not fit in one message.
group::v1::DescribeGroupsReply DescribeGroups(const MetadataImage& image,
                                              const group::v1::DescribeGroupsRequest& request);

// The same of groups of the consumer protocol (KIP-848).
group::v1::DescribeConsumerGroupsReply DescribeConsumerGroups(
    const MetadataImage& image, const group::v1::DescribeConsumerGroupsRequest& request);

group::v1::ListGroupsReply ListGroups(const MetadataImage& image,
                                      const group::v1::ListGroupsRequest& request);

}  // namespace weir::state
