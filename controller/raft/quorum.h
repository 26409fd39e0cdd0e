// Majorities over the voters of one configuration.
// Laws: a majority of n voters is n / 2 + 1; of none there is none: an empty configuration commits
// nothing and elects nobody.
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>

#include "controller/raft/types.h"

namespace weir::raft {

enum class VoteResult : uint8_t { kPending, kWon, kLost };

inline size_t MajorityOf(size_t voters) { return voters / 2 + 1; }

// The outcome of an election so far. Votes of servers that are not voters of `configuration` count
// for nothing.
VoteResult CountVotes(const Configuration& configuration, const std::map<VoterKey, bool>& votes);

// The highest value that a majority of the voters has reached; `value_of` gives a voter's value.
// 0 without voters.
uint64_t MajorityReached(const Configuration& configuration,
                         const std::function<uint64_t(const VoterKey&)>& value_of);

}  // namespace weir::raft
