// The values of Raft: lookup in configurations, and their printed forms.
#include "controller/raft/types.h"

#include <algorithm>

#include "common/base/check.h"

namespace weir::raft {

bool operator==(const Entry& a, const Entry& b) {
  if (a.term != b.term || a.index != b.index || a.type != b.type) return false;
  if (a.payload == b.payload) return true;
  return a.payload && b.payload && *a.payload == *b.payload;
}

const Member* Configuration::Find(NodeId id) const {
  for (const Member& member : members) {
    if (member.id == id) return &member;
  }
  return nullptr;
}

const Member* Configuration::Find(const VoterKey& key) const {
  const Member* member = Find(key.id);
  return member != nullptr && member->directory_id == key.directory_id ? member : nullptr;
}

bool Configuration::IsVoter(const VoterKey& key) const {
  const Member* member = Find(key);
  return member != nullptr && member->is_voter;
}

size_t Configuration::voter_count() const {
  return static_cast<size_t>(std::count_if(members.begin(), members.end(),
                                           [](const Member& member) { return member.is_voter; }));
}

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kFollower:
      return "follower";
    case Role::kPreCandidate:
      return "pre-candidate";
    case Role::kCandidate:
      return "candidate";
    case Role::kLeader:
      return "leader";
  }
  WEIR_UNREACHABLE("role");
}

std::string_view EntryTypeName(EntryType type) {
  switch (type) {
    case EntryType::kNormal:
      return "normal";
    case EntryType::kConfiguration:
      return "configuration";
    case EntryType::kLeaderStart:
      return "leader-start";
  }
  WEIR_UNREACHABLE("entry type");
}

std::string ToString(const VoterKey& key) {
  return ToString(key.id) + "@" + key.directory_id.ToString();
}

std::string ToString(const Entry& entry) {
  std::string text = ToString(entry.term) + "/" + ToString(entry.index) + " ";
  text += EntryTypeName(entry.type);
  if (entry.type == EntryType::kConfiguration && entry.payload) {
    const Result<Configuration> configuration = DecodeConfiguration(*entry.payload);
    text += configuration ? " " + ToString(*configuration) : " (unreadable)";
  } else if (entry.type == EntryType::kNormal && entry.payload) {
    constexpr size_t kShownBytesMax = 32;
    text += entry.bytes() <= kShownBytesMax ? " '" + *entry.payload + "'"
                                            : " " + std::to_string(entry.bytes()) + " bytes";
  }
  return text;
}

std::string ToString(const HardState& state) {
  return "term=" + ToString(state.term) +
         " vote=" + (state.vote ? ToString(state.vote->id) : std::string("none"));
}

std::string ToString(const Configuration& config) {
  std::string voters;
  std::string learners;
  for (const Member& member : config.members) {
    std::string& list = member.is_voter ? voters : learners;
    list += (list.empty() ? "" : " ") + ToString(member.id);
  }
  std::string text = "voters=(" + voters + ")";
  if (!learners.empty()) text += " learners=(" + learners + ")";
  return text;
}

std::string ToString(const SnapshotMeta& meta) {
  return ToString(meta.last_term) + "/" + ToString(meta.last_index) + " " +
         ToString(meta.configuration);
}

}  // namespace weir::raft
