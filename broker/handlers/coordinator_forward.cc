#include "broker/handlers/coordinator_forward.h"

#include "broker/handlers/offsets_topic.h"
#include "broker/metadata/reconciler.h"
#include "broker/wire/peer_client_id.h"

namespace weir::handlers {

std::optional<OtherCoordinator> FindOtherCoordinator(const Call& call, std::string_view group_id) {
  const BrokerContext& broker = call.broker();
  if (broker.links.empty() || wire::IsPeerClientId(call.client_id())) return std::nullopt;
  const NodeId leader = CoordinatorOf(call.image(), group_id);
  if (leader == kNoNode || leader == broker.settings.node_id) return std::nullopt;
  if (!call.IsUp(leader)) return std::nullopt;
  auto address = broker::InterBrokerAddress(*call.image().FindBroker(leader));
  if (!address) return std::nullopt;
  return OtherCoordinator{leader, *std::move(address)};
}

}  // namespace weir::handlers
