#include "broker/replica/replica_fetcher.h"

#include <algorithm>

#include "common/base/check.h"

namespace weir::replica {
namespace {

// A leader on a machine that has vanished answers no connection attempt at all.
constexpr Duration kConnectTimeout = std::chrono::seconds(2);
constexpr int kBackoffStepsMax = 6;
constexpr int32_t kFinalSessionEpoch = -1;

// Rounded up, so that what waits so long finds the deadline passed.
int64_t MsUntil(MonoTime deadline, MonoTime now) {
  return std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count());
}

}  // namespace

// ---- Events ---------------------------------------------------------------------------

ReplicaFetcher::Actions ReplicaFetcher::OnFollow(const FollowerPosition& position, MonoTime now) {
  followed_[position.partition] = Followed{.position = position};
  return Proceed({}, now);
}

ReplicaFetcher::Actions ReplicaFetcher::OnUnfollow(const TopicPartition& partition, MonoTime now) {
  followed_.erase(partition);
  return Proceed({}, now);
}

ReplicaFetcher::Actions ReplicaFetcher::OnConnected(MonoTime now) {
  WEIR_CHECK(link_ == Link::kConnecting);
  link_ = Link::kOpen;
  answer_id_ = kNoAnswer;
  link_deadline_ = MonoTime::max();
  return Proceed({}, now);
}

ReplicaFetcher::Actions ReplicaFetcher::OnDisconnected(MonoTime now) {
  LoseConnection(now);
  return Proceed({}, now);
}

ReplicaFetcher::Actions ReplicaFetcher::OnResponse(int32_t correlation_id,
                                                   wire::FetchResponse response, MonoTime now) {
  Actions actions;
  const bool expected = !in_flight_.empty() && in_flight_.front().correlation_id == correlation_id;
  if (!expected || response.error_code != ErrorCode::kNone) {
    // Whoever answers like that is not in step with us: begin again.
    actions.disconnect = true;
    LoseConnection(now);
    return Proceed(std::move(actions), now);
  }
  in_flight_.pop_front();
  answer_id_ = response.session_id;
  connect_failures_ = 0;
  for (wire::FetchResponse::TopicResponse& topic : response.responses) {
    for (wire::FetchResponse::Partition& answer : topic.partitions) {
      const auto found = followed_.find({topic.topic_id, PartitionIndex(answer.partition_index)});
      if (found == followed_.end()) continue;
      // Law 2: followed anew, it is not the one that was asked for.
      if (found->second.stage != Stage::kAsked) continue;
      if (found->second.correlation_id != correlation_id) continue;
      OnAnswer(found->second, answer, actions, now);
      if (found->second.stage == Stage::kHandedOver) {
        const auto next = std::next(found);
        first_ = next == followed_.end() ? TopicPartition{} : next->first;
      }
    }
  }
  for (auto& [partition, followed] : followed_) {
    // The leader has left it out.
    if (followed.stage == Stage::kAsked && followed.correlation_id == correlation_id) {
      Delay(followed, now);
    }
  }
  return Proceed(std::move(actions), now);
}

void ReplicaFetcher::OnAnswer(Followed& followed, wire::FetchResponse::Partition& answer,
                              Actions& actions, MonoTime now) {
  FollowerPosition& position = followed.position;
  if (answer.error_code != ErrorCode::kNone && answer.error_code != ErrorCode::kOffsetOutOfRange) {
    // Not the leader, or of another epoch, or its disk has failed: news from the controllers come.
    Delay(followed, now);
    return;
  }
  FollowerFetch fetched{.partition = position.partition,
                        .leader_epoch = position.leader_epoch,
                        .fetch_offset = position.fetch_offset,
                        .error = answer.error_code,
                        .high_watermark = Offset(answer.high_watermark),
                        .log_start_offset = Offset(answer.log_start_offset)};
  if (answer.diverging_epoch.epoch >= 0) {
    fetched.diverging = log::EpochEnd{.epoch = LeaderEpoch(answer.diverging_epoch.epoch),
                                      .end_offset = Offset(answer.diverging_epoch.end_offset)};
  }
  if (answer.records) fetched.records = answer.records->contiguous();
  followed.leader_high_watermark = fetched.high_watermark;
  if (followed.counts_for != ThrottleKind::kNone) {
    quotas_->Of(followed.counts_for).Record(static_cast<int64_t>(fetched.records.size()), now);
  }
  if (fetched.error != ErrorCode::kNone || fetched.diverging || !fetched.records.empty()) {
    followed.stage = Stage::kHandedOver;
    actions.hand_over.push_back(std::move(fetched));
    return;
  }
  followed.stage = Stage::kReady;
  followed.failures = 0;
  if (fetched.high_watermark <= position.high_watermark &&
      fetched.log_start_offset <= position.log_start_offset) {
    return;
  }
  position.high_watermark = std::max(position.high_watermark, fetched.high_watermark);
  position.log_start_offset = std::max(position.log_start_offset, fetched.log_start_offset);
  actions.tell.push_back(std::move(fetched));
}

ReplicaFetcher::Actions ReplicaFetcher::OnPosition(const FollowerPosition& position, MonoTime now) {
  const auto found = followed_.find(position.partition);
  if (found == followed_.end()) return {};
  Followed& followed = found->second;
  if (followed.stage != Stage::kHandedOver) return {};
  if (followed.position.leader_epoch != position.leader_epoch) return {};
  followed.position = position;
  followed.stage = Stage::kReady;
  followed.failures = 0;
  return Proceed({}, now);
}

ReplicaFetcher::Actions ReplicaFetcher::OnRefused(const TopicPartition& partition,
                                                  LeaderEpoch epoch, MonoTime now) {
  const auto found = followed_.find(partition);
  if (found == followed_.end()) return {};
  Followed& followed = found->second;
  if (followed.stage != Stage::kHandedOver) return {};
  if (followed.position.leader_epoch != epoch) return {};
  Delay(followed, now);
  return Proceed({}, now);
}

ReplicaFetcher::Actions ReplicaFetcher::OnTick(MonoTime now) {
  Actions actions;
  const bool connect_failed = link_ == Link::kConnecting && link_deadline_ <= now;
  const bool silent = !in_flight_.empty() && in_flight_.front().deadline <= now;
  if (connect_failed || silent) {
    actions.disconnect = true;
    LoseConnection(now);
  }
  for (auto& [partition, followed] : followed_) {
    if (followed.stage == Stage::kDelayed && followed.retry_at <= now) {
      followed.stage = Stage::kReady;
    }
  }
  return Proceed(std::move(actions), now);
}

MonoTime ReplicaFetcher::NextTick() const {
  MonoTime next = link_deadline_;
  if (!in_flight_.empty()) next = std::min(next, in_flight_.front().deadline);
  for (const auto& [partition, followed] : followed_) {
    if (followed.stage == Stage::kDelayed) next = std::min(next, followed.retry_at);
  }
  return next;
}

// ---- What follows ---------------------------------------------------------------------

ReplicaFetcher::Actions ReplicaFetcher::Proceed(Actions actions, MonoTime now) {
  if (followed_.empty()) {
    if (link_ == Link::kConnecting || link_ == Link::kOpen) actions.disconnect = true;
    link_ = Link::kIdle;
    link_deadline_ = MonoTime::max();
    connect_failures_ = 0;
    in_flight_.clear();
    return actions;
  }
  switch (link_) {
    case Link::kWaiting:
      if (now < link_deadline_) break;
      [[fallthrough]];
    case Link::kIdle:
      actions.connect = true;
      link_ = Link::kConnecting;
      link_deadline_ = now + kConnectTimeout;
      break;
    case Link::kConnecting:
      break;
    case Link::kOpen:
      SendDue(actions, now);
      break;
  }
  return actions;
}

void ReplicaFetcher::SendDue(Actions& actions, MonoTime now) {
  if (in_flight_.empty()) {
    // Law 3.
    if (!AnyInStage(Stage::kHandedOver)) Ask(actions, false, now);
    return;
  }
  // A long poll is under way. The leader ends it when a second request comes.
  if (in_flight_.size() == 1) Ask(actions, true, now);
}

void ReplicaFetcher::Ask(Actions& actions, bool only_fresh, MonoTime now) {
  wire::FetchRequest request;
  const int32_t correlation_id = last_correlation_id_ + 1;
  ThrottledBytes asked;
  const auto add = [&](FollowedMap::value_type& entry) {
    if (entry.second.stage != Stage::kReady || (only_fresh && !entry.second.fresh)) return;
    const int32_t bytes_max = Admitted(entry.second, asked, now);
    if (bytes_max > 0) AddToRequest(request, entry, correlation_id, bytes_max);
  };
  const auto first = followed_.lower_bound(first_);
  std::for_each(first, followed_.end(), add);
  std::for_each(followed_.begin(), first, add);
  if (request.topics.empty()) return;
  request.max_wait_ms = only_fresh ? 0 : options_.wait_ms_max;
  if (!only_fresh) {
    for (const auto& [partition, followed] : followed_) {
      if (followed.stage != Stage::kDelayed) continue;
      request.max_wait_ms = static_cast<int32_t>(
          std::min<int64_t>(request.max_wait_ms, MsUntil(followed.retry_at, now)));
    }
  }
  request.min_bytes = options_.bytes_min;
  request.max_bytes = options_.response_bytes_max;
  request.session_id = answer_id_;
  request.session_epoch = kFinalSessionEpoch;
  last_correlation_id_ = correlation_id;
  in_flight_.push_back({correlation_id, now + std::chrono::milliseconds(options_.wait_ms_max) +
                                            options_.silence_max});
  actions.correlation_id = correlation_id;
  actions.send = std::move(request);
}

void ReplicaFetcher::AddToRequest(wire::FetchRequest& request, FollowedMap::value_type& entry,
                                  int32_t correlation_id, int32_t bytes_max) const {
  const FollowerPosition& position = entry.second.position;
  const Uuid& topic_id = entry.first.topic_id;
  if (request.topics.empty() || request.topics.back().topic_id != topic_id) {
    request.topics.emplace_back().topic_id = topic_id;
  }
  request.topics.back().partitions.push_back(
      {.partition = entry.first.partition.value(),
       .current_leader_epoch = position.leader_epoch.value(),
       .fetch_offset = position.fetch_offset.value(),
       .last_fetched_epoch = position.last_fetched_epoch.value(),
       .log_start_offset = position.log_start_offset.value(),
       .partition_max_bytes = bytes_max,
       .high_watermark = position.high_watermark.value()});
  entry.second.stage = Stage::kAsked;
  entry.second.correlation_id = correlation_id;
  entry.second.fresh = false;
}

int32_t ReplicaFetcher::Admitted(Followed& followed, ThrottledBytes& asked, MonoTime now) const {
  followed.counts_for = ThrottleKind::kNone;
  const int32_t wanted = options_.partition_bytes_max;
  const FollowerPosition& position = followed.position;
  if (quotas_ == nullptr || position.throttle == ThrottleKind::kNone) return wanted;
  // Whoever has all that is readable is waited for, as soon as it is in the ISR.
  const bool behind = followed.leader_high_watermark < Offset(0) ||
                      position.fetch_offset < followed.leader_high_watermark;
  if (!behind) return wanted;
  followed.counts_for = position.throttle;
  const ReplicationQuota& quota = quotas_->Of(position.throttle);
  const MonoTime ready_at = quota.ReadyAt(now);
  if (ready_at > now) {
    followed.stage = Stage::kDelayed;
    followed.retry_at = ready_at;
    return 0;
  }
  // Those that nothing is left for are asked too: for a batch if the others have none, and to learn
  // whether they are behind at all.
  const int64_t left = std::max<int64_t>(1, quota.BytesAtOnce() - asked.Of(position.throttle));
  const auto bytes_max = static_cast<int32_t>(std::min<int64_t>(wanted, left));
  asked.Of(position.throttle) += bytes_max;
  return bytes_max;
}

void ReplicaFetcher::Delay(Followed& followed, MonoTime now) {
  followed.stage = Stage::kDelayed;
  followed.retry_at = now + Backoff(followed.failures++);
}

void ReplicaFetcher::LoseConnection(MonoTime now) {
  in_flight_.clear();
  for (auto& [partition, followed] : followed_) {
    if (followed.stage == Stage::kAsked) followed.stage = Stage::kReady;
  }
  link_ = Link::kWaiting;
  link_deadline_ = now + Backoff(connect_failures_++);
}

Duration ReplicaFetcher::Backoff(int failures) const {
  return options_.backoff_max / (1 << (kBackoffStepsMax - std::min(failures, kBackoffStepsMax)));
}

size_t ReplicaFetcher::CountOf(Stage stage) const {
  return static_cast<size_t>(
      std::count_if(followed_.begin(), followed_.end(),
                    [&](const auto& entry) { return entry.second.stage == stage; }));
}

std::string ReplicaFetcher::Describe() const {
  std::string text;
  switch (link_) {
    case Link::kIdle:
      text = "idle";
      break;
    case Link::kWaiting:
      text = "waiting";
      break;
    case Link::kConnecting:
      text = "connecting";
      break;
    case Link::kOpen:
      text = "open";
      break;
  }
  return text + " partitions=" + std::to_string(followed_.size()) +
         " asked=" + std::to_string(CountOf(Stage::kAsked)) +
         " handed_over=" + std::to_string(CountOf(Stage::kHandedOver)) +
         " in_flight=" + std::to_string(in_flight_.size());
}

}  // namespace weir::replica
