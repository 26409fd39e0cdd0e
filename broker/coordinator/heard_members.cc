#include "broker/coordinator/heard_members.h"

#include <algorithm>
#include <utility>

namespace weir::coordinator {
namespace {

// Of one member in a report, besides its id: twice the id's length, a time, and what frames them.
constexpr size_t kSignsBytes = 32;

int32_t MsAgo(MonoTime at, MonoTime now) {
  const int64_t ago_ms = (now - at) / std::chrono::milliseconds(1);
  return static_cast<int32_t>(std::clamp<int64_t>(ago_ms, 0, INT32_MAX));
}

void Later(MonoTime at, std::optional<MonoTime>* known) {
  *known = std::max(known->value_or(at), at);
}

}  // namespace

HeardMembers::Signs& HeardMembers::SignsOf(std::string_view group_id, std::string_view member_id) {
  auto group = groups_.find(group_id);
  if (group == groups_.end()) group = groups_.emplace(group_id, Members{}).first;
  const auto member = group->second.find(member_id);
  if (member != group->second.end()) return member->second;
  return group->second.emplace(member_id, Signs{}).first->second;
}

void HeardMembers::Add(std::string_view group_id, std::string_view member_id, MonoTime at) {
  Later(at, &SignsOf(group_id, member_id).heard);
}

void HeardMembers::AddLost(std::string_view group_id, std::string_view member_id, MonoTime at) {
  Later(at, &SignsOf(group_id, member_id).lost);
  has_lost_ = true;
}

void HeardMembers::Merge(const HeardMembers& others) {
  for (const auto& [group_id, members] : others.groups_) {
    for (const auto& [member_id, signs] : members) {
      if (signs.heard) Add(group_id, member_id, *signs.heard);
      if (signs.lost) AddLost(group_id, member_id, *signs.lost);
    }
  }
}

HeardMembers HeardMembers::Take(size_t bytes_max) {
  HeardMembers taken;
  taken.has_lost_ = has_lost_;
  size_t bytes = 0;
  while (!groups_.empty() && bytes < bytes_max) {
    auto& [group_id, members] = *groups_.begin();
    Members& of_group = taken.groups_[group_id];
    bytes += group_id.size();
    while (!members.empty() && bytes < bytes_max) {
      auto member = members.extract(members.begin());
      bytes += member.key().size() + kSignsBytes;
      of_group.insert(std::move(member));
    }
    if (members.empty()) groups_.erase(groups_.begin());
  }
  has_lost_ = has_lost_ && !groups_.empty();
  return taken;
}

group::v1::LivenessReport HeardMembers::Report(MonoTime now) const {
  group::v1::LivenessReport report;
  for (const auto& [group_id, members] : groups_) {
    group::v1::LiveGroup* group = report.add_groups();
    group->set_group_id(group_id);
    for (const auto& [member_id, signs] : members) {
      if (signs.heard) {
        group::v1::LiveMember* member = group->add_members();
        member->set_member_id(member_id);
        member->set_heard_ms_ago(MsAgo(*signs.heard, now));
      }
      if (signs.lost && !(signs.heard && *signs.heard > *signs.lost)) {
        group::v1::LostMember* lost = group->add_lost();
        lost->set_member_id(member_id);
        lost->set_lost_ms_ago(MsAgo(*signs.lost, now));
      }
    }
  }
  return report;
}

}  // namespace weir::coordinator
