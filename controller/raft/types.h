// The values of Raft: entries, hard state, members, configurations, snapshot metadata.
//
// Laws:
//  1. A server is a VoterKey: node id and directory id. A wiped disk has a new directory id and is
//     therefore another server, even under the same node id.
//  2. An entry is named by (term, index); two entries with the same name have the same content
//     (thesis section 3.5).
//  3. A payload never changes after the entry is made; copies of an entry share it.
// Thread rule: plain values; payloads are immutable and may be read from any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/uuid.h"

namespace weir::raft {

struct VoterKey {
  NodeId id = kNoNode;
  Uuid directory_id;

  friend auto operator<=>(const VoterKey&, const VoterKey&) = default;
};

// What an entry carries. The numbers are written to disk and to peers: never renumber.
enum class EntryType : uint8_t {
  // A payload of the state machine.
  kNormal = 1,
  // A change of the configuration: payload = EncodeConfiguration of the whole new configuration.
  kConfiguration = 2,
  // The first entry of every leader. Its payload restates the configuration in effect, so
  // that a server that joins with an empty log learns it from the first entry on.
  kLeaderStart = 3,
};

struct Entry {
  Term term;
  LogIndex index;
  EntryType type = EntryType::kNormal;
  // Never null in an entry that the core hands out.
  std::shared_ptr<const std::string> payload;

  size_t bytes() const { return payload ? payload->size() : 0; }
};
// By content, not by pointer.
bool operator==(const Entry& a, const Entry& b);

// What must survive a crash besides the log (thesis figure 3.1). The commit index is not here: it
// is never trusted from disk.
struct HardState {
  Term term;
  std::optional<VoterKey> vote;  // who got this server's vote in `term`

  friend bool operator==(const HardState&, const HardState&) = default;
};

struct Member {
  NodeId id = kNoNode;
  Uuid directory_id;
  std::string address;  // host:port of its gRPC listener
  bool is_voter = false;

  VoterKey key() const { return {id, directory_id}; }
  friend bool operator==(const Member&, const Member&) = default;
};

// The servers of a cluster. `members` is ordered by id, at most one per id.
struct Configuration {
  std::vector<Member> members;

  const Member* Find(NodeId id) const;
  const Member* Find(const VoterKey& key) const;
  bool IsVoter(const VoterKey& key) const;
  bool IsMember(const VoterKey& key) const { return Find(key) != nullptr; }
  size_t voter_count() const;

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

// The bytes of a configuration as entries and snapshots carry them. The first byte is a format
// number.
std::string EncodeConfiguration(const Configuration& configuration);
// Errors: kCorruptMessage when the bytes are not an encoding, ids are out of order or lengths run
// over.
Result<Configuration> DecodeConfiguration(std::string_view bytes);

// What a snapshot replaces: every entry up to `last_index`, the state after it, and the
// configuration in effect there. A freshly formatted directory of a new cluster has {0, 0, the
// first voters}.
struct SnapshotMeta {
  LogIndex last_index;
  Term last_term;
  Configuration configuration;

  friend bool operator==(const SnapshotMeta&, const SnapshotMeta&) = default;
};

enum class Role : uint8_t { kFollower, kPreCandidate, kCandidate, kLeader };

// "follower", "pre-candidate", "candidate", "leader".
std::string_view RoleName(Role role);
std::string_view EntryTypeName(EntryType type);

std::string ToString(const VoterKey& key);          // "2@xtzWWN4bTjitpL3kfd9s5g"
std::string ToString(const Entry& entry);           // "2/14 normal 'payload'": term/index
std::string ToString(const HardState& state);       // "term=3 vote=2"
std::string ToString(const Configuration& config);  // "voters=(1 2 3) learners=(4)"
std::string ToString(const SnapshotMeta& meta);     // "2/14 voters=(1 2 3)"

}  // namespace weir::raft
