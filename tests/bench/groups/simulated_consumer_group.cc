#include "tests/bench/groups/simulated_consumer_group.h"

#include <algorithm>
#include <utility>

namespace weir::bench {
namespace {

using wire::ConsumerGroupDescribeRequest;
using wire::ConsumerGroupDescribeResponse;
using wire::ConsumerGroupHeartbeatRequest;
using wire::ConsumerGroupHeartbeatResponse;

constexpr int16_t kHeartbeatVersion = 1;
constexpr int16_t kDescribeVersion = 1;
constexpr int32_t kLeaveEpoch = -1;

}  // namespace

// ---- a member -------------------------------------------------------------------------------

SimulatedConsumer::SimulatedConsumer(SimulatedConsumerGroup& group, const Endpoint& coordinator,
                                     std::string id)
    : group_(group),
      id_(std::move(id)),
      link_(std::make_unique<BrokerLink>(group.dialer_, coordinator)) {}

SimulatedConsumer::~SimulatedConsumer() { group_.shard_.Cancel(timer_); }

void SimulatedConsumer::BeatAfter(int64_t delay_ms) {
  timer_ = group_.shard_.PostAt(group_.shard_.Now() + std::chrono::milliseconds(delay_ms),
                                [this] { Beat(); });
}

void SimulatedConsumer::Join() {
  epoch_ = 0;
  owned_.clear();
  owned_changed_ = false;
  Beat();
}

// What has not changed is left out, as consumers do.
ConsumerGroupHeartbeatRequest SimulatedConsumer::Request() const {
  ConsumerGroupHeartbeatRequest request;
  request.group_id = group_.settings_.group_id;
  request.member_id = id_;
  request.member_epoch = epoch_;
  if (epoch_ == 0) {
    request.rebalance_timeout_ms = group_.settings_.rebalance_timeout_ms;
    request.subscribed_topic_names = {{group_.settings_.topic}};
    request.topic_partitions.emplace();
  } else if (owned_changed_) {
    request.topic_partitions.emplace();
    if (!owned_.empty()) request.topic_partitions->push_back({topic_id_, owned_});
  }
  return request;
}

void SimulatedConsumer::Beat() {
  link_->Send<ConsumerGroupHeartbeatResponse>(
      kHeartbeatVersion, Request(),
      [this, told_owned = owned_changed_,
       sent_us = NowUs()](const ConsumerGroupHeartbeatResponse& response) {
        group_.counts_.heartbeats.Record(NowUs() - sent_us);
        if (!left_) OnAnswer(response, told_owned);
      });
}

void SimulatedConsumer::OnAnswer(const ConsumerGroupHeartbeatResponse& response, bool told_owned) {
  if (response.error_code != ErrorCode::kNone) return OnFailed(response.error_code);
  if (told_owned) owned_changed_ = false;
  const bool is_new = response.member_epoch != epoch_ || response.assignment.has_value();
  epoch_ = response.member_epoch;
  if (response.assignment) Own(*response.assignment);
  if (owned_changed_) {
    Beat();
  } else {
    BeatAfter(response.heartbeat_interval_ms);
  }
  if (is_new) group_.OnChange(epoch_);
}

void SimulatedConsumer::OnFailed(ErrorCode error) {
  ++group_.counts_.rejoins;
  if (IsForLater(error)) return BeatAfter(kMemberRetryMs);
  if (error != ErrorCode::kUnknownMemberId && error != ErrorCode::kFencedMemberEpoch) {
    Fatal("a member was turned away: " + std::string(ErrorName(error)));
  }
  Join();
}

void SimulatedConsumer::Own(const ConsumerGroupHeartbeatResponse::Assignment& assignment) {
  std::vector<int32_t> partitions;
  for (const auto& topic : assignment.topic_partitions) {
    if (topic_id_.IsZero()) topic_id_ = topic.topic_id;
    if (topic.topic_id != topic_id_) Fatal("a topic that nobody has subscribed to");
    partitions.insert(partitions.end(), topic.partitions.begin(), topic.partitions.end());
  }
  std::sort(partitions.begin(), partitions.end());
  if (partitions == owned_) return;
  owned_ = std::move(partitions);
  owned_changed_ = true;
}

void SimulatedConsumer::Leave(std::function<void()> heard) {
  left_ = true;
  group_.shard_.Cancel(timer_);
  epoch_ = kLeaveEpoch;
  owned_changed_ = false;
  link_->Send<ConsumerGroupHeartbeatResponse>(
      kHeartbeatVersion, Request(),
      [heard = std::move(heard)](const ConsumerGroupHeartbeatResponse& response) {
        if (response.error_code != ErrorCode::kNone) {
          Fatal("a farewell: " + std::string(ErrorName(response.error_code)));
        }
        heard();
      });
}

// ---- the group ------------------------------------------------------------------------------

SimulatedConsumerGroup::~SimulatedConsumerGroup() { shard_.Cancel(timer_); }

void SimulatedConsumerGroup::AddMember() {
  members_.push_back(
      std::make_unique<SimulatedConsumer>(*this, coordinator_, Uuid::Random(prng_).ToString()));
}

bool SimulatedConsumerGroup::IsConnected() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const auto& member) { return member->open(); });
}

void SimulatedConsumerGroup::JoinAll() {
  for (const auto& member : members_) member->Join();
}

void SimulatedConsumerGroup::ExpectRebalance() {
  expected_min_ = newest_ + 1;
  settled_us_ = 0;
}

void SimulatedConsumerGroup::Leave(size_t count, std::function<void()> left) {
  ExpectRebalance();
  // Their connections live until all have been heard.
  auto leaving = std::make_shared<std::vector<std::unique_ptr<SimulatedConsumer>>>();
  for (; leaving->size() < count; members_.pop_back()) {
    leaving->push_back(std::move(members_.back()));
  }
  auto unheard = std::make_shared<size_t>(count);
  for (const auto& member : *leaving) {
    member->Leave([leaving, unheard, left] {
      if (--*unheard == 0 && left != nullptr) left();
    });
  }
}

void SimulatedConsumerGroup::Crash(size_t count) {
  ExpectRebalance();
  members_.resize(members_.size() - count);
}

void SimulatedConsumerGroup::OnChange(int32_t epoch) {
  if (epoch > newest_) {
    newest_ = epoch;
    settled_us_ = 0;
  }
  if (newest_ < expected_min_ || IsSettled() || asking_ || !OwnAllInNewest()) return;
  CheckOwners();
  AskForEpoch();
}

// Where there is a partition for each, who owns none has come after the target assignment was made:
// the group is beyond that epoch, and asking it would only load the controllers that are measured.
bool SimulatedConsumerGroup::OwnAllInNewest() const {
  const bool one_for_each = std::cmp_less_equal(members_.size(), settings_.partitions);
  size_t owned = 0;
  for (const auto& member : members_) {
    if (member->epoch() != newest_ || (one_for_each && member->owned().empty())) return false;
    owned += member->owned().size();
  }
  return std::cmp_greater_equal(owned, settings_.partitions);
}

void SimulatedConsumerGroup::CheckOwners() const {
  std::vector<int> owners(static_cast<size_t>(settings_.partitions), 0);
  for (const auto& member : members_) {
    for (const int32_t partition : member->owned()) {
      if (partition < 0 || partition >= settings_.partitions) {
        Fatal("a partition that is not there");
      }
      if (++owners[static_cast<size_t>(partition)] > 1) {
        Fatal("partition " + std::to_string(partition) + " of " + settings_.group_id +
              " has two owners in epoch " + std::to_string(newest_));
      }
    }
  }
}

void SimulatedConsumerGroup::AskForEpoch() {
  asking_ = true;
  ConsumerGroupDescribeRequest request;
  request.group_ids = {settings_.group_id};
  members_.front()->link().Send<ConsumerGroupDescribeResponse>(
      kDescribeVersion, request,
      [this, epoch = newest_, held_us = NowUs()](const ConsumerGroupDescribeResponse& response) {
        OnDescribed(response.groups.at(0), epoch, held_us);
      });
}

void SimulatedConsumerGroup::OnDescribed(const ConsumerGroupDescribeResponse::Group& told,
                                         int32_t epoch, int64_t held_us) {
  if (told.error_code != ErrorCode::kNone && !IsForLater(told.error_code)) {
    Fatal("ConsumerGroupDescribe: " + std::string(ErrorName(told.error_code)));
  }
  asking_ = false;
  if (told.error_code == ErrorCode::kNone && told.group_epoch == epoch) {
    // The group's epoch never falls: it was this one when the members were all in it.
    settled_us_ = held_us;
  } else if (told.group_epoch < epoch) {
    // Nobody to ask, or somebody who had not heard of it yet.
    asking_ = true;
    timer_ = shard_.PostAt(shard_.Now() + std::chrono::milliseconds(kMemberRetryMs), [this] {
      asking_ = false;
      OnChange(newest_);
    });
  }
}

}  // namespace weir::bench
