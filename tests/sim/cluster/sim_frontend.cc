// SimFrontend: see sim_frontend.h.
#include "tests/sim/cluster/sim_frontend.h"

#include <utility>

namespace weir::sim {

SimFrontend::SimFrontend(NodeId id) {
  context_.settings.node_id = id;
  context_.settings.version = "sim";
  context_.registry = &registry_;
  context_.metrics = &api_metrics_;
}

void SimFrontend::Open(broker::BrokerCore& core, std::shared_ptr<Executor> metadata,
                       Executor& shard, FrameDialer& dialer, broker::ControllerPort& controllers,
                       broker::GroupPort& groups, uint64_t seed) {
  standing_ = std::make_unique<coordinator::BrokerStanding>(
      [&core] { return core.session().in_touch_until(); }, core.images(), core.partitions());
  gateways_ = std::make_unique<coordinator::GroupGateways>(
      std::move(metadata), std::vector<Executor*>{&shard}, core.images(), groups, *standing_, seed);
  context_.fetchers = &core.fetchers();
  context_.images = &core.images();
  context_.controllers = &controllers;
  context_.producer_ids = &core.producer_ids();
  context_.partitions = &core.partitions();
  context_.groups = gateways_.get();
  links_ = std::make_unique<coordinator::PeerLinks>(context_.settings.node_id, shard, dialer);
  context_.links = {links_.get()};
  context_.shards = {&shard};
}

void SimFrontend::DropAnswers() {
  for (const auto& [id, waiting] : std::exchange(waiting_, {})) waiting.peer->Gone();
}

void SimFrontend::Serve(SharedBytes frame, std::shared_ptr<net::PeerWatch> peer,
                        Answered answered) {
  net::ConnectionInfo connection;
  connection.id = ++last_connection_;
  connection.peer_host = "client";
  connection.peer = std::move(peer);
  waiting_[connection.id] = {std::move(answered), connection.peer};
  dispatcher_.OnRequest(connection, {.frame = std::move(frame),
                                     .received = context_.shards.front()->Now(),
                                     .responder = net::Responder(this, connection.id, 0)});
}

void SimFrontend::Complete(net::ConnectionId id, uint64_t, net::Answer answer) {
  auto waiting = waiting_.extract(id);
  if (waiting.empty()) return;
  const Answered& answered = waiting.mapped().answered;
  if (answer.kind != net::Answer::Kind::kChunks) return answered(std::nullopt);
  answered(WithoutSize({std::move(answer.chunks)}));
}

}  // namespace weir::sim
