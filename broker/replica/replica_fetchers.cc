#include "broker/replica/replica_fetchers.h"

#include <utility>

#include "broker/wire/codec.h"
#include "broker/wire/peer_client_id.h"
#include "common/base/check.h"
#include "common/runtime/log.h"

namespace weir::replica {
namespace {

// With topic ids, the replica's epoch and the high watermark it knows; brokers of one cluster speak
// it all.
constexpr int16_t kFetchVersion = 18;

}  // namespace

// One fetch loop: a ReplicaFetcher with its connection and its timer. Lives on its lane's shard.
class ReplicaFetchers::Loop {
 public:
  Loop(ReplicaFetchers& owner, LaneState& lane, NodeId leader)
      : owner_(owner), lane_(lane), leader_(leader), fetcher_(owner.options_, owner.quotas_) {}
  ~Loop() {
    if (timer_at_ != MonoTime::max()) lane_.lane.executor->Cancel(timer_);
  }

  void Follow(const FollowerPosition& position) { Obey(fetcher_.OnFollow(position, Now())); }
  void Unfollow(const TopicPartition& partition) { Obey(fetcher_.OnUnfollow(partition, Now())); }
  size_t partition_count() const { return fetcher_.partition_count(); }

  void OnAddressChanged() {
    if (connection_ == nullptr) return;
    Disconnect();
    Obey(fetcher_.OnDisconnected(Now()));
  }

 private:
  MonoTime Now() const { return lane_.lane.executor->Now(); }
  // How others find this loop again: it may be gone by the time they answer.
  static Loop* Find(LaneState& lane, NodeId leader) {
    const auto found = lane.loops.find(leader);
    return found == lane.loops.end() ? nullptr : found->second.get();
  }

  void Obey(ReplicaFetcher::Actions actions) {
    if (actions.disconnect) Disconnect();
    if (actions.connect) Connect();
    if (actions.send) Send(*actions.send, actions.correlation_id);
    ArmTimer();
    if (!actions.tell.empty()) Tell(std::move(actions.tell));
    // Last: what comes back at once is the next event.
    if (!actions.hand_over.empty()) HandOver(std::move(actions.hand_over));
  }

  void Disconnect() {
    connection_ = nullptr;
    is_open_ = false;
  }

  void Connect() {
    const auto address = lane_.addresses.find(leader_);
    if (address == lane_.addresses.end()) {
      // Never inside the call: the fetcher expects an answer, not a recursion.
      lane_.lane.executor->Post([&lane = lane_, leader = leader_] {
        Loop* loop = Find(lane, leader);
        if (loop != nullptr && loop->connection_ == nullptr) loop->OnClosed("no address is known");
      });
      return;
    }
    FrameEvents events;
    events.on_open = [this] {
      failures_logged_ = false;
      is_open_ = true;
      owner_.SetLost(lane_, leader_, false);
      Obey(fetcher_.OnConnected(Now()));
    };
    events.on_frame = [this](SharedBytes frame) { OnFrame(frame); };
    events.on_close = [this](const std::string& reason) { OnClosed(reason); };
    connection_ =
        lane_.lane.dialer->Dial(address->second.host, address->second.port, std::move(events));
  }

  void OnClosed(const std::string& reason) {
    connection_ = nullptr;
    if (std::exchange(is_open_, false)) owner_.SetLost(lane_, leader_, true);
    // Once per outage: the retries that follow fail for the same reason.
    if (!std::exchange(failures_logged_, true)) {
      LogInfo("replica", "leader not reachable", {{"leader", leader_}, {"reason", reason}});
    }
    Obey(fetcher_.OnDisconnected(Now()));
  }

  void OnFrame(const SharedBytes& frame) {
    int32_t correlation_id = 0;
    Result<wire::FetchResponse> response =
        wire::DecodeResponse<wire::FetchResponse>(frame, kFetchVersion, &correlation_id);
    if (!response) {
      LogWarn("replica", "leader not understood",
              {{"leader", leader_}, {"reason", response.error().message}});
      Disconnect();  // by us: it is not lost
      return OnClosed(response.error().message);
    }
    Obey(fetcher_.OnResponse(correlation_id, *std::move(response), Now()));
  }

  void Send(wire::FetchRequest& request, int32_t correlation_id) {
    request.replica_state = {.replica_id = owner_.node_id_.value(),
                             .replica_epoch = owner_.broker_epoch_().value()};
    wire::Frame frame = wire::EncodeRequest(kFetchVersion, correlation_id,
                                            wire::PeerClientId(owner_.node_id_), request);
    connection_->Send(std::move(frame.parts));
  }

  void HandOver(std::vector<FollowerFetch> fetched) {
    std::vector<std::pair<TopicPartition, LeaderEpoch>> names;
    names.reserve(fetched.size());
    for (const FollowerFetch& each : fetched) names.emplace_back(each.partition, each.leader_epoch);
    owner_.replicas_.TakeFetched(
        lane_.index, std::move(fetched),
        [&lane = lane_, leader = leader_, names = std::move(names)](std::vector<TakenFetch> taken) {
          WEIR_CHECK(taken.size() == names.size());
          for (size_t i = 0; i < taken.size(); ++i) {
            Loop* loop = Find(lane, leader);
            if (loop == nullptr) return;
            loop->OnTaken(names[i].first, names[i].second, taken[i]);
          }
        });
  }

  void OnTaken(const TopicPartition& partition, LeaderEpoch epoch, const TakenFetch& taken) {
    Obey(taken.error == ErrorCode::kNone ? fetcher_.OnPosition(taken.position, Now())
                                         : fetcher_.OnRefused(partition, epoch, Now()));
  }

  void Tell(std::vector<FollowerFetch> news) {
    owner_.replicas_.TakeFetched(lane_.index, std::move(news), [](const auto&) {});
  }

  void ArmTimer() {
    const MonoTime next = fetcher_.NextTick();
    if (next == timer_at_) return;
    Executor& executor = *lane_.lane.executor;
    if (timer_at_ != MonoTime::max()) executor.Cancel(timer_);
    timer_at_ = next;
    if (next == MonoTime::max()) return;
    timer_ = executor.PostAt(next, [this] {
      timer_at_ = MonoTime::max();
      Obey(fetcher_.OnTick(Now()));
    });
  }

  ReplicaFetchers& owner_;
  LaneState& lane_;
  const NodeId leader_;
  ReplicaFetcher fetcher_;
  std::unique_ptr<FrameConnection> connection_;
  bool is_open_ = false;
  bool failures_logged_ = false;
  MonoTime timer_at_ = MonoTime::max();
  Executor::TimerId timer_ = 0;
};

ReplicaFetchers::ReplicaFetchers(NodeId node_id, std::vector<Lane> lanes,
                                 FollowedReplicas& replicas, FetcherOptions options,
                                 std::function<BrokerEpoch()> broker_epoch, ThrottleQuotas* quotas)
    : node_id_(node_id),
      replicas_(replicas),
      options_(options),
      broker_epoch_(std::move(broker_epoch)),
      quotas_(quotas) {
  WEIR_CHECK(!lanes.empty());
  for (size_t i = 0; i < lanes.size(); ++i) {
    lanes_.push_back(std::make_unique<LaneState>(LaneState{.lane = lanes[i], .index = i}));
  }
}

ReplicaFetchers::~ReplicaFetchers() = default;

bool ReplicaFetchers::IsLost(size_t lane, NodeId leader) const {
  const LaneState& state = *lanes_[lane];
  const auto found = state.lost_until.find(leader);
  return found != state.lost_until.end() && state.lane.executor->Now() < found->second;
}

void ReplicaFetchers::WhenCurrent(size_t lane, Task then) const {
  struct Waiting {
    size_t lanes;
    Task then;
  };
  Executor* const home = lanes_[lane]->lane.executor;
  const auto waiting = std::make_shared<Waiting>(Waiting{lanes_.size(), std::move(then)});
  for (const auto& each : lanes_) {
    Executor* const executor = each->lane.executor;
    // A loop that waits for its sockets runs the first task before what they had for it, and the
    // second after that.
    executor->Post([=] {
      executor->Post([=] {
        home->Post([waiting] {
          if (--waiting->lanes == 0) waiting->then();
        });
      });
    });
  }
}

void ReplicaFetchers::SetLost(LaneState& here, NodeId leader, bool lost) {
  const MonoTime until = here.lane.executor->Now() + kLostMax;
  const auto set = [leader, lost, until](LaneState& lane) {
    if (lost) {
      lane.lost_until[leader] = until;
    } else {
      lane.lost_until.erase(leader);
    }
  };
  if (!lost && !here.lost_until.contains(leader)) return;
  set(here);
  for (auto& lane : lanes_) {
    if (lane.get() != &here) lane->lane.executor->Post([set, &lane = *lane] { set(lane); });
  }
}

size_t ReplicaFetchers::LaneOf(NodeId leader) const {
  return static_cast<size_t>(leader.value()) % lanes_.size();
}

void ReplicaFetchers::Follow(NodeId leader, std::vector<FollowerPosition> positions) {
  if (positions.empty()) return;
  const auto shared = std::make_shared<const std::vector<FollowerPosition>>(std::move(positions));
  for (auto& lane : lanes_) {
    const bool here = lane->index == LaneOf(leader);
    lane->lane.executor->Post([this, &lane = *lane, leader, here, shared] {
      if (here) return FollowOn(lane, leader, *shared);
      for (const FollowerPosition& position : *shared) UnfollowOn(lane, position.partition);
    });
  }
}

void ReplicaFetchers::Unfollow(std::vector<TopicPartition> partitions) {
  if (partitions.empty()) return;
  const auto shared = std::make_shared<const std::vector<TopicPartition>>(std::move(partitions));
  for (auto& lane : lanes_) {
    lane->lane.executor->Post([this, &lane = *lane, shared] {
      for (const TopicPartition& partition : *shared) UnfollowOn(lane, partition);
    });
  }
}

void ReplicaFetchers::FollowOn(LaneState& lane, NodeId leader,
                               const std::vector<FollowerPosition>& positions) {
  for (const FollowerPosition& position : positions) {
    const auto before = lane.leaders.find(position.partition);
    if (before != lane.leaders.end() && before->second != leader) {
      UnfollowOn(lane, position.partition);
    }
    lane.leaders[position.partition] = leader;
    std::unique_ptr<Loop>& loop = lane.loops[leader];
    if (loop == nullptr) loop = std::make_unique<Loop>(*this, lane, leader);
    loop->Follow(position);
  }
}

void ReplicaFetchers::UnfollowOn(LaneState& lane, const TopicPartition& partition) {
  const auto found = lane.leaders.find(partition);
  if (found == lane.leaders.end()) return;
  const auto loop = lane.loops.find(found->second);
  lane.leaders.erase(found);
  loop->second->Unfollow(partition);
  if (loop->second->partition_count() == 0) lane.loops.erase(loop);
}

void ReplicaFetchers::OnBrokers(PeerAddresses addresses) {
  const auto shared = std::make_shared<const PeerAddresses>(std::move(addresses));
  for (auto& lane : lanes_) {
    lane->lane.executor->Post([&lane = *lane, shared] {
      const PeerAddresses before = std::exchange(lane.addresses, *shared);
      for (auto& [leader, loop] : lane.loops) {
        const auto old_address = before.find(leader);
        const auto new_address = lane.addresses.find(leader);
        const bool known = old_address != before.end() && new_address != lane.addresses.end();
        if (known && !(old_address->second == new_address->second)) loop->OnAddressChanged();
      }
    });
  }
}

}  // namespace weir::replica
