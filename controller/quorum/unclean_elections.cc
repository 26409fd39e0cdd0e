#include "controller/quorum/unclean_elections.h"

#include "common/runtime/log.h"

namespace weir::quorum {

UncleanElections::UncleanElections()
    : counter_(runtime::Metrics::Global().AddCounter(
          "weir_controller_unclean_elections_total",
          "Leaders elected that may lack acknowledged records.")) {}

void UncleanElections::Decided(LogIndex offset, std::vector<state::UncleanElection> elections) {
  if (!elections.empty()) decided_.emplace_back(offset, std::move(elections));
}

void UncleanElections::Committed(LogIndex offset) {
  while (!decided_.empty() && decided_.front().first <= offset) ReportFirst();
}

void UncleanElections::LeadershipLost() {
  while (!decided_.empty()) ReportFirst();
}

void UncleanElections::ReportFirst() {
  for (const state::UncleanElection& election : decided_.front().second) {
    LogWarn("quorum", "unclean leader election: acknowledged records may be lost",
            {{"topic", election.topic},
             {"partition", election.partition},
             {"leader_id", election.leader},
             {"offset", decided_.front().first}});
  }
  counter_.Add(static_cast<double>(decided_.front().second.size()));
  decided_.pop_front();
}

}  // namespace weir::quorum
