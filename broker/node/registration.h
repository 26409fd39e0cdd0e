// MakeRegistration: what a broker says of itself when it joins the cluster.
// Thread rule: pure function.
#pragma once

#include <string>
#include <vector>

#include "broker/handlers/broker_config.h"
#include "broker/log/data_directory.h"
#include "broker/net/net_options.h"
#include "proto/broker.pb.h"

namespace weir::node {

// Where the broker was bound.
struct BoundAddresses {
  std::vector<const net::ListenerSpec*> client_listeners;
  const net::ListenerSpec* inter_broker_listener = nullptr;
  // host:port; empty: no pages.
  std::string http;

  // "host:port[,host:port...]" of the client listeners.
  std::string KafkaText() const;
  std::string InterBrokerText() const;
};

// `incarnation_id`: of this process.
broker::v1::Registration MakeRegistration(const handlers::BrokerConfig& config,
                                          const BoundAddresses& addresses,
                                          const log::DataDirectories& directories,
                                          const Uuid& incarnation_id, const std::string& version);

}  // namespace weir::node
