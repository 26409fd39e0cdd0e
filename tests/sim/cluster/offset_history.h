// OffsetHistory: commits of the simulated group's offsets as clients sent them, as the log has them
// and as they are read.
//
//   G-10  an acknowledged commit, and what was read once, is read by everybody from then on, or
//         what was committed after it; the log has each commit once, as it was sent
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

namespace weir::sim {

class ClusterWorld;

// Requests that change offsets are numbered as they arrive.
using CommitNumber = uint64_t;

class OffsetHistory {
 public:
  // By partition.
  using Offsets = std::map<int32_t, int64_t>;

  explicit OffsetHistory(ClusterWorld& world) : world_(world) {}

  // A commit has reached a broker. Numbers begin at 0 and have no gaps.
  CommitNumber OnArrived(const Offsets& offsets);
  // What it writes beside the offset.
  static std::string TagOf(CommitNumber number, int32_t partition);

  struct Place {
    CommitNumber number = 0;
    int32_t partition = 0;
  };
  // A leader calls this record committed; records come in the order of the log, each once. nullopt:
  // a violation.
  std::optional<Place> OnRecord(Offset position, std::string_view value);
  void OnAcked(CommitNumber number);

  // The newest place in the log that somebody knows to be committed, by partition.
  const std::map<int32_t, Offset>& known() const { return known_; }
  // What an OffsetFetch says, which began when `known` was known.
  void OnFetched(const std::map<int32_t, Offset>& known, int32_t partition, int64_t offset,
                 const std::string& tag);

 private:
  struct Commit {
    Offsets offsets;
    // Where it stands in the log, by partition.
    std::map<int32_t, Offset> positions;
  };

  std::string Name(CommitNumber number) const;
  void Know(int32_t partition, Offset position);

  ClusterWorld& world_;
  std::vector<Commit> commits_;
  std::map<int32_t, Offset> known_;
};

}  // namespace weir::sim
