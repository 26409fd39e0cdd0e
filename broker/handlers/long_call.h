// LongCall: a call that waits for the controllers, and what withdraws it when its client has gone:
// nobody should be kept waiting at a barrier, or become a member, who is not there any more.
//
//   auto waiting = std::make_shared<LongCall>(std::move(call), connection.peer);
//   rpc::CallHandle handle = gateway.Join(request, [waiting](auto reply) {
//     waiting->End();
//     waiting->call.Reply(ToResponse(reply));
//   });
//   WithdrawWhenGone(waiting, std::move(handle));
//
// Thread rule: the call's shard.
#pragma once

#include <memory>
#include <utility>

#include "broker/handlers/broker_context.h"
#include "common/rpc/controller_client.h"

namespace weir::handlers {

struct LongCall {
  LongCall(Call the_call, const std::shared_ptr<net::PeerWatch>& the_peer)
      : call(std::move(the_call)), peer(the_peer) {}

  // Before the answer.
  void End() {
    ended = true;
    if (const auto watch = peer.lock()) watch->Forget(watch_id);
  }

  Call call;
  // The peer's tasks keep the call, not the other way round.
  std::weak_ptr<net::PeerWatch> peer;
  net::PeerWatch::Id watch_id = 0;
  bool ended = false;
};

inline void WithdrawWhenGone(const std::shared_ptr<LongCall>& waiting, rpc::CallHandle handle) {
  const auto peer = waiting->peer.lock();
  if (waiting->ended || peer == nullptr) return;
  waiting->watch_id = peer->WhenGone([waiting, handle = std::move(handle)] {
    waiting->ended = true;
    handle.Cancel();
    waiting->call.ReplyNothing();
  });
}

}  // namespace weir::handlers
