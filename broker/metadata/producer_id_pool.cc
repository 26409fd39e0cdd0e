#include "broker/metadata/producer_id_pool.h"

#include <utility>

#include "common/runtime/log.h"

namespace weir::broker {
namespace {

constexpr Duration kBlockTimeout = std::chrono::seconds(5);

}  // namespace

void ProducerIdPool::Take(Done done) {
  thread_->Post([this, done = std::move(done)]() mutable {
    waiting_.push_back(std::move(done));
    Serve();
  });
}

void ProducerIdPool::Serve() {
  size_t served = 0;
  while (served < waiting_.size() && next_ < end_) {
    waiting_[served++](ProducerId(next_++));
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(served));
  if (!waiting_.empty()) RequestBlock();
}

void ProducerIdPool::RequestBlock() {
  if (std::exchange(requested_, true)) return;
  broker::v1::AllocateProducerIdsRequest request;
  request.set_broker_id(broker_id_.value());
  request.set_broker_epoch(broker_epoch_().value());
  controllers_.AllocateProducerIds(
      std::move(request), kBlockTimeout,
      [this](Result<broker::v1::AllocateProducerIdsReply> reply) { OnBlock(std::move(reply)); });
}

void ProducerIdPool::OnBlock(Result<broker::v1::AllocateProducerIdsReply> reply) {
  requested_ = false;
  if (reply && reply->count() > 0) {
    next_ = reply->first_producer_id();
    end_ = next_ + reply->count();
    return Serve();
  }
  const Error cause =
      reply ? Error{ErrorCode::kUnknownServerError, "an empty block"} : reply.error();
  LogWarn("broker", "no producer ids", {{"reason", weir::ToString(cause)}});
  // What idempotent clients retry (they treat most other codes as fatal).
  const Error error{ErrorCode::kCoordinatorLoadInProgress, cause.message};
  for (Done& done : std::exchange(waiting_, {})) done(tl::unexpected<Error>(error));
}

}  // namespace weir::broker
