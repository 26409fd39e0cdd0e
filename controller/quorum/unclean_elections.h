// UncleanElections: says which partitions may have lost acknowledged records, in the log and as
// weir_controller_unclean_elections_total (I-18).
//
// Laws:
//  1. An election is reported when its batch is committed; when the leadership is lost first, at
//     that moment, because it may be committed all the same. None is left out.
// Thread rule: loop thread.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "common/runtime/metrics.h"
#include "controller/state/elect_leaders.h"

namespace weir::quorum {

class UncleanElections {
 public:
  UncleanElections();

  // Offsets ascend from call to call.
  void Decided(LogIndex offset, std::vector<state::UncleanElection> elections);
  // Everything up to that offset is committed.
  void Committed(LogIndex offset);
  void LeadershipLost();

 private:
  void ReportFirst();

  runtime::Counter& counter_;
  std::deque<std::pair<LogIndex, std::vector<state::UncleanElection>>> decided_;
};

}  // namespace weir::quorum
