// ConfigurationHistory: which configuration was in effect at which log index, so that truncation
// can bring an older one back and a snapshot can carry the one of its own index.
//
// Law: the configuration in effect is the one of the last entry in the log that carries one,
// committed or not (thesis section 4.1).
// Thread rule: one owner.
#pragma once

#include <string>
#include <vector>

#include "controller/raft/types.h"

namespace weir::raft {

class ConfigurationHistory {
 public:
  explicit ConfigurationHistory(LogIndex base, Configuration configuration);

  const Configuration& latest() const { return steps_.back().configuration; }
  // Index of the last membership change (not of a leader start that restates); 0 if none is in the
  // log.
  LogIndex latest_change_index() const;
  // The one in effect right after `index` was applied.
  const Configuration& At(LogIndex index) const;

  // Whether `key` is a voter in the one in effect at `index` or in any later one.
  bool IsVoterSince(LogIndex index, const VoterKey& key) const;

  // REQUIRES: index is after all earlier ones.
  void Add(LogIndex index, EntryType type, Configuration configuration);
  // The entries from `index` on are gone. Returns whether the latest configuration changed.
  bool TruncateFrom(LogIndex index);
  // Entries up to `index` were compacted: what was in effect there becomes the base.
  void CompactThrough(LogIndex index);

  // "voters=(1 2 3) since 4 change 0"
  std::string Describe() const;

 private:
  struct Step {
    LogIndex index;
    bool is_change = false;
    Configuration configuration;
  };
  std::vector<Step> steps_;  // never empty; by index
};

}  // namespace weir::raft
