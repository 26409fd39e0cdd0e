// ClientCalls: see client_calls.h.
#include "tests/sim/cluster/client_calls.h"

#include <utility>

#include "common/metadata/group_partition.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

constexpr Address kClient{Address::Kind::kClient, 1};

Address AddressOf(NodeId broker) { return {Address::Kind::kBroker, broker.value()}; }

}  // namespace

bool ClientCalls::GiveUpIfLate(ClientSlot& slot) {
  if (world_.now_ms() < slot.waits_until_ms) return false;
  End(slot);
  return true;
}

void ClientCalls::End(ClientSlot& slot) {
  slot.asked = 0;
  CloseKept(slot);
  if (slot.connections == nullptr) return;
  slot.connections->over = true;
  for (const ClientConnections::End& end : slot.connections->ends) CloseLater(end);
  slot.connections.reset();
}

ClientConnections::End ClientCalls::ConnectionTo(ClientSlot& slot, SimBroker& broker) {
  const auto opened = [&broker] {
    return ClientConnections::End{broker.id(), broker.life(), std::make_shared<net::PeerWatch>()};
  };
  if (!slot.in_order) return opened();
  if (slot.kept && (slot.kept->broker != broker.id() || slot.kept->life != broker.life())) {
    CloseKept(slot);
  }
  if (!slot.kept) slot.kept = opened();
  return *slot.kept;
}

void ClientCalls::CloseKept(ClientSlot& slot) {
  if (const auto kept = std::exchange(slot.kept, std::nullopt)) CloseLater(*kept);
}

void ClientCalls::CloseLater(const ClientConnections::End& end) {
  world_.After(world_.prng().Between(0, 50), [this, end] {
    SimBroker* broker = world_.FindBroker(end.broker);
    if (broker != nullptr && broker->life() == end.life) broker->PeerGone(end.peer);
  });
}

void ClientCalls::Unreadable(const std::string& why) {
  world_.Fail("an answer cannot be read: " + why);
}

NodeId ClientCalls::OffsetsLeader(const std::string& group_id) {
  const broker::ImagePtr image = world_.AnyImage();
  const auto place =
      image == nullptr ? std::nullopt : metadata::FindGroupPartition(*image, group_id);
  return place && place->leader != kNoNode ? place->leader : world_.AnyBrokerId();
}

void ClientCalls::Send(ClientSlot& slot, NodeId target, int64_t patience_ms, const MakeFrame& make,
                       const Hear& hear) {
  const uint64_t asked = slot.asked = ++last_asked_;
  slot.waits_until_ms = world_.now_ms() + patience_ms;
  auto connections = slot.connections = std::make_shared<ClientConnections>();
  if (!slot.in_order) CloseKept(slot);
  const auto come = [this, &slot, asked, hear](uint64_t number,
                                               const std::optional<SharedBytes>& frame) {
    if (slot.asked != asked) return;
    const auto kept = frame ? std::exchange(slot.kept, std::nullopt) : std::nullopt;
    End(slot);
    slot.kept = kept;
    hear(number, frame);
  };
  const auto arrive = [this, &slot, target, make, come, connections] {
    SimBroker* broker = world_.FindBroker(target);
    if (broker == nullptr) return;
    uint64_t number = 0;
    SharedBytes frame = make(number);
    const ClientConnections::End end = ConnectionTo(slot, *broker);
    broker->Ask(std::move(frame), end.peer,
                [this, come, number, target](const std::optional<SharedBytes>& answer) {
                  world_.network().Datagram(AddressOf(target), kClient,
                                            [come, number, answer] { come(number, answer); });
                });
    if (slot.kept) return;
    connections->ends.push_back(end);
    // The client has given up already.
    if (connections->over) CloseLater(end);
  };
  const auto arrived = slot.in_order ? std::make_shared<bool>(false) : nullptr;
  world_.network().Datagram(kClient, AddressOf(target), [this, arrive, arrived, connections] {
    if (arrived != nullptr) {
      if (std::exchange(*arrived, true)) return;
      const int64_t late_ms = world_.ArrivalsOfCall().back();
      return world_.After(late_ms, [arrive, connections] {
        if (!connections->over) arrive();
      });
    }
    for (const int64_t late_ms : world_.ArrivalsOfCall()) {
      if (late_ms == 0) {
        arrive();
      } else {
        world_.After(late_ms, arrive);
      }
    }
  });
}

}  // namespace weir::sim
