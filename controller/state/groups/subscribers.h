// Who subscribes to which topics. Members of a group mostly name the same ones: those share a list,
// and a large group with many topics costs their sum, not their product.
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "common/base/uuid.h"
#include "controller/state/groups/assignor.h"

namespace weir::state {

// Places in a list of members, ascending. Topics with the same subscribers have the same object, as
// long as equal lists of topics are.
using MemberList = std::shared_ptr<const std::vector<size_t>>;

// Of each of `topics` that one of `members` subscribes to. Never null, never empty.
std::map<Uuid, MemberList> SubscribersOf(const std::vector<AssignableMember>& members,
                                         const AssignableTopics& topics);

}  // namespace weir::state
