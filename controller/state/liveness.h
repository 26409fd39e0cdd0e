// Liveness: which brokers the active controller has heard from. Soft state: nothing of it is in the
// log, and a new active controller starts afresh (DESIGN D5).
//
// Laws:
//  1. A session that broke is due for fencing after the grace, unless the broker is back.
//  2. A session that is silent is due after the session timeout.
//  3. When a controller becomes active, every unfenced broker gets one fresh session timeout. Once
//     half of them have opened a session with it, the others have the reconnect grace left and no
//     more: they are awaited longer only while most brokers are slow, so that a slow network or a
//     slow controller fences nobody, and a broker that died with the last controller soon is.
//  4. A clean stop (Heartbeat.stopped) is not awaited here: it is fenced by its own heartbeat.
// Thread rule: one owner. Time is handed in and never runs backwards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/metadata/image.h"

namespace weir::state {

struct LivenessOptions {
  // Between a broken session and fencing.
  Duration broken_session_grace = std::chrono::milliseconds(200);
  // Between the return of half of the brokers to a new active controller and the fencing of those
  // that are not back. Measured with ten times more work than processors: healthy ones come within
  // 120 ms of one another.
  Duration reconnect_grace = std::chrono::milliseconds(600);
  // broker.session.timeout.ms.
  Duration session_timeout = std::chrono::milliseconds(3000);
};

class Liveness {
 public:
  // Names one open stream; chosen by the caller, never reused.
  using SessionId = uint64_t;
  // Topic id and index.
  using PartitionKeys = std::set<std::pair<Uuid, PartitionIndex>>;

  explicit Liveness(LivenessOptions options) : options_(options) {}

  // Forgets everything and gives every unfenced broker of the image one fresh timeout.
  void BecomeActive(const metadata::MetadataImage& image, MonoTime now);

  // A broker has registered on this stream. An older stream of the same broker counts no more.
  void OpenSession(NodeId broker_id, SessionId session_id, MonoTime now);
  // A heartbeat came on that stream. Ignored when the stream is not the broker's newest.
  void OnHeartbeat(NodeId broker_id, SessionId session_id, LogIndex applied_offset, MonoTime now);
  // Whether any data directory of the broker has room for records, as its newest stream says.
  // Ignored on others.
  void SetRoom(NodeId broker_id, SessionId session_id, bool has_room);
  // What is stored in the broker's directories without room while others have some; the same.
  void SetFullPartitions(NodeId broker_id, SessionId session_id, PartitionKeys partitions);
  // Whether the broker can take records of that partition. True for one that has said nothing.
  bool HasRoom(NodeId broker_id, const Uuid& topic_id, PartitionIndex partition) const;
  // Whether every broker has room for everything.
  bool AllHaveRoom() const;
  // Grows whenever a data directory of a broker fills up or has room again.
  uint64_t room_changes() const { return room_changes_; }
  // The stream ended. Ignored when the stream is not the broker's newest.
  void OnSessionBroken(NodeId broker_id, SessionId session_id, MonoTime now);
  // The batch that took the broker's leaderships away for its shutdown has this offset; a
  // controller that became active later and finds it done gives the image's offset. The last one
  // counts.
  void SetShutdownOffset(NodeId broker_id, LogIndex offset);
  void Forget(NodeId broker_id) { sessions_.erase(broker_id); }

  // Whether the broker's stream is open and not silent beyond the timeout.
  bool IsSessionOpen(NodeId broker_id, MonoTime now) const;

  // Unfenced brokers of the image to fence now, in order of id. A broker that this controller has
  // never heard of is due at once: BecomeActive has seen every one that was unfenced then.
  std::vector<NodeId> BrokersToFence(const metadata::MetadataImage& image, MonoTime now) const;
  // When BrokersToFence may next have a new answer; nullopt when no broker is unfenced.
  std::optional<MonoTime> NextDeadline(const metadata::MetadataImage& image) const;

  // How far the broker has applied the log; 0 when unknown.
  LogIndex AppliedOffset(NodeId broker_id) const;
  // Whether every live broker has applied `offset`. One that this controller has not heard of yet
  // is waited for until it is fenced: it may serve clients from older metadata. One whose session
  // with it broke or is silent is not: it learns before it serves again.
  bool AllLiveHaveApplied(const metadata::MetadataImage& image, LogIndex offset,
                          MonoTime now) const;
  // Whether a broker in controlled shutdown has applied the batch that set it free (I-21).
  bool MayStop(const metadata::MetadataImage& image, NodeId broker_id) const;

 private:
  struct Session {
    // 0: this controller has not heard of the broker.
    SessionId id = 0;
    bool open = false;
    // Open: the last sign of life. Broken: when it broke.
    MonoTime since;
    // Until then a broken or unheard session is not due.
    MonoTime deadline;
    LogIndex applied_offset{0};
    bool has_room = true;
    PartitionKeys full_partitions;
    std::optional<LogIndex> shutdown_offset;
  };

  void CountReturned(MonoTime now);

  LivenessOptions options_;
  std::map<NodeId, Session> sessions_;
  // Brokers that were unfenced when this controller became active; of these, those not heard of.
  size_t expected_ = 0;
  size_t missing_ = 0;
  uint64_t room_changes_ = 0;
};

}  // namespace weir::state
