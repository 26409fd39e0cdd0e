#include "controller/state/producer_ids.h"

#include <utility>

namespace weir::state {

Result<Decision<broker::v1::AllocateProducerIdsReply>> AllocateProducerIds(
    const DecisionContext& context, const broker::v1::AllocateProducerIdsRequest& request) {
  const metadata::Broker* broker = context.image.FindBroker(NodeId(request.broker_id()));
  if (broker == nullptr) {
    return Fail(ErrorCode::kBrokerIdNotRegistered,
                "broker " + std::to_string(request.broker_id()) + " is not registered");
  }
  if (broker->epoch.value() != request.broker_epoch()) {
    return Fail(ErrorCode::kStaleBrokerEpoch,
                "broker " + std::to_string(request.broker_id()) + " has epoch " +
                    ToString(broker->epoch) + ", not " + std::to_string(request.broker_epoch()));
  }
  const int64_t first = context.image.next_producer_id().value();
  const int64_t count = context.defaults.producer_id_block_size;
  if (first > INT64_MAX - count) {
    return Fail(ErrorCode::kUnknownServerError, "all producer ids have been handed out");
  }
  Decision<broker::v1::AllocateProducerIdsReply> decision;
  MetadataRecord record;
  record.mutable_producer_ids()->set_broker_id(request.broker_id());
  record.mutable_producer_ids()->set_broker_epoch(request.broker_epoch());
  record.mutable_producer_ids()->set_next_producer_id(first + count);
  decision.records.push_back(std::move(record));
  decision.reply.set_first_producer_id(first);
  decision.reply.set_count(static_cast<int32_t>(count));
  return decision;
}

}  // namespace weir::state
