// Transport: Raft messages to the other controllers, one gRPC stream per peer, and a second
// connection per peer for snapshots, so that they never delay a heartbeat.
//
// Delivery is best effort: what cannot be sent now is dropped (Raft repeats it). A broken stream is
// dialled again by the next message after a pause of 20 to 200 ms; names are resolved anew after a
// failed dial.
//
// Laws:
//  1. Queues are bounded; the oldest message goes first.
//  2. A message leaves only for the (id, directory id) it is addressed to; who receives it checks
//
// Thread rule: loop thread only; events of streams are posted to it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/executor.h"
#include "common/rpc/byte_stream.h"
#include "controller/raft/messages.h"
#include "controller/raft/types.h"

namespace weir::quorum {

// Call header with which a sender tells where it can be answered.
inline constexpr const char* kFromAddressHeader = "weir-from-address";

class Transport {
 public:
  // `own_address`: where peers reach this controller. `loop` must outlive the transport and be
  // stopped first.
  Transport(std::shared_ptr<Executor> loop, raft::VoterKey self, std::string own_address);
  ~Transport();

  // The members to talk to. Lanes to others stay open until idle for a while.
  void SetMembers(const raft::Configuration& configuration);
  // A peer that has just sent something from there; kept for peers that no configuration names yet.
  void LearnAddress(const raft::VoterKey& peer, const std::string& address);
  void Send(const raft::Message& message);

  // Messages that found no address or no stream, or that were pushed out of a full queue.
  uint64_t dropped() const { return dropped_; }

 private:
  // One stream to one peer.
  struct Lane {
    std::shared_ptr<rpc::ByteStream> stream;
    uint64_t generation = 0;
    MonoTime retry_at;
    Duration pause{0};
    MonoTime last_used;
    bool failure_logged = false;
  };
  struct LaneKey {
    raft::VoterKey peer;
    bool snapshots = false;
    auto operator<=>(const LaneKey&) const = default;
  };

  void Dial(const LaneKey& key, Lane& lane, const std::string& address);
  void OnEnd(const LaneKey& key, uint64_t generation, const grpc::Status& status);
  void CloseIdle();

  // Shared with events of streams that end late.
  const std::shared_ptr<Executor> loop_;
  const raft::VoterKey self_;
  const std::string own_address_;
  std::map<raft::VoterKey, std::string> member_addresses_;
  std::map<raft::VoterKey, std::string> learnt_addresses_;
  std::map<LaneKey, Lane> lanes_;
  uint64_t next_generation_ = 1;
  uint64_t dropped_ = 0;
  // Callbacks of streams that outlive us find it expired.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace weir::quorum
