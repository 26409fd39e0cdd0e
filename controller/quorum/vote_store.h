// VoteStore: term and vote (Raft's hard state) in the small file "vote", replaced as a whole.
//
// Laws:
//  1. Save returns only when the new state is durable; until then the old one is.
//  2. A file that exists but does not check is an error, never "no vote": forgetting a vote
//     allows a second one in the same term. That a file is missing beside a log is noticed
//     by Raft::Validate.
// Thread rule: one owner (the log writer thread after Load).
#pragma once

#include <optional>

#include "controller/quorum/disk.h"
#include "controller/raft/types.h"

namespace weir::quorum {

// Term 0 and no vote when the file does not exist. Errors: kCorruptMessage, kKafkaStorageError.
Result<raft::HardState> LoadVote(const Disk& disk);

// Errors: kKafkaStorageError.
Status SaveVote(Disk& disk, const raft::HardState& state);

}  // namespace weir::quorum
