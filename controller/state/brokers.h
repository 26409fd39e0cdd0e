// Brokers: registration, fencing and leaving (DESIGN D4, D5).
//
//   state                  event                                     next state
//   (none)                 registers                                 fenced
//   fenced                 heartbeat has caught up                   unfenced
//   unfenced               session broken or silent, want_fence      fenced
//   unfenced               want_shutdown: leads nothing any more     in controlled shutdown
//   in controlled shutdown stopped, session broken or silent         fenced
//   fenced, or unfenced    another incarnation registers             fenced, with a new epoch
//     without a session
// Laws:
//  1. A broker's epoch is the log index of its registration record (I-16).
//  2. The batch that fences a broker moves its leaderships and takes it out of every ISR: a fenced
//     broker leads nothing and is in no ISR (I-09).
//  3. Another incarnation never displaces one that is unfenced and whose session is open.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <span>

#include "controller/state/decision.h"
#include "proto/broker.pb.h"

namespace weir::state {

struct RegistrationOutcome {
  // Set when this incarnation is registered already: its epoch stays and there is no record.
  // Otherwise the epoch is the offset that the batch gets.
  std::optional<BrokerEpoch> kept_epoch;
};

// `session_open`: whether the broker id's present incarnation is connected and heard from
// (liveness.h). If it is not, a new incarnation fences it and takes over in one batch.
// Errors: kInconsistentClusterId, kDuplicateBrokerRegistration, kInvalidRegistration (ids or
// endpoints missing or malformed).
Result<Decision<RegistrationOutcome>> RegisterBroker(const DecisionContext& context,
                                                     const broker::v1::Registration& registration,
                                                     bool session_open);

struct HeartbeatOutcome {
  // As it will be once the records are committed.
  bool fenced = true;
  // The broker wants to stop and leads nothing any more. It may stop as soon as it has applied the
  // batch that says so: `may_stop` in the reply also needs applied_offset >= that batch's offset
  // (Liveness::MayStop).
  bool leads_nothing_for_shutdown = false;
};

// What a heartbeat asks for: unfences a broker that has applied the log up to its own registration;
// want_fence and stopped fence it; want_shutdown hands its leaderships over. Mostly no records.
// Errors: kBrokerIdNotRegistered, kStaleBrokerEpoch.
Result<Decision<HeartbeatOutcome>> HandleHeartbeat(const DecisionContext& context, NodeId broker_id,
                                                   const broker::v1::Heartbeat& heartbeat);

struct FenceOutcome {
  // Those that were unfenced until now.
  std::vector<NodeId> fenced;
  // There was more to move than one batch holds: the brokers are still unfenced. Call again once
  // this batch is applied to the working image.
  bool more = false;
};

// Fences brokers whose sessions ended. Unregistered and already fenced ones are passed over.
Result<Decision<FenceOutcome>> FenceBrokers(const DecisionContext& context,
                                            std::span<const NodeId> broker_ids);

struct UnregisterOutcome {};

// Removes a fenced broker's registration. Errors: kBrokerIdNotRegistered; kInvalidRequest while it
// is unfenced or holds replicas.
Result<Decision<UnregisterOutcome>> UnregisterBroker(const DecisionContext& context,
                                                     NodeId broker_id);

}  // namespace weir::state
