#include "controller/state/brokers.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "controller/state/partitions.h"

namespace weir::state {
namespace {

using broker::v1::Heartbeat;
using broker::v1::Registration;
using metadata::Broker;

// Left free in a batch for the records that follow partition changes.
constexpr size_t kBatchReserveBytes = 64 * 1024;

struct RegistrationIds {
  Uuid incarnation_id;
  std::vector<Uuid> directory_ids;
};

Status Malformed(std::string what) {
  return Fail(ErrorCode::kInvalidRegistration, "malformed registration: " + std::move(what));
}

Status ValidateEndpoints(const Registration& registration) {
  bool has_inter_broker = false;
  for (const metadata::v1::Endpoint& endpoint : registration.endpoints()) {
    if (endpoint.name().empty()) return Malformed("an endpoint has no listener name");
    if (endpoint.host().empty()) return Malformed("endpoint " + endpoint.name() + " has no host");
    if (endpoint.port() < 1 || endpoint.port() > 65535) {
      return Malformed("endpoint " + endpoint.name() + " has port " +
                       std::to_string(endpoint.port()));
    }
    has_inter_broker |= endpoint.name() == registration.inter_broker_listener();
  }
  if (has_inter_broker) return {};
  return Malformed("no endpoint is named as the inter-broker listener '" +
                   registration.inter_broker_listener() + "'");
}

Result<RegistrationIds> ParseIds(const Registration& registration) {
  if (registration.broker_id() < 0) {
    WEIR_RETURN_IF_ERROR(Malformed("broker id " + std::to_string(registration.broker_id())));
  }
  RegistrationIds ids;
  const Result<Uuid> incarnation = Uuid::FromBytes(registration.incarnation_id());
  if (!incarnation || incarnation->IsZero()) {
    WEIR_RETURN_IF_ERROR(Malformed("the incarnation id is not 16 bytes"));
  }
  ids.incarnation_id = *incarnation;
  for (const std::string& raw : registration.directory_ids()) {
    const Result<Uuid> directory = Uuid::FromBytes(raw);
    if (!directory || directory->IsZero()) {
      WEIR_RETURN_IF_ERROR(Malformed("a directory id is not 16 bytes"));
    }
    ids.directory_ids.push_back(*directory);
  }
  if (ids.directory_ids.empty()) WEIR_RETURN_IF_ERROR(Malformed("no directory id"));
  return ids;
}

Status CheckCluster(const MetadataImage& image, const Registration& registration) {
  if (registration.cluster_id().empty()) return {};
  if (registration.cluster_id() == image.cluster_id().ToBytes()) return {};
  const Result<Uuid> theirs = Uuid::FromBytes(registration.cluster_id());
  return Fail(ErrorCode::kInconsistentClusterId,
              "this is cluster " + image.cluster_id().ToString() + ", but the data of broker " +
                  std::to_string(registration.broker_id()) + " belongs to " +
                  (theirs ? theirs->ToString() : "another one"));
}

bool SharesDirectory(const Broker& broker, const std::vector<Uuid>& directory_ids) {
  return std::any_of(directory_ids.begin(), directory_ids.end(), [&](const Uuid& id) {
    return std::find(broker.directory_ids.begin(), broker.directory_ids.end(), id) !=
           broker.directory_ids.end();
  });
}

// A copied data directory must not serve as two brokers.
Status CheckDirectories(const MetadataImage& image, NodeId id,
                        const std::vector<Uuid>& directory_ids) {
  for (const auto& [other_id, other] : image.brokers()) {
    if (other_id == id || !SharesDirectory(other, directory_ids)) continue;
    return Fail(ErrorCode::kInvalidRegistration,
                "the data directory of broker " + ToString(id) + " is registered by broker " +
                    ToString(other_id) + "; a copied directory must be formatted anew");
  }
  return {};
}

MetadataRecord RegistrationRecord(const Registration& registration) {
  MetadataRecord record;
  metadata::v1::RegisterBrokerRecord* out = record.mutable_register_broker();
  out->set_broker_id(registration.broker_id());
  out->set_incarnation_id(registration.incarnation_id());
  *out->mutable_directory_ids() = registration.directory_ids();
  *out->mutable_endpoints() = registration.endpoints();
  out->set_inter_broker_listener(registration.inter_broker_listener());
  out->set_rack(registration.rack());
  out->set_fenced(true);
  out->set_version(registration.version());
  out->set_http_address(registration.http_address());
  return record;
}

metadata::v1::BrokerChangeRecord* AddChange(const Broker& broker, Records* records) {
  metadata::v1::BrokerChangeRecord* change = records->emplace_back().mutable_broker_change();
  change->set_broker_id(broker.id.value());
  change->set_broker_epoch(broker.epoch.value());
  return change;
}

// Keeps as many records as one batch holds. Returns whether some had to go.
bool CutToBatch(Records* records) {
  size_t bytes = kBatchReserveBytes;
  for (size_t i = 0; i < records->size(); ++i) {
    bytes += (*records)[i].ByteSizeLong() + 6;
    if (bytes <= limits::kMetadataBatchBytesMax) continue;
    records->resize(i);
    return true;
  }
  return false;
}

// Takes a fenced broker out of every list that its new life does not deserve to be in.
void AppendLostData(const DecisionContext& context, const Broker& old,
                    const Registration& registration, const std::vector<Uuid>& directory_ids,
                    Records* records) {
  if (!SharesDirectory(old, directory_ids)) {
    AppendChangesForLostData(context, old.id, LostData::kEverything, records);
  } else if (registration.previous_broker_epoch() != old.epoch.value()) {
    AppendChangesForLostData(context, old.id, LostData::kUnsynced, records);
  }
}

Status StaleEpoch(const Broker& broker, int64_t epoch) {
  return Fail(ErrorCode::kStaleBrokerEpoch, "broker " + ToString(broker.id) + " has epoch " +
                                                ToString(broker.epoch) + ", not " +
                                                std::to_string(epoch) + ": register again");
}

Status NotRegistered(NodeId id) {
  return Fail(ErrorCode::kBrokerIdNotRegistered, "broker " + ToString(id) + " is not registered");
}

}  // namespace

Result<Decision<RegistrationOutcome>> RegisterBroker(const DecisionContext& context,
                                                     const Registration& registration,
                                                     bool session_open) {
  WEIR_ASSIGN_OR_RETURN(const RegistrationIds ids, ParseIds(registration));
  WEIR_RETURN_IF_ERROR(ValidateEndpoints(registration));
  WEIR_RETURN_IF_ERROR(CheckCluster(context.image, registration));
  const NodeId id(registration.broker_id());
  WEIR_RETURN_IF_ERROR(CheckDirectories(context.image, id, ids.directory_ids));
  Decision<RegistrationOutcome> decision;
  const Broker* old = context.image.FindBroker(id);
  if (old != nullptr && old->incarnation_id == ids.incarnation_id) {
    decision.reply.kept_epoch = old->epoch;
    return decision;
  }
  if (old != nullptr && old->live() && session_open) {
    return Fail(ErrorCode::kDuplicateBrokerRegistration,
                "another process is running as broker " + ToString(id));
  }
  if (old != nullptr && old->live()) {
    const NodeId leaving[] = {id};
    AppendChangesForLeaving(context, leaving, &decision.records);
    if (CutToBatch(&decision.records)) {
      return Fail(ErrorCode::kDuplicateBrokerRegistration,
                  "the leaderships of the last process of broker " + ToString(id) +
                      " are still being moved; register again");
    }
    AddChange(*old, &decision.records)->set_fenced(true);
  }
  if (old != nullptr) {
    const MetadataImage fenced = Preview(context.image, decision.records);
    const DecisionContext after{fenced, context.now, context.prng, context.defaults};
    AppendLostData(after, *old, registration, ids.directory_ids, &decision.records);
  }
  decision.records.push_back(RegistrationRecord(registration));
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  return decision;
}

Result<Decision<HeartbeatOutcome>> HandleHeartbeat(const DecisionContext& context, NodeId broker_id,
                                                   const Heartbeat& heartbeat) {
  const Broker* broker = context.image.FindBroker(broker_id);
  if (broker == nullptr) WEIR_RETURN_IF_ERROR(NotRegistered(broker_id));
  if (broker->epoch.value() != heartbeat.broker_epoch()) {
    WEIR_RETURN_IF_ERROR(StaleEpoch(*broker, heartbeat.broker_epoch()));
  }
  Decision<HeartbeatOutcome> decision;
  decision.reply.fenced = broker->fenced;
  const NodeId leaving[] = {broker_id};
  const bool caught_up = heartbeat.applied_offset() >= broker->epoch.value();
  if (heartbeat.stopped() || heartbeat.want_fence()) {
    if (broker->live()) {
      AppendChangesForLeaving(context, leaving, &decision.records);
      if (!CutToBatch(&decision.records)) {
        AddChange(*broker, &decision.records)->set_fenced(true);
        decision.reply.fenced = true;
      }
    }
  } else if (heartbeat.want_shutdown()) {
    if (!broker->in_controlled_shutdown) {
      AppendChangesForLeaving(context, leaving, &decision.records);
      if (!CutToBatch(&decision.records)) {
        AddChange(*broker, &decision.records)->set_in_controlled_shutdown(true);
        decision.reply.leads_nothing_for_shutdown = true;
      }
    }
  } else if (broker->fenced && !broker->in_controlled_shutdown && caught_up) {
    AddChange(*broker, &decision.records)->set_fenced(false);
    AppendChangesForReturning(context, broker_id, &decision.records);
    decision.reply.fenced = false;
  }
  decision.reply.leads_nothing_for_shutdown |= broker->in_controlled_shutdown;
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  return decision;
}

Result<Decision<FenceOutcome>> FenceBrokers(const DecisionContext& context,
                                            std::span<const NodeId> broker_ids) {
  Decision<FenceOutcome> decision;
  std::vector<NodeId> live;
  for (const NodeId id : broker_ids) {
    const bool seen = std::find(live.begin(), live.end(), id) != live.end();
    if (context.image.IsLive(id) && !seen) live.push_back(id);
  }
  if (live.empty()) return decision;
  AppendChangesForLeaving(context, live, &decision.records);
  if (CutToBatch(&decision.records)) {
    decision.reply.more = true;
    return decision;
  }
  for (const NodeId id : live) {
    AddChange(*context.image.FindBroker(id), &decision.records)->set_fenced(true);
  }
  decision.reply.fenced = std::move(live);
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  return decision;
}

Result<Decision<UnregisterOutcome>> UnregisterBroker(const DecisionContext& context,
                                                     NodeId broker_id) {
  const Broker* broker = context.image.FindBroker(broker_id);
  if (broker == nullptr) WEIR_RETURN_IF_ERROR(NotRegistered(broker_id));
  if (broker->live()) {
    return Fail(ErrorCode::kInvalidRequest,
                "broker " + ToString(broker_id) + " is running; stop it first");
  }
  if (HoldsAny(context.image, broker_id)) {
    return Fail(ErrorCode::kInvalidRequest,
                "broker " + ToString(broker_id) + " holds replicas; move or delete them first");
  }
  Decision<UnregisterOutcome> decision;
  metadata::v1::UnregisterBrokerRecord* record =
      decision.records.emplace_back().mutable_unregister_broker();
  record->set_broker_id(broker_id.value());
  record->set_broker_epoch(broker->epoch.value());
  return decision;
}

}  // namespace weir::state
