#include "broker/metadata/producer_id_pool.h"

#include <utility>

#include "common/runtime/log.h"

namespace weir::broker {
namespace {

constexpr Duration kBlockTimeout = std::chrono::seconds(5);
// After a block could not be had, while none is held and nobody asks.
constexpr Duration kPrefetchRetryPause = std::chrono::seconds(1);

}  // namespace

void ProducerIdPool::Take(Done done) {
  thread_->Post([this, done = std::move(done)]() mutable {
    waiting_.push_back(std::move(done));
    Serve();
  });
}

void ProducerIdPool::Prefetch() {
  if (held() * 2 <= block_size_) RequestBlock();
}

int64_t ProducerIdPool::held() const {
  return current_.end - current_.next + spare_.end - spare_.next;
}

void ProducerIdPool::Serve() {
  size_t served = 0;
  while (served < waiting_.size()) {
    if (current_.next == current_.end) current_ = std::exchange(spare_, {});
    if (current_.next == current_.end) break;
    waiting_[served++](ProducerId(current_.next++));
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(served));
  Prefetch();
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
    block_size_ = reply->count();
    Block& free = current_.next == current_.end ? current_ : spare_;
    free = {reply->first_producer_id(), reply->first_producer_id() + reply->count()};
    return Serve();
  }
  const Error cause =
      reply ? Error{ErrorCode::kUnknownServerError, "an empty block"} : reply.error();
  LogWarn("broker", "no producer ids", {{"reason", weir::ToString(cause)}});
  // What idempotent clients retry (they treat most other codes as fatal).
  const Error error{ErrorCode::kCoordinatorLoadInProgress, cause.message};
  for (Done& done : std::exchange(waiting_, {})) done(tl::unexpected<Error>(error));
  if (held() > 0 || std::exchange(retry_scheduled_, true)) return;
  thread_->PostAt(thread_->Now() + kPrefetchRetryPause, [this] {
    retry_scheduled_ = false;
    Prefetch();
  });
}

}  // namespace weir::broker
