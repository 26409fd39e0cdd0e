// Helpers of the handlers that forward admin requests to the controllers: who asks, for how long,
// and errors in the shape of Kafka responses.
//
// Laws:
//  1. The reply is handled on the call's own shard.
//  2. That no controller can be reached reads REQUEST_TIMED_OUT, which every client knows and
//     retries.
// Thread rule: the call's shard.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/handlers/broker_context.h"
#include "broker/net/request.h"
#include "common/base/result.h"
#include "proto/admin.pb.h"

namespace weir::handlers {

// Long enough for a controller failover, short enough that a client sees an answer.
inline constexpr int32_t kForwardTimeoutMsMin = 1'000;
inline constexpr int32_t kForwardTimeoutMsMax = 5 * 60 * 1000;
// For requests that carry no timeout of their own.
inline constexpr int32_t kForwardTimeoutMsDefault = 30'000;

inline Duration ForwardTimeout(int32_t timeout_ms) {
  return std::chrono::milliseconds(
      std::clamp(timeout_ms, kForwardTimeoutMsMin, kForwardTimeoutMsMax));
}

// Who asks, for the metadata log's audit trail.
void SetCause(const Call& call, const net::ConnectionInfo& connection,
              admin::v1::RequestContext* context);

// What a client is told when the call as a whole failed.
Error ForwardError(const Error& error);

struct ItemError {
  ErrorCode code = ErrorCode::kNone;
  // Null on success.
  std::optional<std::string> message;
};
ItemError ToItemError(const admin::v1::AdminError& error);

// The outcome of the `i`-th item of a forwarded request. `items` is the reply's accessor of its
// results, which stand in the order of the request.
template <class Reply, class Items>
ItemError ItemOutcome(const Result<Reply>& reply, const Items& (Reply::*items)() const, size_t i) {
  if (!reply) {
    const Error whole = ForwardError(reply.error());
    return {whole.code, whole.message};
  }
  const Items& results = ((*reply).*items)();
  const int index = static_cast<int>(i);
  if (index < results.size()) return ToItemError(results.Get(index).error());
  return {ErrorCode::kUnknownServerError, "the controller did not answer for it"};
}

// Wraps `handle(waiting, reply)` so that it runs on the call's shard. `waiting` holds the Call.
template <class Reply, class Waiting, class Handle>
auto OnShard(std::shared_ptr<Waiting> waiting, Handle handle) {
  Executor& executor = waiting->call.executor();
  return [&executor, waiting = std::move(waiting), handle](Result<Reply> reply) mutable {
    executor.Post([waiting = std::move(waiting), handle, reply = std::move(reply)]() mutable {
      handle(*waiting, std::move(reply));
    });
  };
}

}  // namespace weir::handlers
