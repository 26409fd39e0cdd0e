#include "broker/node/registration.h"

namespace weir::node {
namespace {

std::string HostPortText(const net::ListenerSpec& listener) {
  return listener.host + ":" + std::to_string(listener.port);
}

void AddEndpoint(const net::ListenerSpec& listener, broker::v1::Registration* registration) {
  metadata::v1::Endpoint* endpoint = registration->add_endpoints();
  endpoint->set_name(listener.name);
  endpoint->set_host(handlers::RegisteredHost(listener));
  endpoint->set_port(listener.advertised_port);
  endpoint->set_security_protocol("PLAINTEXT");
}

}  // namespace

std::string BoundAddresses::KafkaText() const {
  std::string text;
  for (const net::ListenerSpec* listener : client_listeners) {
    text += (text.empty() ? "" : ",") + HostPortText(*listener);
  }
  return text;
}

std::string BoundAddresses::InterBrokerText() const { return HostPortText(*inter_broker_listener); }

broker::v1::Registration MakeRegistration(const handlers::BrokerConfig& config,
                                          const BoundAddresses& addresses,
                                          const log::DataDirectories& directories,
                                          const Uuid& incarnation_id, const std::string& version) {
  broker::v1::Registration registration;
  registration.set_broker_id(config.node_id.value());
  registration.set_incarnation_id(incarnation_id.ToBytes());
  for (const Uuid& id : directories.ids) registration.add_directory_ids(id.ToBytes());
  for (const auto& directory : directories.opened) {
    // One that was added to the others has not joined yet.
    const Uuid& cluster = directory->node().identity().cluster_id;
    if (!cluster.IsZero()) registration.set_cluster_id(cluster.ToBytes());
  }
  for (const net::ListenerSpec* listener : addresses.client_listeners) {
    AddEndpoint(*listener, &registration);
  }
  AddEndpoint(*addresses.inter_broker_listener, &registration);
  registration.set_inter_broker_listener(addresses.inter_broker_listener->name);
  registration.set_rack(config.rack);
  registration.set_version(version);
  registration.set_http_address(addresses.http);
  registration.set_previous_broker_epoch(log::ViewOf(directories).previous_broker_epoch().value());
  return registration;
}

}  // namespace weir::node
