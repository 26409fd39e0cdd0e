// Requests about a group's offsets at a broker that does not coordinate the group: it asks the
// coordinator in the client's place and hands its answer on. Clients are to look for the
// coordinator (FindCoordinator); kafkajs 2.2.4 goes on with the broker that it once found until a
// heartbeat fails there, which it does not here: any broker answers heartbeats (DESIGN D6).
//
// Laws:
//  1. What a broker asks is never handed on: two whose images differ would ask one another without
//     end.
//  2. A commit that the coordinator did not answer is not done here instead: it may have been done
//     there, and what the client said next may have been done since. NOT_COORDINATOR says so.
//  3. What a client sends on one connection reaches the coordinator in that order (G-10), except a
//     fetch that is tried again: what came after it may have been done by then, and it tells that.
// Thread rule: on the call's shard.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/coordinator/peer_links.h"
#include "broker/handlers/broker_context.h"
#include "broker/handlers/group_offsets.h"

namespace weir::handlers {

struct OtherCoordinator {
  NodeId id;
  replica::PeerAddress address;
};

// The group's coordinator, if it is another broker that can be asked; nullopt also where this
// broker is to answer for itself: it coordinates the group, or nobody does just now, or another
// broker asks (law 1).
std::optional<OtherCoordinator> FindOtherCoordinator(const Call& call, std::string_view group_id);

// Asks it, and answers the call with what it says. `refuse` gets the call and the request back if
// it did not answer within offsets.commit.timeout.ms, or if `is_answer` takes what it says for
// none.
template <wire::Message Response, wire::Message Request>
void AskCoordinator(Call call, const OtherCoordinator& other, Request request,
                    bool (*is_answer)(const Response&), void (*refuse)(Call, Request)) {
  struct Asked {
    Call call;
    Request request;
  };
  coordinator::PeerLinks& links = *call.broker().links.at(call.shard());
  const int16_t version = call.version();
  const MonoTime deadline = OffsetsDeadline(call);
  auto asked = std::make_unique<Asked>(Asked{std::move(call), std::move(request)});
  const Request& sent = asked->request;
  links.Ask(other.id, other.address, version, sent, deadline,
            [asked = std::move(asked), is_answer,
             refuse](const std::optional<SharedBytes>& frame) mutable {
              if (frame) {
                int32_t correlation_id = 0;
                const auto response =
                    wire::DecodeResponse<Response>(*frame, asked->call.version(), &correlation_id);
                if (response && is_answer(*response)) return asked->call.Reply(*response);
              }
              refuse(std::move(asked->call), std::move(asked->request));
            });
}

}  // namespace weir::handlers
