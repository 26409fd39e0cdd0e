#include "controller/quorum/transport.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"
#include "common/rpc/unary_call.h"
#include "common/runtime/log.h"
#include "controller/quorum/conversions.h"

namespace weir::quorum {
namespace {

constexpr Duration kPauseMin = std::chrono::milliseconds(20);
constexpr Duration kPauseMax = std::chrono::milliseconds(200);
// Long enough for a removed member to get the news of its removal.
constexpr Duration kIdleMax = std::chrono::seconds(30);
constexpr size_t kLearntAddressesMax = 64;

}  // namespace

Transport::Transport(std::shared_ptr<Executor> loop, raft::VoterKey self, std::string own_address)
    : loop_(std::move(loop)), self_(self), own_address_(std::move(own_address)) {}

Transport::~Transport() {
  for (auto& [key, lane] : lanes_) {
    if (lane.stream != nullptr) lane.stream->Cancel();
  }
}

void Transport::SetMembers(const raft::Configuration& configuration) {
  member_addresses_.clear();
  for (const raft::Member& member : configuration.members) {
    if (member.key() != self_) member_addresses_[member.key()] = member.address;
  }
  CloseIdle();
}

void Transport::LearnAddress(const raft::VoterKey& peer, const std::string& address) {
  if (address.empty() || peer == self_) return;
  if (learnt_addresses_.size() >= kLearntAddressesMax) learnt_addresses_.clear();
  learnt_addresses_[peer] = address;
}

void Transport::Send(const raft::Message& message) {
  const raft::VoterKey& to = raft::HeaderOf(message).to;
  const auto member = member_addresses_.find(to);
  const auto learnt = learnt_addresses_.find(to);
  if (member == member_addresses_.end() && learnt == learnt_addresses_.end()) {
    ++dropped_;
    return;
  }
  const std::string& address = member != member_addresses_.end() ? member->second : learnt->second;
  const LaneKey key{to, std::holds_alternative<raft::SnapshotRequest>(message)};
  Lane& lane = lanes_[key];
  lane.last_used = loop_->Now();
  if (lane.stream == nullptr) {
    if (loop_->Now() < lane.retry_at) {
      ++dropped_;
      return;
    }
    Dial(key, lane, address);
  }
  dropped_ += lane.stream->Send(rpc::ToByteBuffer(ToProto(message)));
}

void Transport::Dial(const LaneKey& key, Lane& lane, const std::string& address) {
  const char* path = key.snapshots ? "/weir.raft.v1.RaftService/DeliverSnapshot"
                                   : "/weir.raft.v1.RaftService/Deliver";
  lane.generation = next_generation_++;
  rpc::ByteStreamEvents events;
  events.on_end = [this, key, generation = lane.generation, loop = loop_,
                   alive = std::weak_ptr<bool>(alive_)](const grpc::Status& status) {
    if (alive.expired()) return;
    loop->Post([this, key, generation, status, alive] {
      if (!alive.expired()) OnEnd(key, generation, status);
    });
  };
  rpc::ByteStreamLimits limits;
  limits.queue_bytes_max = limits::kUncommittedBytesMax;
  const auto channel =
      rpc::ChannelTo(address, key.snapshots ? rpc::ChannelUse::kSnapshots : rpc::ChannelUse::kRaft);
  rpc::DialAtOnce(channel);
  lane.stream = rpc::ByteStream::Open(channel, path, limits, std::move(events),
                                      {{kFromAddressHeader, own_address_}});
}

void Transport::OnEnd(const LaneKey& key, uint64_t generation, const grpc::Status& status) {
  const auto found = lanes_.find(key);
  if (found == lanes_.end() || found->second.generation != generation) return;
  Lane& lane = found->second;
  // A stream that lived is worth a quick second try; one that never did waits longer each time.
  const bool lived = loop_->Now() - lane.retry_at > kPauseMax * 5;
  lane.pause = lived ? kPauseMin : std::min(kPauseMax, std::max(kPauseMin, lane.pause * 2));
  if (lived) lane.failure_logged = false;
  lane.retry_at = loop_->Now() + lane.pause;
  lane.stream = nullptr;
  if (std::exchange(lane.failure_logged, true)) return;
  const std::string reason =
      status.ok() ? "closed by the peer" : rpc::FromGrpcStatus(status).error.message;
  LogInfo("quorum", "connection to a controller ended",
          {{"controller_id", key.peer.id}, {"reason", reason}});
}

void Transport::CloseIdle() {
  for (auto it = lanes_.begin(); it != lanes_.end();) {
    const bool member = member_addresses_.contains(it->first.peer);
    const bool idle = loop_->Now() - it->second.last_used > kIdleMax;
    if (!member && idle) {
      if (it->second.stream != nullptr) it->second.stream->Cancel();
      it = lanes_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace weir::quorum
