// SimServer: see sim_server.h.
#include "tests/sim/sim_server.h"

#include <ostream>
#include <sstream>
#include <utility>

#include "common/base/check.h"

namespace weir::sim {

using raft::Ready;

std::string MakeSnapshotBytes(NodeId author, LogIndex index, uint64_t state_hash) {
  std::ostringstream out;
  out << "state " << index << ' ' << state_hash << " by " << author;
  std::string body = out.str();
  return body + " check " + std::to_string(HashText(body));
}

std::optional<uint64_t> StateHashIn(const std::string& bytes, LogIndex index) {
  const size_t end = bytes.find(" check ");
  if (end == std::string::npos) return std::nullopt;
  const std::string body = bytes.substr(0, end);
  if (bytes.substr(end + 7) != std::to_string(HashText(body))) return std::nullopt;
  std::istringstream in(body);
  std::string word;
  uint64_t at = 0;
  uint64_t hash = 0;
  in >> word >> at >> hash;
  return at == index.value() ? std::optional(hash) : std::nullopt;
}

SimServer::SimServer(Surroundings around, NodeId id, Uuid directory_id)
    : around_(around),
      id_(id),
      directory_id_(directory_id),
      disk_ms_min_(around.profile.disk_ms_min),
      disk_ms_max_(around.profile.disk_ms_max) {}

raft::Member SimServer::AsMember() const {
  return {id_, directory_id_, "controller-" + ToString(id_) + ":9090", true};
}

int64_t SimServer::TicksSinceHeard(const raft::VoterKey& peer) const {
  const auto heard = heard_at_tick_.find(peer);
  return heard == heard_at_tick_.end() ? ticks_ : ticks_ - heard->second;
}

void SimServer::Format(const raft::Configuration& first) {
  disk_.SetSnapshot({LogIndex{}, Term{}, first}, "");
}

void SimServer::Start() {
  WEIR_CHECK(!running());
  raft::Config config = around_.profile.raft;
  config.self = key();
  raft::RestoredState restored = disk_.Restored();
  const Status valid = raft::Raft::Validate(config, restored);
  if (!valid) {
    around_.checkers.Fail("R-15 server " + ToString(id_) +
                          " cannot start: " + ToString(valid.error()));
    return;
  }
  ++incarnation_;
  seen = {};
  ticks_ = 0;
  heard_at_tick_.clear();
  parked_.clear();
  inbox_.clear();
  incoming_bytes_.clear();
  state_index_ = disk_.snapshot().last_index;
  state_hash_ = StateHashIn(disk_.snapshot_bytes(), state_index_).value_or(0);
  raft_.emplace(std::move(config), std::move(restored), around_.prng.Next());
  Note("start", raft_->term().value());
  ScheduleTick();
  AfterEvent();
}

void SimServer::Crash() {
  if (!running()) return;
  Note("crash", 0);
  raft_.reset();
  paused_ = false;
  ready_gathers_ = false;
  disk_.Crash(around_.prng);
}

void SimServer::Wipe(Uuid directory_id) {
  Crash();
  around_.checkers.OnWipe(key(), disk_);
  disk_.Wipe();
  directory_id_ = directory_id;
  Note("wipe", 0);
}

void SimServer::LieFrom(LogIndex index) {
  Crash();
  disk_.LoseEntriesFrom(index);
  Note("lie", index.value());
}

void SimServer::SetDiskDelay(int64_t min_ms, int64_t max_ms) {
  disk_ms_min_ = min_ms;
  disk_ms_max_ = max_ms;
}

void SimServer::Resume() {
  if (!paused_) return;
  paused_ = false;
  Note("resume", inbox_.size());
  std::deque<raft::Message> inbox = std::exchange(inbox_, {});
  for (raft::Message& message : inbox) Deliver(std::move(message));
}

void SimServer::Schedule(int64_t delay_ms, Scheduler::Task task) {
  around_.scheduler.After(delay_ms, [this, born = incarnation_, task = std::move(task)]() mutable {
    if (running() && incarnation_ == born) task();
  });
}

void SimServer::ScheduleTick() {
  const int64_t drift = around_.profile.tick_drift_ms;
  Schedule(10 + around_.prng.Between(-drift, drift), [this] {
    if (!paused_) Tick();
    ScheduleTick();
  });
}

void SimServer::Tick() {
  ++ticks_;
  raft_->Tick();
  AfterEvent();
}

void SimServer::Deliver(raft::Message message) {
  if (!running()) return;
  if (paused_) {
    constexpr size_t kInboxMax = 200;
    if (inbox_.size() < kInboxMax) inbox_.push_back(std::move(message));
    return;
  }
  const raft::VoterKey from = raft::HeaderOf(message).from;
  if (around_.trace != nullptr) {
    *around_.trace << around_.scheduler.now_ms() << " deliver " << raft::ToString(message) << "\n";
  }
  if (raft_->Step(std::move(message))) heard_at_tick_[from] = ticks_;
  AfterEvent();
}

void SimServer::Propose(uint64_t value) {
  if (!running() || paused_) return;
  const auto index = raft_->Propose(std::make_shared<const std::string>(std::to_string(value)));
  if (index) parked_[*index] = raft_->term();
  AfterEvent();
}

void SimServer::Read(uint64_t request_id) {
  if (!running() || paused_) return;
  around_.checkers.OnReadBegun(request_id);
  static_cast<void>(raft_->ReadIndex(request_id).has_value());
  AfterEvent();
}

Status SimServer::Change(const raft::MembershipChange& change) {
  const auto index = raft_->ProposeMembershipChange(change);
  AfterEvent();
  if (!index) return tl::unexpected<Error>(index.error());
  return {};
}

void SimServer::Transfer(std::optional<NodeId> target) {
  if (!running() || paused_) return;
  static_cast<void>(raft_->TransferLeadership(target).has_value());
  AfterEvent();
}

void SimServer::TakeSnapshot() {
  if (!running() || paused_ || state_index_ <= disk_.snapshot().last_index) return;
  const raft::SnapshotMeta meta = raft_->SnapshotMetaAt(state_index_);
  const uint64_t hash = state_hash_;
  Schedule(around_.prng.Between(0, 50), [this, meta, hash] {
    if (meta.last_index <= disk_.snapshot().last_index || raft_->halted()) return;
    disk_.SetSnapshot(meta, MakeSnapshotBytes(id_, meta.last_index, hash));
    disk_.EraseBefore(raft_->SnapshotTaken(meta));
    Note("snapshot", meta.last_index.value());
    AfterEvent();
  });
}

void SimServer::AfterEvent() {
  // A busy node lets events gather; what has gathered comes out with the next event at the latest.
  ready_gathers_ = !ready_gathers_ && around_.prng.Chance(around_.profile.gather_percent, 100);
  around_.checkers.AfterEvent(*this);
  if (!ready_gathers_) Drain();
}

void SimServer::Drain() {
  while (running() && raft_->HasReady() && around_.checkers.ok()) Obey(raft_->TakeReady());
  if (running()) around_.checkers.AfterEvent(*this);
}

void SimServer::Obey(Ready ready) {
  if (ready.fatal) {
    Note("halt", 0);
    if (around_.checkers.disks_are_honest) {
      around_.checkers.Fail("R-15 server " + ToString(id_) + " halted: " + *ready.fatal);
    }
    return;
  }
  SendAll(ready.send_now);
  Persist(ready);
  Apply(ready);
  StoreChunks(ready.snapshot_chunks);
  ServeChunks(ready.snapshot_reads);
  for (const raft::ReadState& read : ready.read_states) {
    around_.checkers.OnReadServed(read.request_id, read.index);
  }
  if (ready.role_change) {
    Note(raft::RoleName(ready.role_change->role).data(), ready.role_change->term.value());
    if (ready.role_change->role != raft::Role::kLeader) parked_.clear();
  }
}

void SimServer::Persist(Ready& ready) {
  if (!ready.NeedsPersist() && disk_.idle()) {
    raft_->Persisted(ready.ack);
    SendAll(ready.send_after_persist);
    return;
  }
  const bool was_idle = disk_.idle();
  disk_.Begin({ready.reset_log_to, ready.hard_state, ready.entries, ready.ack,
               std::move(ready.send_after_persist)});
  disk_.RecordCommit(raft_->commit_index());
  if (was_idle) ScheduleFsync();
}

void SimServer::ScheduleFsync() {
  Schedule(around_.prng.Between(disk_ms_min_, disk_ms_max_), [this] {
    DiskWrite done = disk_.Finish();
    Note("fsync", done.ack.index.value());
    raft_->Persisted(done.ack);
    SendAll(done.send_after);
    if (!disk_.idle()) ScheduleFsync();
    AfterEvent();
  });
}

void SimServer::Apply(Ready& ready) {
  if (ready.install_snapshot) {
    const raft::SnapshotMeta& meta = *ready.install_snapshot;
    state_index_ = meta.last_index;
    state_hash_ = StateHashIn(disk_.snapshot_bytes(), meta.last_index).value_or(0);
    Note("install", meta.last_index.value());
    around_.checkers.OnInstall(*this, meta, state_hash_);
  }
  for (const raft::Entry& entry : ready.committed) ApplyEntry(entry);
}

void SimServer::ApplyEntry(const raft::Entry& entry) {
  if (entry.index != state_index_ + 1) {
    around_.checkers.Fail("R-43 server " + ToString(id_) + " applied " + ToString(state_index_) +
                          " and then " + ToString(entry.index));
  }
  state_index_ = entry.index;
  state_hash_ = MixHash(state_hash_, HashEntry(entry));
  around_.checkers.OnApply(*this, entry, state_hash_);
  const auto parked = parked_.find(entry.index);
  if (parked == parked_.end()) return;
  if (parked->second == entry.term) around_.checkers.OnAcked(entry.index, entry.term);
  parked_.erase(parked);
}

void SimServer::StoreChunks(const std::vector<raft::SnapshotChunk>& chunks) {
  for (const raft::SnapshotChunk& chunk : chunks) {
    if (chunk.offset == 0) incoming_bytes_.clear();
    incoming_bytes_ += *chunk.data;
    const uint64_t next = chunk.offset + chunk.data->size();
    Schedule(around_.prng.Between(0, 5), [this, chunk, next] {
      if (chunk.is_last) {
        ReceiveWhole(chunk.meta);
      } else {
        raft_->SnapshotChunkStored(chunk.meta, next);
      }
      AfterEvent();
    });
  }
}

void SimServer::ReceiveWhole(const raft::SnapshotMeta& meta) {
  if (!StateHashIn(incoming_bytes_, meta.last_index)) {
    raft_->SnapshotRejected(meta);
    return;
  }
  if (meta.last_index > disk_.snapshot().last_index) disk_.SetSnapshot(meta, incoming_bytes_);
  raft_->SnapshotReceived(meta);
}

void SimServer::ServeChunks(const std::vector<raft::SnapshotRead>& reads) {
  for (const raft::SnapshotRead& read : reads) {
    const std::string& bytes = disk_.snapshot_bytes();
    const bool there = disk_.snapshot() == read.request.meta && read.request.offset < bytes.size();
    if (!there) {
      raft_->SnapshotReadFailed(read);
      continue;
    }
    raft::SnapshotRequest request = read.request;
    request.data =
        std::make_shared<const std::string>(bytes.substr(request.offset, read.bytes_max));
    request.is_last = request.offset + request.data->size() == bytes.size();
    std::vector<raft::Message> one{std::move(request)};
    SendAll(one);
  }
}

void SimServer::SendAll(std::vector<raft::Message>& messages) {
  for (raft::Message& message : messages) {
    around_.checkers.OnSend(*this, message);
    around_.network.Send(std::move(message));
  }
}

// Every event of every server goes into the trace hash: two runs of a seed must agree on all of it.
void SimServer::Note(const char* what, uint64_t detail) {
  uint64_t& hash = around_.trace_hash;
  hash = MixHash(hash, static_cast<uint64_t>(around_.scheduler.now_ms()));
  hash = MixHash(hash, HashText(what));
  hash = MixHash(hash, static_cast<uint64_t>(id_.value()));
  hash = MixHash(hash, detail);
  if (around_.trace != nullptr) {
    *around_.trace << around_.scheduler.now_ms() << " server " << id_ << " " << what << " "
                   << detail << "\n";
  }
}

}  // namespace weir::sim
