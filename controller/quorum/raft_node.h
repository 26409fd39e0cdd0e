// RaftNode: obeys the core's Ready (controller/raft/ready.h states the duties). The only caller of
// Raft; owner of the stores and of the transport.
//
//   loop thread      Step, Tick, Propose, apply; never blocks
//   log writer       vote and entries: write, fsync; what piles up meanwhile is one batch with one
//   fsync snapshot thread  writes, reads and parses snapshots
//
// Laws:
//  1. What a Ready asks to send after persisting is sent after the fsync of that Ready and all
//     before it.
//  2. A storage error is reported to the core, which leaves the quorum; nothing is written after
//     it.
//  3. After a stall one tick is given, not those that were missed.
// Thread rule: Deliver and Stop from any thread, Stop not from the loop's; everything else on the
// loop thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/executor.h"
#include "common/runtime/thread_executor.h"
#include "controller/quorum/disk.h"
#include "controller/quorum/raft_log_store.h"
#include "controller/quorum/snapshot_store.h"
#include "controller/quorum/transport.h"
#include "controller/raft/raft.h"

namespace weir::quorum {

// A snapshot's content, parsed and ready to be installed.
class ParsedSnapshot {
 public:
  virtual ~ParsedSnapshot() = default;
};

// What Raft replicates. Loop thread unless said otherwise.
class StateMachine {
 public:
  virtual ~StateMachine() = default;
  // Committed entries in order; never the same twice.
  virtual void Apply(const std::vector<raft::Entry>& committed) = 0;
  // On the snapshot thread. Errors: kCorruptMessage; nothing is installed then.
  virtual Result<std::unique_ptr<ParsedSnapshot>> Parse(const raft::SnapshotMeta& meta,
                                                        std::string_view data) const = 0;
  virtual void Install(const raft::SnapshotMeta& meta, std::unique_ptr<ParsedSnapshot> parsed) = 0;
  // A cheap copy of the state as applied so far; the function serializes it, on the snapshot
  // thread.
  virtual std::function<std::string()> Capture() = 0;
  virtual void OnRoleChange(const raft::RoleChange& change) = 0;
  virtual void OnReadState(const raft::ReadState& read) = 0;
  // Every 100 ms, every 10 ms while Waits(), and whenever Raft's clock has something to do.
  virtual void OnTick() = 0;
  // Whether a caller waits whose deadline OnTick looks at.
  virtual bool Waits() const = 0;
  // The core halted (broken disk or broken invariant): the process must end.
  virtual void OnFatal(const std::string& reason) = 0;
};

// Raft as the active controller uses it, so that tests can put something simpler in its place.
// Errors as in controller/raft/raft.h.
class RaftPort {
 public:
  virtual ~RaftPort() = default;
  virtual Result<LogIndex> Propose(std::shared_ptr<const std::string> payload) = 0;
  virtual Status ReadIndex(uint64_t request_id) = 0;
};

struct RaftNodeOptions {
  raft::Config raft;
  std::string own_address;
  Duration tick = std::chrono::milliseconds(10);
  size_t snapshot_log_bytes = limits::kSnapshotAfterLogBytes;
  Duration snapshot_interval = std::chrono::milliseconds(limits::kSnapshotAfterMs);
  LogStoreOptions log;
  uint64_t seed = 0;
};

class RaftNode : public RaftPort {
 public:
  // Reads the stores in `disk` and validates them. With `founding` (a directory that has just been
  // formatted for a new cluster) the first snapshot is {0, 0, founding}. The newest snapshot is
  // installed into `machine` before this returns. All references must outlive the node. Errors:
  // kCorruptMessage, kKafkaStorageError: the node must not start.
  static Result<std::unique_ptr<RaftNode>> Open(RaftNodeOptions options, Disk& disk,
                                                std::shared_ptr<Executor> loop,
                                                StateMachine& machine,
                                                const raft::Configuration& founding);
  ~RaftNode() override;

  // Begins to tick and to take messages. Any thread.
  void Start();
  // Ends the writer threads. Nothing is delivered, written or sent afterwards. The loop must be
  // stopped first.
  void Stop();

  // Loop thread: takes part in nothing any more. What is being written is still written.
  void Retire() { failed_ = true; }

  // Any thread.
  void Deliver(raft::Message message, std::string from_address);

  // The stream on which that peer sent has ended. If it was the leader and is not back in a moment,
  // its process is most likely gone, and this server need not wait out the silence: it stops
  // hearing the leader now and stands after the random rest of its timeout. Pre-vote keeps a wrong
  // guess harmless.
  void PeerGone(const raft::VoterKey& peer);

  // As in Raft.
  Result<LogIndex> Propose(std::shared_ptr<const std::string> payload) override;
  Result<LogIndex> ProposeMembershipChange(const raft::MembershipChange& change);
  Status TransferLeadership(std::optional<NodeId> target);
  Status ReadIndex(uint64_t request_id) override;
  const raft::Raft& raft() const { return *raft_; }
  const Transport& transport() const { return *transport_; }
  LogIndex snapshot_index() const { return raft_->snapshot().last_index; }
  // When a message of `peer` last came in; none: never.
  std::optional<MonoTime> LastHeard(const raft::VoterKey& peer) const;
  // Runs long work off the loop, in turn with reading and writing snapshots.
  void PostToSnapshotThread(Task task) { snapshotter_.Post(std::move(task)); }
  // Takes a snapshot now, unless one is being taken.
  void TakeSnapshot();

 private:
  // What one Ready wants on disk.
  struct PersistJob {
    std::optional<raft::SnapshotMeta> reset_log_to;
    std::optional<raft::HardState> hard_state;
    std::vector<raft::Entry> entries;
    raft::PersistAck ack;
    std::vector<raft::Message> send_after;
  };

  RaftNode(RaftNodeOptions options, Disk& disk, std::shared_ptr<Executor> loop,
           StateMachine& machine);
  Status Restore(const raft::Configuration& founding);
  // Counts the ticks since the last count. Of a pause longer than was meant only what was meant
  // counts: what arrived meanwhile is still in the queue.
  void CountTicks();
  void SleepUntilDue();
  void OnTick();
  void HurryFirstElection();
  void ForgetLeader(const raft::VoterKey& leader, MonoTime gone_at);
  // Serves Readys once the tasks that wait in the loop's queue have run.
  void SchedulePump();
  void Pump();
  void Serve(raft::Ready ready);
  void Persist(raft::Ready& ready);
  void WriteNextBatch();
  Status WriteJobs(const std::vector<PersistJob>& jobs);
  void Written(const Status& status, const std::vector<PersistJob>& jobs);
  void StoreChunk(raft::SnapshotChunk chunk);
  void ChunkStored(const raft::SnapshotMeta& meta, uint64_t next_offset, Result<bool> stored,
                   std::unique_ptr<ParsedSnapshot> parsed);
  void ReadPiece(raft::SnapshotRead read);
  void MaybeTakeSnapshot();
  void SnapshotSaved(const raft::SnapshotMeta& meta, const Status& status);

  const RaftNodeOptions options_;
  Disk& disk_;
  const std::shared_ptr<Executor> loop_;
  StateMachine& machine_;
  std::unique_ptr<RaftLogStore> log_store_;        // log writer thread
  std::unique_ptr<SnapshotStore> snapshot_store_;  // snapshot thread
  std::unique_ptr<raft::Raft> raft_;
  std::unique_ptr<Transport> transport_;

  MonoTime ticked_at_;
  int32_t ticks_to_count_ = 0;
  Executor::TimerId tick_timer_{};
  bool pump_scheduled_ = false;
  bool failed_ = false;
  std::vector<PersistJob> waiting_jobs_;
  bool writing_ = false;
  std::unique_ptr<ParsedSnapshot> arrived_;
  bool taking_snapshot_ = false;
  uint64_t bytes_since_snapshot_ = 0;
  MonoTime last_snapshot_;
  std::map<raft::VoterKey, MonoTime> last_heard_;

  // Last, so that they stop before what they use goes.
  runtime::ThreadExecutor writer_{"raft-log"};
  runtime::ThreadExecutor snapshotter_{"raft-snapshot"};
};

}  // namespace weir::quorum
