// BrokerSessions: the brokers' streams at the active controller, and the fencing of those that end
// (DESIGN D5).
//
//   opened --first message: registration, committed--> registered --heartbeats--> ... --stream
//   ends--> broken
//
// Laws:
//  1. A session that breaks is fenced after the grace, one that is silent after the timeout
//     (state/liveness.h says when).
//  2. A broker is unfenced only by its own heartbeat, once it has applied its registration.
//  3. When this controller is not active, every session is ended with NOT_CONTROLLER and the
//     leader's address.
// Thread rule: loop thread. SessionHandle's functions may be called from it at any time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "controller/quorum/active_controller.h"
#include "proto/broker.pb.h"

namespace weir::quorum {

// The stream's other end.
class SessionHandle {
 public:
  virtual ~SessionHandle() = default;
  virtual void Reply(broker::v1::SessionReply reply) = 0;
  // No error: a clean end.
  virtual void End(Status status) = 0;
};

struct BrokerSessionsOptions {
  NodeId self;
  state::LivenessOptions liveness;
  Duration heartbeat_interval = std::chrono::milliseconds(500);
};

class BrokerSessions : public MetadataListener {
 public:
  using SessionId = state::Liveness::SessionId;

  BrokerSessions(Executor& loop, ActiveController& controller, state::Liveness& liveness,
                 BrokerSessionsOptions options);

  // A new stream. Its messages and its end are named by the id returned.
  SessionId Open(std::unique_ptr<SessionHandle> handle);
  void OnMessage(SessionId id, broker::v1::SessionRequest request);
  void OnEnd(SessionId id);

  size_t session_count() const { return sessions_.size(); }
  // How far each broker that this controller hears from has applied the log.
  std::map<NodeId, LogIndex> AppliedOffsets() const;

  void OnRoleChange(const raft::RoleChange& change) override;
  void OnCommitted(const std::vector<raft::Entry>&) override {}
  void OnTick() override;

 private:
  struct Session {
    std::unique_ptr<SessionHandle> handle;
    bool registering = false;
    // kNoNode until the registration is committed.
    NodeId broker_id = kNoNode;
    BrokerEpoch epoch = kNoBrokerEpoch;
    // The offset from which it may stop has been told to liveness.
    bool shutdown_known = false;
  };

  void Register(SessionId id, broker::v1::Registration registration);
  void Registered(SessionId id, NodeId broker_id, BrokerEpoch epoch);
  void Heartbeat(SessionId id, const broker::v1::Heartbeat& heartbeat);
  void HeartbeatDone(SessionId id, const broker::v1::Heartbeat& heartbeat,
                     bool leads_nothing_for_shutdown);
  void SendReply(const Session& session, bool may_stop);
  void End(SessionId id, Status status);
  // Looks again when the grace is over, not only at the next tick.
  void Broken(NodeId broker_id, SessionId id);
  void Fence(const std::vector<NodeId>& broker_ids);

  Executor& loop_;
  ActiveController& controller_;
  state::Liveness& liveness_;
  const BrokerSessionsOptions options_;
  SessionId next_id_ = 1;
  std::map<SessionId, Session> sessions_;
};

}  // namespace weir::quorum
