// Groups and their members as the controllers know them, whichever protocol the members speak:
// classic groups, consumer groups (KIP-848), and consumer groups with members of both protocols.
// Every command that looks at members asks here. Thread rule: main thread, blocking; the
// descriptions are pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/ctl/command.h"
#include "proto/group.pb.h"
#include "proto/group_report.pb.h"

namespace weir::ctl {

struct KnownGroup {
  // False: the controllers know of none of that name; the rest is empty then. Its offsets may have
  // been committed all the same.
  bool exists = false;
  // Without what its coordinator knows: offsets, and where it is.
  group::v1::GroupDescription description;
  // (topic, partition) -> the member of `description` that owns it, by its index.
  std::map<std::pair<std::string, int32_t>, int> owners;
};

// REQUIRES: no error.
KnownGroup Describe(const group::v1::DescribedGroup& group);
KnownGroup Describe(const group::v1::DescribedConsumerGroup& group);

// One for each name, in their order. Errors: of the calls, and what is said of a single group.
Result<std::vector<KnownGroup>> AskGroups(Session& session, const std::vector<std::string>& names);
Result<KnownGroup> AskGroup(Session& session, const std::string& name);

}  // namespace weir::ctl
