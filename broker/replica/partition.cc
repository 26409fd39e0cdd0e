#include "broker/replica/partition.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir::replica {

Partition::Actions Partition::OnLeaderChange(LeaderAndIsr news) {
  if (news.leader_epoch < state_.leader_epoch) return {};
  if (news.partition_epoch < state_.partition_epoch) return {};
  Actions actions;
  const bool was_leading = leading();
  const bool new_epoch = news.leader_epoch > state_.leader_epoch;
  state_ = std::move(news);
  actions.began_leading = leading() && (new_epoch || !was_leading);
  actions.stopped_leading = was_leading && (new_epoch || !leading());
  actions.high_watermark_moved = MoveHighWatermark();
  return actions;
}

void Partition::OnAppend(Offset log_end) {
  WEIR_CHECK(log_end >= log_end_, "a leader's log only grows");
  log_end_ = log_end;
}

Partition::Actions Partition::OnPersisted(Offset persisted_end) {
  WEIR_CHECK(persisted_end <= log_end_, "what is persisted was appended");
  persisted_end_ = std::max(persisted_end_, persisted_end);
  return {.high_watermark_moved = MoveHighWatermark()};
}

bool Partition::MoveHighWatermark() {
  if (!leading()) return false;
  // The leader knows only its own log end: in-sync followers hold the high watermark where it is.
  const bool alone = std::all_of(state_.isr.begin(), state_.isr.end(),
                                 [&](NodeId replica) { return replica == self_; });
  if (!alone || persisted_end_ <= high_watermark_) return false;
  high_watermark_ = persisted_end_;
  return true;
}

ErrorCode Partition::CheckServing(LeaderEpoch current) const {
  if (current >= LeaderEpoch(0)) {
    if (current < state_.leader_epoch) return ErrorCode::kFencedLeaderEpoch;
    if (current > state_.leader_epoch) return ErrorCode::kUnknownLeaderEpoch;
  }
  return leading() ? ErrorCode::kNone : ErrorCode::kNotLeaderOrFollower;
}

ErrorCode Partition::CheckAppend(int16_t acks, int32_t min_insync_replicas) const {
  if (!leading()) return ErrorCode::kNotLeaderOrFollower;
  if (acks < -1 || acks > 1) return ErrorCode::kInvalidRequiredAcks;
  const bool enough = static_cast<int64_t>(isr_size()) >= min_insync_replicas;
  return acks != -1 || enough ? ErrorCode::kNone : ErrorCode::kNotEnoughReplicas;
}

std::string Partition::Describe() const {
  std::string text = leading() ? "leader" : "follower";
  text += " epoch=" + ToString(state_.leader_epoch) + " hw=" + ToString(high_watermark_) +
          " persisted=" + ToString(persisted_end_) + " end=" + ToString(log_end_) + " isr=[";
  for (size_t i = 0; i < state_.isr.size(); ++i) {
    if (i > 0) text += ',';
    text += ToString(state_.isr[i]);
  }
  return text + "]";
}

}  // namespace weir::replica
