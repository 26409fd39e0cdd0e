// ListOffsets as brokers ask each other: where partitions end and how old records are, for the lag
// of consumer groups (coordinator/group_lags.h).
// Thread rule: on the call's shard.
#pragma once

#include "broker/handlers/broker_context.h"
#include "broker/net/request.h"
#include "broker/wire/messages/log_offsets.h"

namespace weir::handlers {

// Whether a broker asks: it names itself, and came in where only brokers do.
bool IsFromBroker(const Call& call, const net::ConnectionInfo& connection,
                  const wire::ListOffsetsRequest& request);

// Answers it: kLatestTimestamp is the last stable offset, kEarliestTimestamp the log start,
// kOffsetAsTimestamp plus an offset the first record there. Other timestamps: kInvalidRequest.
void AnswerPositions(Call call, const wire::ListOffsetsRequest& request);

}  // namespace weir::handlers
