// Progress: what the leader knows of one other member's log, and how it feeds it.
//
//   probe      one append at a time until the place where the logs agree is found
//   replicate  appends are sent ahead of their answers, up to a window (thesis section 10.2.1)
//   snapshot   what it needs is compacted: pieces of a snapshot, one at a time
//
//   probe     -> replicate  an append succeeded
//   replicate -> probe      an append was refused: one was lost or the member restarted
//   any       -> snapshot   the entry before `next` is compacted
//   snapshot  -> probe      the snapshot was installed, or given up
//
// Laws: match < next; in probe and snapshot next is match + 1 or a guess above it; match never
// falls.
// Thread rule: one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "controller/raft/types.h"

namespace weir::raft {

enum class ProgressState : uint8_t { kProbe, kReplicate, kSnapshot };
std::string_view ProgressStateName(ProgressState state);

struct OutgoingSnapshot {
  SnapshotMeta meta;
  uint64_t offset = 0;  // of the piece under way
  int32_t ticks_waited = 0;
};

class Progress {
 public:
  // A member about which nothing is known; `next` is the leader's first guess.
  explicit Progress(LogIndex next) : next_(next) {}

  LogIndex match() const { return match_; }
  LogIndex next() const { return next_; }
  ProgressState state() const { return state_; }
  size_t in_flight() const { return in_flight_.size(); }

  // Whether an append may be sent now, if there is anything to send.
  bool MaySend(size_t in_flight_max) const;
  // An append with entries up to `last` and this commit index was sent. Empty appends have
  // last == next - 1.
  void Sent(LogIndex last, LogIndex commit);
  LogIndex commit_sent() const { return commit_sent_; }

  // The member has everything up to `index`. Returns false when that is no news.
  bool Accepted(LogIndex index);
  // It refused an append after `prev`; `guess` is where the logs may agree. Returns false when the
  // refusal is old and says nothing.
  bool Refused(LogIndex prev, LogIndex guess);
  // It answered a heartbeat: an append that got no answer is taken for lost.
  void HeartbeatAnswered(size_t in_flight_max);

  void BecomeProbe();
  void BecomeSnapshot(SnapshotMeta meta);
  OutgoingSnapshot& outgoing();
  const std::optional<OutgoingSnapshot>& outgoing_if_any() const { return outgoing_; }
  // It has installed a snapshot that ends at `index`.
  void SnapshotInstalled(LogIndex index);

  // Heard from since the last check-quorum round.
  bool recently_active = false;
  // The highest read sequence it has confirmed.
  uint64_t read_sequence = 0;
  // Set for a member that was removed: the index of its removal. It is fed until it has that entry,
  // so that it learns of it, but it counts for nothing.
  std::optional<LogIndex> removed_at;
  int32_t leaving_ticks = 0;

  // "replicate match=13 next=15 inflight=1"
  std::string Describe() const;

 private:
  LogIndex match_;
  LogIndex next_;
  LogIndex commit_sent_;
  ProgressState state_ = ProgressState::kProbe;
  bool probe_waits_ = false;        // probe: one is under way
  std::deque<LogIndex> in_flight_;  // replicate: last index of each unanswered append
  std::optional<OutgoingSnapshot> outgoing_;
};

}  // namespace weir::raft
