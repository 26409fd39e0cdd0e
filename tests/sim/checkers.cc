// Checkers: see checkers.h.
#include "tests/sim/checkers.h"

#include <algorithm>

#include "common/base/check.h"
#include "controller/raft/quorum.h"
#include "tests/sim/sim_server.h"

namespace weir::sim {

using raft::Role;

uint64_t MixHash(uint64_t hash, uint64_t word) {
  hash ^= word + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
  hash *= 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 33);
}

uint64_t HashText(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
  return hash;
}

uint64_t HashEntry(const raft::Entry& entry) {
  uint64_t hash = MixHash(entry.term.value(), entry.index.value());
  hash = MixHash(hash, static_cast<uint64_t>(entry.type));
  return MixHash(hash, HashText(*entry.payload));
}

void Checkers::Fail(std::string violation) {
  if (violation_.empty()) violation_ = std::move(violation);
}

void Checkers::AfterEvent(SimServer& server) {
  if (!server.running() || server.raft().halted() || !ok()) return;
  CheckTerm(server);
  CheckNewEntries(server);
  CheckLeader(server);
  CheckCommit(server);
  CheckConfiguration(server);
}

// terms never go back, on disk or in memory.
void Checkers::CheckTerm(SimServer& server) {
  const Term term = server.raft().term();
  if (term < server.seen.term) {
    Fail("R-07 server " + ToString(server.key().id) + " went back to term " + ToString(term));
  }
  if (term < server.disk().hard_state().term) {
    Fail("R-07 server " + ToString(server.key().id) + " is behind the term on its disk");
  }
  server.seen.term = term;
}

// R-01 at most one leader in a term; R-02 a leader only appends; R-29 it has a majority or steps
// down.
void Checkers::CheckLeader(SimServer& server) {
  const raft::Raft& raft = server.raft();
  if (!raft.is_leader()) {
    server.seen.led.reset();
    return;
  }
  const auto [leader, is_new] = leaders_.emplace(raft.term(), server.key());
  if (leader->second != server.key()) {
    Fail("R-01 term " + ToString(raft.term()) + " has leaders " + ToString(leader->second.id) +
         " and " + ToString(server.key().id));
    return;
  }
  if (is_new) CheckHasAllCommitted(server);
  if (server.seen.led == raft.term() && raft.log().last_index() < server.seen.led_through) {
    Fail("R-02 leader " + ToString(server.key().id) + " shortened its log");
  }
  server.seen.led = raft.term();
  server.seen.led_through = raft.log().last_index();
  CheckMajorityIsHeard(server);
}

void Checkers::CheckMajorityIsHeard(SimServer& leader) {
  const raft::Raft& raft = leader.raft();
  if (leader.seen.configuration != raft.configuration()) {
    leader.seen.configuration = raft.configuration();
    leader.seen.configuration_since_tick = leader.ticks();
  }
  // Other voters make another majority, which has had as long as they have been voters.
  const int64_t known = leader.ticks() - leader.seen.configuration_since_tick;
  constexpr int64_t kNever = 1'000'000'000;
  const auto heard = [&](const raft::VoterKey& key) {
    const int64_t silent = key == leader.key() ? 0 : leader.TicksSinceHeard(key);
    return static_cast<uint64_t>(kNever - std::min(silent, known));
  };
  const int64_t silent =
      kNever - static_cast<int64_t>(raft::MajorityReached(raft.configuration(), heard));
  if (silent > 2 * raft.config().election_ticks_max + 2) {
    Fail("R-29 leader " + ToString(leader.key().id) + " has not heard a majority for " +
         std::to_string(silent) + " ticks");
  }
}

// R-03 by induction: an entry with this index and term has always the same content and the same
// term before it.
void Checkers::CheckNewEntries(SimServer& server) {
  const raft::RaftLog& log = server.raft().log();
  LogIndex from = server.seen.entries_through + 1;
  if (server.seen.generation != log.generation()) {
    // Something was truncated: only what was committed is known to be as before.
    from = std::min(from, server.seen.commit + 1);
    server.seen.generation = log.generation();
  }
  for (LogIndex at = std::max(from, log.first_index()); at <= log.last_index(); ++at) {
    const raft::Entry& entry = log.At(at);
    const std::pair content(HashEntry(entry), *log.TermAt(at - 1));
    const auto known = entries_.emplace(std::pair(at, entry.term), content).first;
    if (known->second != content) {
      Fail("R-03 server " + ToString(server.key().id) + " has another entry " +
           raft::ToString(entry));
    }
    if (entry.term > server.raft().term()) Fail("R-15 an entry from the future");
  }
  server.seen.entries_through = log.last_index();
}

// R-06 the commit index never goes back; R-08 what a leader commits is on the disks of a majority.
void Checkers::CheckCommit(SimServer& server) {
  const raft::Raft& raft = server.raft();
  const LogIndex commit = raft.commit_index();
  if (commit < server.seen.commit) {
    Fail("R-06 server " + ToString(server.key().id) + " took back commit index " +
         ToString(server.seen.commit));
  }
  if (commit == server.seen.commit) return;
  if (raft.is_leader()) CheckMajorityHolds(server);
  const LogIndex known = std::max(server.seen.commit, raft.log().base_index());
  for (LogIndex at = known + 1; at <= commit && ok(); ++at)
    NoteCommitted(server, raft.log().At(at));
  server.seen.commit = commit;
}

void Checkers::CheckMajorityHolds(const SimServer& leader) {
  const raft::Raft& raft = leader.raft();
  const LogIndex commit = raft.commit_index();
  const std::optional<Term> term = raft.log().TermAt(commit);
  if (!term || commit <= committed_through() || !disks_are_honest) return;
  const uint64_t held = raft::MajorityReached(raft.configuration(), [&](const raft::VoterKey& key) {
    return uint64_t{Held(key, *term, commit) ? 1u : 0u};
  });
  if (held == 0) {
    Fail("R-08 leader " + ToString(leader.key().id) + " committed " + ToString(*term) + "/" +
         ToString(commit) + " which no majority has on disk");
  }
}

bool Checkers::Held(const raft::VoterKey& key, Term term, LogIndex index) const {
  const auto wiped = wiped_.find(key);
  if (wiped != wiped_.end()) return wiped->second.Holds(term, index);
  const auto server = servers_.find(key.id);
  return server != servers_.end() && server->second->key() == key &&
         server->second->disk().Holds(term, index);
}

// an index is committed once, with one content. R-04: every leader of a later term has
// it.
void Checkers::NoteCommitted(const SimServer& server, const raft::Entry& entry) {
  if (!disks_are_honest) return;
  const uint64_t hash = HashEntry(entry);
  if (entry.index <= committed_through()) {
    const Committed& before = committed_[entry.index.value() - 1];
    if (before.entry_hash == hash) return;
    Fail("R-05 server " + ToString(server.key().id) + " commits " + raft::ToString(entry) +
         " where term " + ToString(before.term) + " was committed");
    return;
  }
  WEIR_CHECK(entry.index == committed_through() + 1);
  const uint64_t state = committed_.empty() ? 0 : committed_.back().state_hash;
  committed_.push_back({entry.term, server.raft().term(), hash, MixHash(state, hash)});
  for (const auto& [id, other] : servers_) {
    if (!other->running() || other->raft().halted() || !other->raft().is_leader()) continue;
    if (other->raft().term() > server.raft().term()) CheckHasAllCommitted(*other);
  }
}

// a leader has every entry that was committed in an earlier term. (A leader of term 7
// may be elected after one of term 8, by votes that were long under way.)
void Checkers::CheckHasAllCommitted(const SimServer& leader) {
  if (!disks_are_honest) return;
  const raft::RaftLog& log = leader.raft().log();
  for (LogIndex at = log.base_index() + 1; at <= committed_through(); ++at) {
    const Committed& committed = committed_[at.value() - 1];
    if (committed.known_in >= leader.raft().term()) continue;
    if (log.TermAt(at) == committed.term) continue;
    Fail("R-04 leader " + ToString(leader.key().id) + " of term " + ToString(leader.raft().term()) +
         " lacks committed entry " + ToString(committed_[at.value() - 1].term) + "/" +
         ToString(at));
    return;
  }
}

// the configuration in effect is the last one in the log, and nothing else.
void Checkers::CheckConfiguration(const SimServer& server) {
  const raft::Raft& raft = server.raft();
  const raft::RaftLog& log = raft.log();
  for (LogIndex at = log.last_index(); at > log.base_index(); at = at - 1) {
    if (at <= raft.snapshot().last_index) break;
    const raft::Entry& entry = log.At(at);
    if (entry.type == raft::EntryType::kNormal) continue;
    if (raft::DecodeConfiguration(*entry.payload) != raft.configuration()) {
      Fail("R-37 server " + ToString(server.key().id) + " uses a configuration that is not in " +
           "its log");
    }
    return;
  }
  if (raft.configuration() != raft.snapshot().configuration &&
      raft.log().last_index() <= raft.snapshot().last_index) {
    Fail("R-37 server " + ToString(server.key().id) + " does not use its snapshot's configuration");
  }
}

void Checkers::Count(const raft::Message& message) {
  const auto* piece = std::get_if<raft::SnapshotResponse>(&message);
  const auto* append = std::get_if<raft::AppendResponse>(&message);
  counts_.snapshot_restarts += piece != nullptr && piece->restart ? 1 : 0;
  counts_.appends_refused += append != nullptr && !append->success ? 1 : 0;
  counts_.timeout_now_sent += std::holds_alternative<raft::TimeoutNow>(message) ? 1 : 0;
}

void Checkers::OnSend(const SimServer& from, const raft::Message& message) {
  const raft::MessageHeader& header = raft::HeaderOf(message);
  Count(message);
  if (std::holds_alternative<raft::VoteRequest>(message)) {
    CheckOneVote(from, header.term, from.key());
  }
  const auto* vote = std::get_if<raft::VoteResponse>(&message);
  if (vote != nullptr && vote->granted) CheckOneVote(from, header.term, header.to);
  const auto* append = std::get_if<raft::AppendResponse>(&message);
  if (append == nullptr || !append->success || !check_outbox) return;
  // an acknowledgement is a promise that survives a power cut. One to a leader of an older
  // term was true when its write was begun; what is in the log now says nothing about it.
  if (header.term != from.raft().term()) return;
  const std::optional<Term> term = from.raft().log().TermAt(append->index);
  if (term && !from.disk().Holds(*term, append->index)) {
    Fail("R-48 server " + ToString(from.key().id) + " acknowledged " + ToString(*term) + "/" +
         ToString(append->index) + " before it was on disk");
  }
}

// one vote per server and term, and it is on disk before it is given.
void Checkers::CheckOneVote(const SimServer& from, Term term, const raft::VoterKey& candidate) {
  const auto vote = votes_.emplace(std::pair(from.key(), term), candidate).first;
  if (vote->second != candidate) {
    Fail("R-14 server " + ToString(from.key().id) + " voted twice in term " + ToString(term));
  }
  const raft::HardState& disk = from.disk().hard_state();
  const bool kept = disk.term > term || (disk.term == term && disk.vote == candidate);
  if (!kept && check_outbox) {
    Fail("R-14 server " + ToString(from.key().id) + " gave its vote of term " + ToString(term) +
         " before it was on disk");
  }
}

void Checkers::OnApply(const SimServer& server, const raft::Entry& entry, uint64_t state_hash) {
  if (!disks_are_honest) return;
  if (!server.disk().Holds(entry.term, entry.index)) {
    Fail("R-47 server " + ToString(server.key().id) + " applied " + raft::ToString(entry) +
         " before it was on its disk");
    return;
  }
  // What is applied is committed, and so is known here already.
  if (entry.index > committed_through()) {
    Fail("R-05 server " + ToString(server.key().id) + " applied " + raft::ToString(entry) +
         " which nobody committed");
    return;
  }
  const Committed& committed = committed_[entry.index.value() - 1];
  if (committed.entry_hash != HashEntry(entry)) {
    Fail("R-05 server " + ToString(server.key().id) + " applied " + raft::ToString(entry) +
         " where term " + ToString(committed.term) + " was committed");
  } else if (committed.state_hash != state_hash) {
    Fail("R-05 server " + ToString(server.key().id) + " has another state after " +
         ToString(entry.index));
  }
}

void Checkers::OnInstall(const SimServer& server, const raft::SnapshotMeta& meta,
                         uint64_t state_hash) {
  ++counts_.snapshots_installed;
  if (server.raft().is_leader()) Fail("R-10 a leader installed a snapshot");
  if (!disks_are_honest) return;
  const bool known = meta.last_index <= committed_through();
  if (!known || committed_[meta.last_index.value() - 1].state_hash != state_hash) {
    Fail("R-05 server " + ToString(server.key().id) + " installed a state of its own at " +
         ToString(meta.last_index));
  }
}

// a read sees everything that was committed before it began.
void Checkers::OnReadServed(uint64_t request_id, LogIndex index) {
  ++counts_.reads_served;
  const auto begun = reads_.find(request_id);
  if (begun == reads_.end() || index >= begun->second || !disks_are_honest) return;
  Fail("R-41 a read was served at " + ToString(index) + " but " + ToString(begun->second) +
       " was committed before it began");
}

void Checkers::AtEnd() {
  if (!disks_are_honest) return;
  for (const auto& [index, term] : acked_) {
    if (index <= committed_through() && committed_[index.value() - 1].term == term) continue;
    Fail("R-12 acknowledged entry " + ToString(term) + "/" + ToString(index) + " is lost");
  }
}

}  // namespace weir::sim
