#include "controller/quorum/broker_sessions.h"

#include <algorithm>
#include <utility>

#include "common/runtime/log.h"
#include "controller/state/brokers.h"

namespace weir::quorum {
namespace {

metadata::v1::Cause BrokerCause(NodeId broker_id, const char* method) {
  metadata::v1::Cause cause;
  cause.set_principal("Broker:" + ToString(broker_id));
  cause.set_tool("weir-broker");
  cause.set_method(method);
  return cause;
}

// What is no topic id is left out.
state::Liveness::PartitionKeys ToKeys(const broker::v1::FullPartitions& partitions) {
  state::Liveness::PartitionKeys keys;
  for (const broker::v1::PartitionsOfTopic& topic : partitions.topics()) {
    const Result<Uuid> id = Uuid::FromBytes(topic.topic_id());
    if (!id) continue;
    for (const int32_t index : topic.partitions()) keys.emplace(*id, PartitionIndex(index));
  }
  return keys;
}

}  // namespace

BrokerSessions::BrokerSessions(Executor& loop, ActiveController& controller,
                               state::Liveness& liveness, BrokerSessionsOptions options)
    : loop_(loop), controller_(controller), liveness_(liveness), options_(std::move(options)) {}

BrokerSessions::SessionId BrokerSessions::Open(std::unique_ptr<SessionHandle> handle) {
  const SessionId id = next_id_++;
  sessions_[id].handle = std::move(handle);
  if (!controller_.active()) {
    End(id, Fail(ErrorCode::kNotController, "this controller is not the active one"));
  }
  return id;
}

void BrokerSessions::OnMessage(SessionId id, broker::v1::SessionRequest request) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const bool registered = found->second.broker_id != kNoNode;
  if (request.has_registration() && !registered && !found->second.registering) {
    return Register(id, std::move(*request.mutable_registration()));
  }
  if (request.has_heartbeat() && registered) return Heartbeat(id, request.heartbeat());
  // Heartbeats may be sent ahead of the registration's answer; they say nothing yet.
  if (request.has_heartbeat() && found->second.registering) return;
  End(id, Fail(ErrorCode::kInvalidRequest, "a session begins with one registration"));
}

void BrokerSessions::Register(SessionId id, broker::v1::Registration registration) {
  sessions_[id].registering = true;
  const NodeId broker_id(registration.broker_id());
  Change<state::RegistrationOutcome> change;
  change.cause = BrokerCause(broker_id, "RegisterBroker");
  change.cause.set_tool("weir-broker/" + registration.version());
  change.decide = [this, registration = std::move(registration),
                   broker_id](const state::DecisionContext& context) {
    return state::RegisterBroker(context, registration,
                                 liveness_.IsSessionOpen(broker_id, loop_.Now()));
  };
  change.done = [this, id, broker_id](Result<state::RegistrationOutcome> outcome, LogIndex index) {
    if (!outcome) return End(id, tl::unexpected<Error>(outcome.error()));
    Registered(id, broker_id,
               outcome->kept_epoch.value_or(BrokerEpoch(static_cast<int64_t>(index.value()))));
  };
  controller_.Submit(std::move(change));
}

void BrokerSessions::Registered(SessionId id, NodeId broker_id, BrokerEpoch epoch) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  session.broker_id = broker_id;
  session.epoch = epoch;
  liveness_.OpenSession(broker_id, id, loop_.Now());
  LogInfo("quorum", "broker session opened", {{"broker_id", broker_id}, {"broker_epoch", epoch}});
  SendReply(session, false);
}

void BrokerSessions::Heartbeat(SessionId id, const broker::v1::Heartbeat& heartbeat) {
  const Session& session = sessions_[id];
  if (heartbeat.broker_epoch() != session.epoch.value()) {
    return End(id, Fail(ErrorCode::kStaleBrokerEpoch, "the heartbeat has another broker epoch"));
  }
  const auto applied = static_cast<uint64_t>(std::max<int64_t>(0, heartbeat.applied_offset()));
  liveness_.OnHeartbeat(session.broker_id, id, LogIndex(applied), loop_.Now());
  liveness_.SetRoom(session.broker_id, id, !heartbeat.disk_full());
  if (heartbeat.has_full_partitions()) {
    liveness_.SetFullPartitions(session.broker_id, id, ToKeys(heartbeat.full_partitions()));
  }
  controller_.CheckWaiting();
  Change<state::HeartbeatOutcome> change;
  change.cause = BrokerCause(session.broker_id, "BrokerHeartbeat");
  change.unconfirmed = true;
  const NodeId broker_id = session.broker_id;
  const LogIndex before = controller_.working().offset();
  change.decide = [broker_id, heartbeat](const state::DecisionContext& context) {
    return state::HandleHeartbeat(context, broker_id, heartbeat);
  };
  change.done = [this, id, broker_id, before, heartbeat](Result<state::HeartbeatOutcome> outcome,
                                                         LogIndex index) {
    if (!outcome) return End(id, tl::unexpected<Error>(outcome.error()));
    // The broker may stop once it has applied the batch that took its leaderships away; a
    // controller that has just become active does not know which that was, but it is no later than
    // now.
    const auto found = sessions_.find(id);
    const bool known = found == sessions_.end() || found->second.shutdown_known;
    if (heartbeat.want_shutdown() && (index > before || !known)) {
      liveness_.SetShutdownOffset(broker_id, index);
      if (!known) found->second.shutdown_known = true;
    }
    HeartbeatDone(id, heartbeat, outcome->leads_nothing_for_shutdown);
  };
  controller_.Submit(std::move(change));
}

void BrokerSessions::HeartbeatDone(SessionId id, const broker::v1::Heartbeat& heartbeat,
                                   bool leads_nothing_for_shutdown) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const Session& session = found->second;
  if (heartbeat.stopped()) {
    LogInfo("quorum", "broker stopped", {{"broker_id", session.broker_id}});
    liveness_.Forget(session.broker_id);
    return End(id, {});
  }
  SendReply(session, leads_nothing_for_shutdown &&
                         liveness_.MayStop(controller_.committed(), session.broker_id));
}

void BrokerSessions::SendReply(const Session& session, bool may_stop) {
  const metadata::MetadataImage& image = controller_.committed();
  const metadata::Broker* broker = image.FindBroker(session.broker_id);
  broker::v1::SessionReply reply;
  reply.set_broker_epoch(session.epoch.value());
  reply.set_cluster_id(image.cluster_id().ToBytes());
  reply.set_fenced(broker == nullptr || broker->fenced);
  reply.set_may_stop(may_stop);
  reply.set_committed_offset(static_cast<int64_t>(image.offset().value()));
  reply.set_heartbeat_interval_ms(
      static_cast<int32_t>(options_.heartbeat_interval / std::chrono::milliseconds(1)));
  reply.set_session_timeout_ms(
      static_cast<int32_t>(options_.liveness.session_timeout / std::chrono::milliseconds(1)));
  session.handle->Reply(std::move(reply));
}

void BrokerSessions::OnEnd(SessionId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const NodeId broker_id = found->second.broker_id;
  sessions_.erase(found);
  if (broker_id == kNoNode) return;
  LogInfo("quorum", "broker session broke", {{"broker_id", broker_id}});
  Broken(broker_id, id);
}

void BrokerSessions::Broken(NodeId broker_id, SessionId id) {
  liveness_.OnSessionBroken(broker_id, id, loop_.Now());
  loop_.PostAt(loop_.Now() + options_.liveness.broken_session_grace, [this] { OnTick(); });
}

void BrokerSessions::End(SessionId id, Status status) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  if (!status && status.error().code != ErrorCode::kNotController) {
    LogWarn("quorum", "broker session refused",
            {{"broker_id", found->second.broker_id}, {"error", ToString(status.error())}});
  }
  found->second.handle->End(std::move(status));
  const NodeId broker_id = found->second.broker_id;
  sessions_.erase(found);
  if (broker_id != kNoNode) Broken(broker_id, id);
}

std::map<NodeId, LogIndex> BrokerSessions::AppliedOffsets() const {
  std::map<NodeId, LogIndex> offsets;
  for (const auto& [id, session] : sessions_) {
    if (session.broker_id != kNoNode) {
      offsets[session.broker_id] = liveness_.AppliedOffset(session.broker_id);
    }
  }
  return offsets;
}

void BrokerSessions::OnRoleChange(const raft::RoleChange& change) {
  if (change.role == raft::Role::kLeader) return;
  while (!sessions_.empty()) {
    End(sessions_.begin()->first,
        Fail(ErrorCode::kNotController, "this controller is no longer the active one"));
  }
}

void BrokerSessions::OnTick() {
  if (!controller_.active()) return;
  const std::vector<NodeId> due = liveness_.BrokersToFence(controller_.working(), loop_.Now());
  if (!due.empty()) Fence(due);
}

void BrokerSessions::Fence(const std::vector<NodeId>& broker_ids) {
  Change<state::FenceOutcome> change;
  change.cause.set_principal("Controller:" + ToString(options_.self));
  change.cause.set_tool("controller");
  change.cause.set_method("FenceBroker");
  change.decide = [broker_ids](const state::DecisionContext& context) {
    return state::FenceBrokers(context, broker_ids);
  };
  change.done = [](Result<state::FenceOutcome> outcome, LogIndex) {
    if (!outcome) return;
    for (const NodeId broker_id : outcome->fenced) {
      LogWarn("quorum", "broker fenced", {{"broker_id", broker_id}});
    }
  };
  controller_.Submit(std::move(change));
}

}  // namespace weir::quorum
