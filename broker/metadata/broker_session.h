// BrokerSession: this broker's session with the active controller (DESIGN D5).
//
// States:   connecting --stream open, registration sent--> registering --first reply--> active
//           any --stream ends--> connecting      active --Stop--> stopping --may_stop--> stopped
//
// Laws:
//  1. A registration carries the incarnation of this process: after a broken stream the same
//     broker comes back, a restarted process is a new one (I-16).
//  2. A heartbeat goes out at once when the applied offset or a wish changes, and every interval
//     otherwise.
//  3. Silence of the controller longer than half of the session timeout ends the stream: a new
//     leader may be elsewhere, and would fence this broker after a whole one.
//  4. A broker of another cluster never registers: `on_refused` says so once, with both ids.
//  5. Partitions in full directories are named when they change, and on each new stream.
//  6. Before held_until() no controller has taken this broker's leaderships away for its silence,
//     nor, unless a moment ago, for any other reason: it is counted from when a heartbeat left, not
//     from its answer, which a paused process may read late (J-02), and counts once what had been
//     committed by the answer is applied here.
//  7. in_touch_until() is a whole session timeout after the last answered heartbeat left, and
//     outlives the stream: a controller that fails is followed by another well before it.
// Thread rule: the metadata thread, except IsFenced, broker_epoch, held_until and in_touch_until
// from any thread.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/log/log_directories.h"
#include "common/base/executor.h"
#include "common/base/ids.h"
#include "common/base/uuid.h"
#include "common/rpc/controller_client.h"
#include "proto/broker.pb.h"

namespace weir::broker {

// The part of the controllers that a session needs.
class SessionPort {
 public:
  virtual ~SessionPort() = default;
  virtual std::unique_ptr<rpc::SessionStream> OpenSession(rpc::SessionEvents events) = 0;
};

struct SessionHooks {
  // The cluster this broker has joined, to be written down, and the epoch it got there. Errors end
  // the broker.
  std::function<Status(const Uuid& cluster_id, BrokerEpoch epoch)> on_joined;
  // The controllers will never accept this broker.
  std::function<void(const Error&)> on_refused;
  // Where there is no room for records; asked with each heartbeat, and between two.
  std::function<log::FullDirectories()> full_directories = [] { return log::FullDirectories(); };
  // The newest offset that the controllers have committed, with each of their answers.
  std::function<void(LogIndex)> on_committed = [](LogIndex) {};
};

class BrokerSession {
 public:
  // `registration` has everything but what changes from attempt to attempt.
  BrokerSession(std::shared_ptr<Executor> metadata_thread, SessionPort& controllers,
                broker::v1::Registration registration, SessionHooks hooks);

  void Start();
  // The metadata offset that every partition of this broker acts on.
  void ReportApplied(int64_t offset);
  // Asks to lead nothing any more, then says goodbye; `done` runs once, at the latest after
  // `timeout`.
  void Stop(Duration timeout, Task done);

  bool IsFenced() const { return fenced_.load(); }
  BrokerEpoch broker_epoch() const { return BrokerEpoch(epoch_.load()); }
  MonoTime held_until() const { return MonoTime(Duration(held_until_.load())); }
  MonoTime in_touch_until() const { return MonoTime(Duration(in_touch_until_.load())); }

 private:
  enum class State { kConnecting, kRegistering, kActive, kStopping, kStopped };

  void Connect();
  void OnReply(uint64_t attempt, const broker::v1::SessionReply& reply);
  void OnFirstReply(const broker::v1::SessionReply& reply);
  void OnEnd(uint64_t attempt, const rpc::RpcError& error);
  void LeaveSilentController();
  void ConnectAfterPause();
  void Send(broker::v1::SessionRequest request);
  void SendHeartbeat();
  void NoteAnswered(const broker::v1::SessionReply& reply);
  void HoldIfApplied();
  void LetGo();
  void ScheduleTick();
  void Tick();
  void Goodbye();

  std::shared_ptr<Executor> thread_;
  SessionPort& controllers_;
  broker::v1::Registration registration_;
  SessionHooks hooks_;
  State state_ = State::kConnecting;
  // Numbers the streams, so that a late event of an old one is known as such.
  uint64_t attempt_ = 0;
  std::unique_ptr<rpc::SessionStream> stream_;
  // Attempts in a row that another controller's word about the leader made.
  int hints_followed_ = 0;
  int64_t applied_offset_ = 0;
  Duration heartbeat_interval_ = std::chrono::milliseconds(500);
  Duration session_timeout_ = std::chrono::milliseconds(3000);
  MonoTime last_reply_;
  MonoTime last_heartbeat_;
  // When the requests of this stream left that are not answered yet; each has one answer.
  std::deque<MonoTime> unanswered_;
  // An answered heartbeat that does not count yet: when it left, and the offset that was committed
  // by the answer. Later ones wait for it, so that a feed that is always a little late renews too.
  struct Unapplied {
    MonoTime left;
    int64_t committed_offset = 0;
  };
  std::optional<Unapplied> unapplied_;
  bool tick_scheduled_ = false;
  bool want_shutdown_ = false;
  // As the heartbeats of this stream have said.
  log::FullDirectories told_full_;
  Task stopped_;
  std::atomic<bool> fenced_ = true;
  std::atomic<int64_t> epoch_ = kNoBrokerEpoch.value();
  // MonoTime's count.
  std::atomic<Duration::rep> held_until_ = 0;
  std::atomic<Duration::rep> in_touch_until_ = 0;
};

}  // namespace weir::broker
