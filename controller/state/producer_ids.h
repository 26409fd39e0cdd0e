// Producer ids: blocks of them for brokers, each block handed out once (KIP-730).
// Thread rule: pure functions.
#pragma once

#include "controller/state/decision.h"
#include "proto/broker.pb.h"

namespace weir::state {

// Errors: kBrokerIdNotRegistered, kStaleBrokerEpoch, kUnknownServerError when ids are used up.
Result<Decision<broker::v1::AllocateProducerIdsReply>> AllocateProducerIds(
    const DecisionContext& context, const broker::v1::AllocateProducerIdsRequest& request);

}  // namespace weir::state
