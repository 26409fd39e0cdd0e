// Which protocol a member of a group speaks, where a request is of one of them only.
// Thread rule: pure functions of an immutable image.
#pragma once

#include <string_view>

#include "common/metadata/image.h"

namespace weir::handlers {

// Whether that is a member that uses the consumer protocol (KIP-848). It sends no Heartbeat, and
// commits in its member epoch. An image that lags is right about it, too: a member id is of one
// protocol for as long as it lives.
inline bool UsesConsumerProtocol(const metadata::MetadataImage& image, std::string_view group_id,
                                 std::string_view member_id) {
  const metadata::Group* group = image.FindGroup(group_id);
  if (group == nullptr || group->type != metadata::GroupType::kConsumer) return false;
  const metadata::GroupMember* member = group->FindMember(member_id);
  return member != nullptr && !member->uses_classic_protocol;
}

}  // namespace weir::handlers
