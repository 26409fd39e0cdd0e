// ConfigurationHistory: see the header.
#include "controller/raft/configuration_history.h"

#include <utility>

#include "common/base/check.h"

namespace weir::raft {

ConfigurationHistory::ConfigurationHistory(LogIndex base, Configuration configuration) {
  steps_.push_back({base, false, std::move(configuration)});
}

LogIndex ConfigurationHistory::latest_change_index() const {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (step->is_change) return step->index;
  }
  return LogIndex{};
}

const Configuration& ConfigurationHistory::At(LogIndex index) const {
  WEIR_CHECK(steps_.front().index <= index);
  size_t at = 0;
  while (at + 1 < steps_.size() && steps_[at + 1].index <= index) ++at;
  return steps_[at].configuration;
}

bool ConfigurationHistory::IsVoterSince(LogIndex index, const VoterKey& key) const {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (step->configuration.IsVoter(key)) return true;
    if (step->index <= index) return false;
  }
  return false;
}

void ConfigurationHistory::Add(LogIndex index, EntryType type, Configuration configuration) {
  WEIR_CHECK(index > steps_.back().index);
  steps_.push_back({index, type == EntryType::kConfiguration, std::move(configuration)});
}

bool ConfigurationHistory::TruncateFrom(LogIndex index) {
  bool changed = false;
  while (steps_.size() > 1 && steps_.back().index >= index) {
    steps_.pop_back();
    changed = true;
  }
  return changed;
}

void ConfigurationHistory::CompactThrough(LogIndex index) {
  size_t at = 0;
  while (at + 1 < steps_.size() && steps_[at + 1].index <= index) ++at;
  steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(at));
}

std::string ConfigurationHistory::Describe() const {
  return ToString(latest()) + " since " + ToString(steps_.back().index) + " change " +
         ToString(latest_change_index());
}

}  // namespace weir::raft
