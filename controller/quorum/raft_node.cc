#include "controller/quorum/raft_node.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/runtime/log.h"
#include "controller/quorum/vote_store.h"

namespace weir::quorum {

namespace {

// What is looked at on every tick is never later than this for being asleep.
constexpr int32_t kTicksAsleepMax = 10;
// A leader that lives dials again within 20 ms; if it has nothing to say until its next heartbeat,
// the others' pre-votes keep it.
constexpr Duration kLeaderGrace = std::chrono::milliseconds(50);

}  // namespace

RaftNode::RaftNode(RaftNodeOptions options, Disk& disk, std::shared_ptr<Executor> loop,
                   StateMachine& machine)
    : options_(std::move(options)), disk_(disk), loop_(std::move(loop)), machine_(machine) {}

RaftNode::~RaftNode() { Stop(); }

Result<std::unique_ptr<RaftNode>> RaftNode::Open(RaftNodeOptions options, Disk& disk,
                                                 std::shared_ptr<Executor> loop,
                                                 StateMachine& machine,
                                                 const raft::Configuration& founding) {
  std::unique_ptr<RaftNode> node(new RaftNode(std::move(options), disk, std::move(loop), machine));
  WEIR_RETURN_IF_ERROR(node->Restore(founding));
  return node;
}

Status RaftNode::Restore(const raft::Configuration& founding) {
  raft::RestoredState restored;
  WEIR_ASSIGN_OR_RETURN(restored.hard_state, LoadVote(disk_));
  WEIR_ASSIGN_OR_RETURN(snapshot_store_, SnapshotStore::Open(disk_));
  WEIR_ASSIGN_OR_RETURN(auto snapshot, snapshot_store_->LoadNewest());
  RecoveredLog log;
  WEIR_ASSIGN_OR_RETURN(log_store_, RaftLogStore::Open(disk_, options_.log, &log));
  if (log.cut_bytes > 0) {
    LogWarn("quorum", "cut a torn tail off the metadata log", {{"bytes", log.cut_bytes}});
  }
  restored.snapshot.configuration = founding;
  if (snapshot) {
    restored.snapshot = snapshot->meta;
    WEIR_ASSIGN_OR_RETURN(auto parsed, machine_.Parse(snapshot->meta, snapshot->data));
    machine_.Install(snapshot->meta, std::move(parsed));
  }
  for (const raft::Entry& entry : log.entries) {
    if (entry.index > restored.snapshot.last_index) bytes_since_snapshot_ += entry.bytes();
  }
  restored.entries = std::move(log.entries);
  WEIR_RETURN_IF_ERROR(raft::Raft::Validate(options_.raft, restored));
  raft_ = std::make_unique<raft::Raft>(options_.raft, std::move(restored), options_.seed);
  transport_ = std::make_unique<Transport>(loop_, options_.raft.self, options_.own_address);
  transport_->SetMembers(raft_->configuration());
  last_snapshot_ = loop_->Now();
  return {};
}

void RaftNode::Start() {
  loop_->Post([this] {
    HurryFirstElection();
    SchedulePump();
    ticked_at_ = loop_->Now();
    SleepUntilDue();
  });
}

void RaftNode::Stop() {
  writer_.Stop();
  snapshotter_.Stop();
}

// A lone voter need not wait to hear from others, and in a new cluster somebody has to be first:
// time is moved forward for it. Pre-vote keeps this harmless if the others have moved on.
void RaftNode::HurryFirstElection() {
  const raft::Configuration& configuration = raft_->configuration();
  const auto first = std::find_if(configuration.members.begin(), configuration.members.end(),
                                  [](const raft::Member& member) { return member.is_voter; });
  if (first == configuration.members.end() || first->key() != options_.raft.self) return;
  const bool alone = configuration.voter_count() == 1;
  if (!alone && raft_->log().last_index() > LogIndex(0)) return;
  for (int32_t i = 0; i <= options_.raft.election_ticks_max; ++i) {
    if (raft_->role() != raft::Role::kFollower) return;
    raft_->Tick();
  }
}

void RaftNode::CountTicks() {
  const MonoTime now = loop_->Now();
  const auto passed = static_cast<int64_t>((now - ticked_at_) / options_.tick);
  if (passed <= 0) return;
  const auto counted = static_cast<int32_t>(std::min<int64_t>(passed, ticks_to_count_));
  for (int32_t i = 0; i < counted; ++i) raft_->Tick();
  ticks_to_count_ -= counted;
  ticked_at_ = counted < passed ? now : ticked_at_ + counted * options_.tick;
}

// A quiet controller would otherwise wake a hundred times a second to add one.
void RaftNode::SleepUntilDue() {
  loop_->Cancel(tick_timer_);
  const int32_t asleep_max = machine_.Waits() ? 1 : kTicksAsleepMax;
  ticks_to_count_ = std::min(raft_->TicksUntilDue(), asleep_max);
  tick_timer_ = loop_->PostAt(ticked_at_ + ticks_to_count_ * options_.tick, [this] { OnTick(); });
}

void RaftNode::OnTick() {
  if (failed_) return;
  CountTicks();
  machine_.OnTick();
  MaybeTakeSnapshot();
  SchedulePump();
  SleepUntilDue();
}

void RaftNode::Deliver(raft::Message message, std::string from_address) {
  loop_->Post([this, message = std::move(message), address = std::move(from_address)]() mutable {
    if (failed_) return;
    CountTicks();
    const raft::VoterKey from = raft::HeaderOf(message).from;
    const Status status = raft_->Step(std::move(message));
    if (!status) {
      LogDebug("quorum", "refused a Raft message",
               {{"from", raft::ToString(from)}, {"error", status.error().message}});
      return;
    }
    last_heard_[from] = loop_->Now();
    transport_->LearnAddress(from, address);
    SchedulePump();
  });
}

void RaftNode::PeerGone(const raft::VoterKey& peer) {
  if (failed_ || raft_->leader() != peer) return;
  loop_->PostAt(loop_->Now() + kLeaderGrace,
                [this, peer, gone_at = loop_->Now()] { ForgetLeader(peer, gone_at); });
}

void RaftNode::ForgetLeader(const raft::VoterKey& leader, MonoTime gone_at) {
  const auto heard = LastHeard(leader);
  if (failed_ || raft_->leader() != leader || !heard || *heard > gone_at) return;
  CountTicks();
  raft_->LeaderLost();
  SchedulePump();
  SleepUntilDue();
}

Result<LogIndex> RaftNode::Propose(std::shared_ptr<const std::string> payload) {
  SchedulePump();
  return raft_->Propose(std::move(payload));
}

Result<LogIndex> RaftNode::ProposeMembershipChange(const raft::MembershipChange& change) {
  SchedulePump();
  return raft_->ProposeMembershipChange(change);
}

Status RaftNode::TransferLeadership(std::optional<NodeId> target) {
  SchedulePump();
  return raft_->TransferLeadership(target);
}

Status RaftNode::ReadIndex(uint64_t request_id) {
  SchedulePump();
  return raft_->ReadIndex(request_id);
}

std::optional<MonoTime> RaftNode::LastHeard(const raft::VoterKey& peer) const {
  const auto found = last_heard_.find(peer);
  if (found == last_heard_.end()) return std::nullopt;
  return found->second;
}

void RaftNode::SchedulePump() {
  if (std::exchange(pump_scheduled_, true)) return;
  loop_->Post([this] {
    pump_scheduled_ = false;
    Pump();
  });
}

void RaftNode::Pump() {
  while (!failed_ && raft_->HasReady()) Serve(raft_->TakeReady());
}

void RaftNode::Serve(raft::Ready ready) {
  if (ready.fatal) {
    failed_ = true;
    machine_.OnFatal(*ready.fatal);
    return;
  }
  if (ready.configuration) transport_->SetMembers(*ready.configuration);
  for (const raft::Message& message : ready.send_now) transport_->Send(message);
  Persist(ready);
  if (ready.install_snapshot) {
    WEIR_CHECK(arrived_ != nullptr, "the core installs only what SnapshotReceived announced");
    machine_.Install(*ready.install_snapshot, std::move(arrived_));
    bytes_since_snapshot_ = 0;
  }
  for (const raft::Entry& entry : ready.committed) bytes_since_snapshot_ += entry.bytes();
  // Roles before entries: what a new leader's own first entry sets off needs to know the role.
  if (ready.role_change) machine_.OnRoleChange(*ready.role_change);
  if (!ready.committed.empty()) machine_.Apply(ready.committed);
  for (raft::SnapshotChunk& chunk : ready.snapshot_chunks) StoreChunk(std::move(chunk));
  for (raft::SnapshotRead& read : ready.snapshot_reads) ReadPiece(std::move(read));
  for (const raft::ReadState& read : ready.read_states) machine_.OnReadState(read);
}

void RaftNode::Persist(raft::Ready& ready) {
  if (!ready.NeedsPersist() && ready.send_after_persist.empty()) return;
  PersistJob job;
  job.reset_log_to = std::move(ready.reset_log_to);
  job.hard_state = ready.hard_state;
  job.entries = std::move(ready.entries);
  job.ack = ready.ack;
  job.send_after = std::move(ready.send_after_persist);
  waiting_jobs_.push_back(std::move(job));
  WriteNextBatch();
}

void RaftNode::WriteNextBatch() {
  if (writing_ || waiting_jobs_.empty()) return;
  writing_ = true;
  writer_.Post([this, jobs = std::exchange(waiting_jobs_, {})]() mutable {
    Status status = WriteJobs(jobs);
    loop_->Post(
        [this, status = std::move(status), jobs = std::move(jobs)] { Written(status, jobs); });
  });
}

// Log writer thread. The order within and between jobs is kept; entries that follow each other
// become one batch.
Status RaftNode::WriteJobs(const std::vector<PersistJob>& jobs) {
  std::vector<raft::Entry> batch;
  const auto flush = [&]() -> Status {
    Status status = log_store_->Append(batch);
    batch.clear();
    return status;
  };
  for (const PersistJob& job : jobs) {
    const bool follows = !job.entries.empty() && !batch.empty() &&
                         job.entries.front().index == batch.back().index + 1;
    if (job.reset_log_to || job.hard_state || !follows) WEIR_RETURN_IF_ERROR(flush());
    if (job.reset_log_to) {
      WEIR_RETURN_IF_ERROR(
          log_store_->ResetTo(job.reset_log_to->last_term, job.reset_log_to->last_index));
    }
    if (job.hard_state) WEIR_RETURN_IF_ERROR(SaveVote(disk_, *job.hard_state));
    batch.insert(batch.end(), job.entries.begin(), job.entries.end());
  }
  return flush();
}

void RaftNode::Written(const Status& status, const std::vector<PersistJob>& jobs) {
  writing_ = false;
  if (failed_) return;
  if (!status) {
    LogError("quorum", "cannot write the metadata log", {{"error", status.error().message}});
    raft_->StorageFailed(status.error().message);
    waiting_jobs_.clear();
    return SchedulePump();
  }
  for (const PersistJob& job : jobs) {
    raft_->Persisted(job.ack);
    for (const raft::Message& message : job.send_after) transport_->Send(message);
  }
  // The commit that this made possible is served before the next batch is written.
  Pump();
  WriteNextBatch();
}

void RaftNode::StoreChunk(raft::SnapshotChunk chunk) {
  snapshotter_.Post([this, chunk = std::move(chunk)] {
    Result<bool> stored = snapshot_store_->StoreChunk(chunk);
    std::unique_ptr<ParsedSnapshot> parsed;
    if (stored && *stored) {
      auto loaded = snapshot_store_->LoadNewest();
      auto result = loaded && *loaded && (*loaded)->meta == chunk.meta
                        ? machine_.Parse(chunk.meta, (*loaded)->data)
                        : Result<std::unique_ptr<ParsedSnapshot>>(
                              Fail(ErrorCode::kCorruptMessage, "the snapshot cannot be read back"));
      if (result) {
        parsed = *std::move(result);
      } else {
        stored = tl::unexpected<Error>(result.error());
      }
    }
    const uint64_t next_offset = chunk.offset + (chunk.data ? chunk.data->size() : 0);
    loop_->Post([this, meta = chunk.meta, next_offset, stored = std::move(stored),
                 parsed = std::move(parsed)]() mutable {
      ChunkStored(meta, next_offset, std::move(stored), std::move(parsed));
    });
  });
}

void RaftNode::ChunkStored(const raft::SnapshotMeta& meta, uint64_t next_offset,
                           Result<bool> stored, std::unique_ptr<ParsedSnapshot> parsed) {
  if (failed_) return;
  if (!stored) {
    LogWarn("quorum", "an arriving snapshot was rejected", {{"error", stored.error().message}});
    raft_->SnapshotRejected(meta);
  } else if (*stored) {
    LogInfo("quorum", "received a snapshot", {{"index", meta.last_index}, {"bytes", next_offset}});
    arrived_ = std::move(parsed);
    last_snapshot_ = loop_->Now();
    raft_->SnapshotReceived(meta);
  } else {
    raft_->SnapshotChunkStored(meta, next_offset);
  }
  Pump();
}

void RaftNode::ReadPiece(raft::SnapshotRead read) {
  snapshotter_.Post([this, read = std::move(read)]() mutable {
    auto piece = snapshot_store_->ReadPiece(read.request.meta, read.request.offset, read.bytes_max);
    loop_->Post([this, read = std::move(read), piece = std::move(piece)]() mutable {
      if (failed_) return;
      if (!piece) {
        LogWarn("quorum", "cannot send a snapshot", {{"error", piece.error().message}});
        raft_->SnapshotReadFailed(read);
        return SchedulePump();
      }
      read.request.data = std::make_shared<const std::string>(std::move(piece->data));
      read.request.is_last = piece->is_last;
      transport_->Send(read.request);
    });
  });
}

void RaftNode::MaybeTakeSnapshot() {
  const bool due = loop_->Now() - last_snapshot_ >= options_.snapshot_interval;
  if (bytes_since_snapshot_ >= options_.snapshot_log_bytes || (due && bytes_since_snapshot_ > 0)) {
    TakeSnapshot();
  }
}

void RaftNode::TakeSnapshot() {
  if (taking_snapshot_ || failed_) return;
  if (raft_->applied_index() <= raft_->snapshot().last_index) return;
  taking_snapshot_ = true;
  bytes_since_snapshot_ = 0;
  last_snapshot_ = loop_->Now();
  const raft::SnapshotMeta meta = raft_->SnapshotMetaAt(raft_->applied_index());
  snapshotter_.Post([this, meta, serialize = machine_.Capture()] {
    const Status status = snapshot_store_->newest_index() >= meta.last_index
                              ? Status()
                              : snapshot_store_->Save(meta, serialize());
    loop_->Post([this, meta, status] { SnapshotSaved(meta, status); });
  });
}

void RaftNode::SnapshotSaved(const raft::SnapshotMeta& meta, const Status& status) {
  taking_snapshot_ = false;
  if (failed_) return;
  if (!status) {
    LogError("quorum", "cannot write a snapshot", {{"error", status.error().message}});
    raft_->StorageFailed(status.error().message);
    return SchedulePump();
  }
  if (meta.last_index <= raft_->snapshot().last_index) return;
  const LogIndex first_needed = raft_->SnapshotTaken(meta);
  LogInfo("quorum", "took a snapshot",
          {{"index", meta.last_index}, {"first_log_index", first_needed}});
  writer_.Post([this, first_needed] {
    const Status deleted = log_store_->DeleteBefore(first_needed);
    if (!deleted) {
      LogError("quorum", "cannot delete old log segments", {{"error", deleted.error().message}});
    }
  });
  SchedulePump();
}

}  // namespace weir::quorum
