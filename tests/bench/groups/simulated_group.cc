#include "tests/bench/groups/simulated_group.h"

#include <algorithm>

#include "broker/wire/messages/consumer_protocol.h"

namespace weir::bench {
namespace {

constexpr int16_t kJoinVersion = 9;
constexpr int16_t kSyncVersion = 5;
constexpr int16_t kHeartbeatVersion = 4;
constexpr int16_t kLeaveVersion = 5;
constexpr int16_t kSubscriptionVersion = 3;
constexpr char kProtocolType[] = "consumer";
constexpr char kProtocol[] = "range";

// With the version in front, as consumers write what they tell each other.
template <wire::Message M>
std::string Versioned(int16_t version, const M& message) {
  std::string out(2, '\0');
  wire::StoreBigEndian(out.data(), version);
  out += wire::EncodeBody(version, message).Flatten().view();
  return out;
}

// Ranges of partitions in the order of the members.
std::vector<wire::SyncGroupRequest::MemberAssignment> Assign(
    const std::vector<wire::JoinGroupResponse::Member>& members, const GroupSettings& settings) {
  std::vector<wire::SyncGroupRequest::MemberAssignment> assignments;
  const auto count = static_cast<int64_t>(members.size());
  for (int64_t place = 0; place < count; ++place) {
    wire::ConsumerProtocolAssignment assignment;
    auto& topic = assignment.assigned_partitions.emplace_back();
    topic.topic = settings.topic;
    const auto end = static_cast<int32_t>((place + 1) * settings.partitions / count);
    for (auto partition = static_cast<int32_t>(place * settings.partitions / count);
         partition < end; ++partition) {
      topic.partitions.push_back(partition);
    }
    assignments.push_back({members[static_cast<size_t>(place)].member_id,
                           {Versioned(kSubscriptionVersion, assignment)}});
  }
  return assignments;
}

std::vector<int32_t> AssignedPartitions(const std::string& bytes) {
  if (bytes.size() < 2) return {};
  const auto read = wire::Decode<wire::ConsumerProtocolAssignment>(
      SharedBytes::Copy(std::string_view(bytes).substr(2)), kSubscriptionVersion);
  if (!read) Fatal("an assignment that nobody can read: " + read.error().message);
  std::vector<int32_t> partitions;
  for (const auto& topic : read->assigned_partitions) {
    partitions.insert(partitions.end(), topic.partitions.begin(), topic.partitions.end());
  }
  return partitions;
}

}  // namespace

// ---- a member -------------------------------------------------------------------------------

SimulatedMember::SimulatedMember(SimulatedGroup& group, const Endpoint& coordinator, size_t number)
    : group_(group),
      number_(number),
      link_(std::make_unique<BrokerLink>(group.dialer_, coordinator)) {}

SimulatedMember::~SimulatedMember() { group_.shard_.Cancel(timer_); }

void SimulatedMember::After(int64_t delay_ms, std::function<void()> task) {
  group_.shard_.Cancel(timer_);
  timer_ = group_.shard_.PostAt(group_.shard_.Now() + std::chrono::milliseconds(delay_ms),
                                std::move(task));
}

void SimulatedMember::Join() {
  stable_ = false;
  group_.shard_.Cancel(timer_);
  wire::ConsumerProtocolSubscription subscription;
  subscription.topics = {group_.settings_.topic};
  wire::JoinGroupRequest request;
  request.group_id = group_.settings_.group_id;
  request.session_timeout_ms = group_.settings_.session_timeout_ms;
  request.rebalance_timeout_ms = group_.settings_.rebalance_timeout_ms;
  request.member_id = id_;
  request.protocol_type = kProtocolType;
  request.protocols = {{kProtocol, {Versioned(kSubscriptionVersion, subscription)}}};
  link_->Send<wire::JoinGroupResponse>(
      kJoinVersion, request,
      [this](const wire::JoinGroupResponse& response) { OnJoined(response); });
}

void SimulatedMember::OnJoined(const wire::JoinGroupResponse& response) {
  if (response.error_code != ErrorCode::kNone) {
    return OnJoinFailed(response.error_code, response.member_id);
  }
  id_ = response.member_id;
  generation_ = response.generation_id;
  Sync(response);
}

void SimulatedMember::OnJoinFailed(ErrorCode error, const std::string& told_id) {
  if (error == ErrorCode::kMemberIdRequired) {
    id_ = told_id;
    return Join();
  }
  RejoinFor(error);
}

void SimulatedMember::RejoinFor(ErrorCode error) {
  ++group_.counts_.rejoins;
  if (IsForLater(error)) return After(kMemberRetryMs, [this] { Join(); });
  if (error == ErrorCode::kUnknownMemberId) {
    id_.clear();
  } else if (error != ErrorCode::kRebalanceInProgress && error != ErrorCode::kIllegalGeneration) {
    Fatal("a member was turned away: " + std::string(ErrorName(error)));
  }
  Join();
}

void SimulatedMember::Sync(const wire::JoinGroupResponse& joined) {
  wire::SyncGroupRequest request;
  request.group_id = group_.settings_.group_id;
  request.generation_id = generation_;
  request.member_id = id_;
  request.protocol_type = kProtocolType;
  request.protocol_name = kProtocol;
  if (joined.leader == id_) request.assignments = Assign(joined.members, group_.settings_);
  link_->Send<wire::SyncGroupResponse>(
      kSyncVersion, request,
      [this](const wire::SyncGroupResponse& response) { OnSynced(response); });
}

void SimulatedMember::OnSynced(const wire::SyncGroupResponse& response) {
  if (response.error_code != ErrorCode::kNone) return RejoinFor(response.error_code);
  partitions_ = AssignedPartitions(response.assignment.data);
  stable_ = true;
  // Spread over the interval, as consumers of many programs are.
  if (const int64_t interval_ms = group_.settings_.heartbeat_ms; interval_ms > 0) {
    BeatAfter(static_cast<int64_t>(number_ * 7919) % interval_ms + 1);
  }
  group_.OnStable(generation_);
}

void SimulatedMember::BeatAfter(int64_t delay_ms) {
  After(delay_ms, [this] { Beat(); });
}

void SimulatedMember::Beat() {
  wire::HeartbeatRequest request;
  request.group_id = group_.settings_.group_id;
  request.generation_id = generation_;
  request.member_id = id_;
  link_->Send<wire::HeartbeatResponse>(
      kHeartbeatVersion, request,
      [this, sent_us = NowUs()](const wire::HeartbeatResponse& response) {
        group_.counts_.heartbeats.Record(NowUs() - sent_us);
        if (stable_) OnBeat(response.error_code);
      });
}

void SimulatedMember::OnBeat(ErrorCode error) {
  if (error == ErrorCode::kNone || IsForLater(error))
    return BeatAfter(group_.settings_.heartbeat_ms);
  RejoinFor(error);
}

void SimulatedMember::Rest() {
  stable_ = false;
  group_.shard_.Cancel(timer_);
}

// ---- the group ------------------------------------------------------------------------------

void SimulatedGroup::AddMember() {
  members_.push_back(std::make_unique<SimulatedMember>(*this, coordinator_, members_.size()));
}

bool SimulatedGroup::IsConnected() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const auto& member) { return member->open(); });
}

void SimulatedGroup::JoinAll() {
  for (const auto& member : members_) member->Join();
}

void SimulatedGroup::ExpectRebalance() {
  expected_min_ = newest_ + 1;
  settled_ = 0;
  settled_us_ = 0;
}

void SimulatedGroup::Leave(size_t count, std::function<void()> left) {
  ExpectRebalance();
  wire::LeaveGroupRequest request;
  request.group_id = settings_.group_id;
  // Their connections live until they have been heard.
  auto leaving = std::make_shared<std::vector<std::unique_ptr<SimulatedMember>>>();
  for (; leaving->size() < count; members_.pop_back()) {
    members_.back()->Rest();
    request.members.push_back({.member_id = members_.back()->id(),
                               .group_instance_id = std::nullopt,
                               .reason = std::nullopt});
    leaving->push_back(std::move(members_.back()));
  }
  leaving->front()->link().Send<wire::LeaveGroupResponse>(
      kLeaveVersion, request,
      [leaving, left = std::move(left)](const wire::LeaveGroupResponse& response) {
        if (response.error_code != ErrorCode::kNone) {
          Fatal("LeaveGroup: " + std::string(ErrorName(response.error_code)));
        }
        if (left != nullptr) left();
      });
}

void SimulatedGroup::Crash(size_t count) {
  ExpectRebalance();
  members_.resize(members_.size() - count);
}

void SimulatedGroup::OnStable(int32_t generation) {
  if (generation < expected_min_ || generation < newest_) return;
  if (generation > newest_) settled_ = 0;
  newest_ = generation;
  settled_us_ = 0;
  // A member may sync a generation twice: those that have it are counted.
  if (++settled_ < members_.size()) return;
  settled_ = static_cast<size_t>(
      std::count_if(members_.begin(), members_.end(), [generation](const auto& member) {
        return member->generation() == generation && member->stable();
      }));
  if (settled_ < members_.size()) return;
  settled_us_ = NowUs();
  CheckAssignments();
}

void SimulatedGroup::CheckAssignments() const {
  std::vector<int> owners(static_cast<size_t>(settings_.partitions), 0);
  for (const auto& member : members_) {
    for (const int32_t partition : member->partitions()) {
      if (partition < 0 || partition >= settings_.partitions)
        Fatal("a partition that is not there");
      ++owners[static_cast<size_t>(partition)];
    }
  }
  for (size_t partition = 0; partition < owners.size(); ++partition) {
    if (owners[partition] != 1) {
      Fatal("partition " + std::to_string(partition) + " of " + settings_.group_id + " has " +
            std::to_string(owners[partition]) + " owners in generation " + std::to_string(newest_));
    }
  }
}

}  // namespace weir::bench
