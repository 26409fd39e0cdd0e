// A group that changes its type while it has members (KIP-848, online migration): its records, from
// one protocol's to the other's. Epochs and generations go on; who owns what stays.
// Thread rule: pure functions.
#pragma once

#include "common/metadata/group.h"
#include "controller/state/decision.h"
#include "controller/state/groups/consumer_protocol.h"
#include "controller/state/groups/group_draft.h"

namespace weir::state {

// What a member that uses the classic protocol subscribes to, by its word for `protocol_name`, or
// the first it knows. nullopt: that cannot be read.
std::optional<ClassicSubscription> ReadSubscription(const metadata::GroupSubscription& subscription,
                                                    const std::string& protocol_name);

// Partitions of topics that exist.
PartitionsByTopic ToIds(const MetadataImage& image, const PartitionsByName& partitions);
PartitionsByName ToNames(const MetadataImage& image, const PartitionsByTopic& partitions);

// A protocol that all members support, of those that use the classic one; empty: there is none.
std::string CommonProtocol(const metadata::Group& group);

// Whether all its members can be written anew in one change of the metadata log. A group for which
// that is not so keeps its type while it has members.
bool FitsIntoOneChange(const metadata::Group& group);

// Whether its members are consumers that can be understood: what each subscribes to, and what it
// has been given.
bool CanBecomeConsumerGroup(const metadata::Group& group);
// REQUIRES: the above. Its members use the classic protocol from here on.
void BecomeConsumerGroup(const MetadataImage& image, GroupDraft& draft);

// Whether it has members, and all use the classic protocol.
bool CanBecomeClassicGroup(const metadata::Group& group);
// REQUIRES: the above. It is stable then, with what each member owned as its assignment.
void BecomeClassicGroup(const MetadataImage& image, GroupDraft& draft);

}  // namespace weir::state
