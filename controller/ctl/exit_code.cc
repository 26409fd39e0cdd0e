#include "controller/ctl/exit_code.h"

namespace weir::ctl {

ExitCode ExitCodeOf(ErrorCode code) {
  const bool unreachable =
      code == ErrorCode::kNetworkException || code == ErrorCode::kRequestTimedOut ||
      code == ErrorCode::kBrokerNotAvailable || code == ErrorCode::kNotController;
  return unreachable ? ExitCode::kUnreachable : ExitCode::kRefused;
}

std::string NextCommand(ErrorCode code) {
  // A chain of ifs, because most codes have no general advice.
  if (code == ErrorCode::kUnknownTopicOrPartition || code == ErrorCode::kUnknownTopicId)
    return "weir topic list";
  if (code == ErrorCode::kTopicAlreadyExists) return "weir topic describe NAME";
  if (code == ErrorCode::kInvalidReplicationFactor || code == ErrorCode::kInvalidReplicaAssignment)
    return "weir broker list";
  if (code == ErrorCode::kNetworkException)
    return "weir dev    (or name a controller: --admin HOST:PORT)";
  if (code == ErrorCode::kRequestTimedOut || code == ErrorCode::kNotController ||
      code == ErrorCode::kVoterNotFound || code == ErrorCode::kDuplicateVoter ||
      code == ErrorCode::kInvalidVoterKey)
    return "weir quorum describe";
  if (code == ErrorCode::kBrokerNotAvailable || code == ErrorCode::kLeaderNotAvailable ||
      code == ErrorCode::kNotEnoughReplicas)
    return "weir cluster describe";
  if (code == ErrorCode::kOffsetOutOfRange) return "weir topic consume NAME -o start";
  if (code == ErrorCode::kInvalidConfig) return "weir topic config NAME";
  return {};
}

}  // namespace weir::ctl
