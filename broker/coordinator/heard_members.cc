#include "broker/coordinator/heard_members.h"

#include <algorithm>

namespace weir::coordinator {
namespace {

constexpr int64_t kHeardMsAgoMax = INT32_MAX;

}  // namespace

void HeardMembers::Add(std::string_view group_id, std::string_view member_id, MonoTime at) {
  auto group = groups_.find(group_id);
  if (group == groups_.end()) group = groups_.emplace(group_id, Members{}).first;
  const auto member = group->second.find(member_id);
  if (member == group->second.end()) {
    group->second.emplace(member_id, at);
  } else {
    member->second = std::max(member->second, at);
  }
}

void HeardMembers::Merge(const HeardMembers& others) {
  for (const auto& [group_id, members] : others.groups_) {
    for (const auto& [member_id, at] : members) Add(group_id, member_id, at);
  }
}

group::v1::LivenessReport HeardMembers::Report(MonoTime now) const {
  group::v1::LivenessReport report;
  for (const auto& [group_id, members] : groups_) {
    group::v1::LiveGroup* group = report.add_groups();
    group->set_group_id(group_id);
    for (const auto& [member_id, at] : members) {
      group::v1::LiveMember* member = group->add_members();
      member->set_member_id(member_id);
      const int64_t ago_ms = (now - at) / std::chrono::milliseconds(1);
      member->set_heard_ms_ago(
          static_cast<int32_t>(std::clamp<int64_t>(ago_ms, 0, kHeardMsAgoMax)));
    }
  }
  return report;
}

}  // namespace weir::coordinator
