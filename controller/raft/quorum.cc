// Majorities: see quorum.h.
#include "controller/raft/quorum.h"

#include <algorithm>
#include <vector>

namespace weir::raft {

VoteResult CountVotes(const Configuration& configuration, const std::map<VoterKey, bool>& votes) {
  const size_t voters = configuration.voter_count();
  size_t granted = 0;
  size_t refused = 0;
  for (const auto& [voter, vote] : votes) {
    if (!configuration.IsVoter(voter)) continue;
    ++(vote ? granted : refused);
  }
  if (voters > 0 && granted >= MajorityOf(voters)) return VoteResult::kWon;
  // Lost once the voters that have not refused are no majority any more.
  if (voters - refused < MajorityOf(voters)) return VoteResult::kLost;
  return VoteResult::kPending;
}

uint64_t MajorityReached(const Configuration& configuration,
                         const std::function<uint64_t(const VoterKey&)>& value_of) {
  std::vector<uint64_t> values;
  for (const Member& member : configuration.members) {
    if (member.is_voter) values.push_back(value_of(member.key()));
  }
  if (values.empty()) return 0;
  // In falling order, the value at place majority - 1 is reached by a majority.
  const size_t place = MajorityOf(values.size()) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place),
                   values.end(), std::greater<>());
  return values[place];
}

}  // namespace weir::raft
