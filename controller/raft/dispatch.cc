// Dispatch: what every message passes before its handler sees it.
//
//   1. identity   cluster id, addressee, and for answers a sender that is who it says
//   2. shape      entries that follow each other, readable configurations
//   3. term       a higher term makes a follower, with two exceptions: a pre-vote changes nothing,
//                 and a vote request does not disturb a server that hears its leader (thesis
//                 section 4.2.3, R-40)
//   4. stale      a request of a lower term is answered with ours, an answer of a lower term is
//                 dropped
#include <type_traits>
#include <utility>

#include "common/base/check.h"
#include "controller/raft/raft.h"

namespace weir::raft {
namespace {

template <class T>
inline constexpr bool kIsAnswer =
    std::is_same_v<T, PreVoteResponse> || std::is_same_v<T, VoteResponse> ||
    std::is_same_v<T, AppendResponse> || std::is_same_v<T, HeartbeatResponse> ||
    std::is_same_v<T, SnapshotResponse>;

// Messages that only the leader of the message's term sends.
template <class T>
inline constexpr bool kIsFromLeader =
    std::is_same_v<T, AppendRequest> || std::is_same_v<T, HeartbeatRequest> ||
    std::is_same_v<T, SnapshotRequest> || std::is_same_v<T, TimeoutNow>;

bool IsAnswer(const Message& message) {
  return std::visit([](const auto& m) { return kIsAnswer<std::decay_t<decltype(m)>>; }, message);
}

bool IsFromLeader(const Message& message) {
  return std::visit([](const auto& m) { return kIsFromLeader<std::decay_t<decltype(m)>>; },
                    message);
}

Status CheckShape(const Message& message) {
  const auto* append = std::get_if<AppendRequest>(&message);
  if (append == nullptr) return {};
  LogIndex index = append->prev_index;
  Term term = append->prev_term;
  for (const Entry& entry : append->entries) {
    if (entry.index != index + 1 || entry.term < term || entry.term > append->header.term ||
        !entry.payload) {
      return Fail(ErrorCode::kInvalidRequest, "append with entries that do not follow each other");
    }
    if (entry.type != EntryType::kNormal) {
      WEIR_RETURN_IF_ERROR(DecodeConfiguration(*entry.payload));
    }
    index = entry.index;
    term = entry.term;
  }
  return {};
}

}  // namespace

Status Raft::Step(Message message) {
  if (halted_) return Fail(ErrorCode::kKafkaStorageError, "this controller has stopped");
  if (!config_.guards.r39_directory_identity) {
    MessageHeader& header = MutableHeaderOf(message);
    if (header.to.id == config_.self.id) header.to = config_.self;
    if (const Member* member = configuration().Find(header.from.id)) header.from = member->key();
  }
  WEIR_RETURN_IF_ERROR(CheckIdentity(HeaderOf(message)));
  if (IsAnswer(message) && !KnownSender(HeaderOf(message).from)) {
    return Fail(ErrorCode::kInvalidVoterKey,
                ToString(HeaderOf(message).from) + " is no member and was asked nothing");
  }
  WEIR_RETURN_IF_ERROR(CheckShape(message));
  const auto* vote = std::get_if<VoteRequest>(&message);
  if (vote != nullptr && vote->header.term > term_ && !vote->leadership_transfer && HearsLeader()) {
    return {};
  }
  ObserveTerm(message);
  if (!AnswerStaleTerm(message)) std::visit([this](const auto& m) { Handle(m); }, message);
  CheckInvariants();
  return {};
}

Status Raft::CheckIdentity(const MessageHeader& header) const {
  if (header.cluster_id != config_.cluster_id) {
    return Fail(ErrorCode::kInconsistentClusterId,
                "message of cluster " + header.cluster_id.ToString() + ", this is cluster " +
                    config_.cluster_id.ToString());
  }
  if (header.to != config_.self) {
    return Fail(ErrorCode::kInvalidVoterKey,
                "message for " + ToString(header.to) + ", this is " + ToString(config_.self));
  }
  if (header.from.id == config_.self.id) {
    return Fail(ErrorCode::kInvalidVoterKey,
                ToString(header.from) + " has the node id of this server");
  }
  return {};
}

// Answers count from members, and from members on their way out. Requests are served for anyone: a
// server may be behind and not know yet who is a member (thesis section 4.1).
bool Raft::KnownSender(const VoterKey& key) const {
  return configuration().IsMember(key) || progress_.contains(key);
}

void Raft::ObserveTerm(const Message& message) {
  const MessageHeader& header = HeaderOf(message);
  if (header.term <= term_ || std::holds_alternative<PreVoteRequest>(message)) return;
  // A server that was removed cannot depose the leader with the terms it made up since.
  if (IsAnswer(message) && !configuration().IsMember(header.from)) return;
  BecomeFollower(header.term,
                 IsFromLeader(message) ? std::optional<VoterKey>(header.from) : std::nullopt);
}

// Returns whether the message needs no further handling. Pre-votes carry the term they ask for and
// are judged by it.
bool Raft::AnswerStaleTerm(const Message& message) {
  const MessageHeader& header = HeaderOf(message);
  if (std::holds_alternative<PreVoteRequest>(message)) return false;
  if (std::holds_alternative<PreVoteResponse>(message)) return false;
  if (header.term == term_) return false;
  if (header.term > term_) return true;  // not to be observed, hence not to be handled
  if (std::holds_alternative<VoteRequest>(message)) {
    SendAfterPersist(VoteResponse{HeaderTo(header.from), false});
  } else if (const auto* append = std::get_if<AppendRequest>(&message)) {
    SendNow(AppendResponse{HeaderTo(header.from), false, append->prev_index, {}, {}});
  } else if (std::holds_alternative<HeartbeatRequest>(message)) {
    SendNow(HeartbeatResponse{HeaderTo(header.from), 0});
  } else if (const auto* piece = std::get_if<SnapshotRequest>(&message)) {
    SendNow(SnapshotResponse{HeaderTo(header.from), piece->meta.last_index, piece->meta.last_term,
                             0, true, false});
  }
  return true;
}

}  // namespace weir::raft
