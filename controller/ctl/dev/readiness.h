// When a development cluster works: the question behind the READY line.
//
// Laws:
//  1. Ready means: every controller answers DescribeCluster with all brokers unfenced, and every
//     broker answers a Kafka Metadata request that names all brokers.
//  2. What has once been seen ready is not asked again.
//  3. A round lasts 0.1 s at most per node that hangs, so that the caller's loop stays responsive.
// Thread rule: main thread, blocking as said.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/rpc/controller_client.h"
#include "controller/ctl/dev/node_plan.h"

namespace weir::ctl::dev {

// How many brokers the broker at `address` (host:port) knows, by a Kafka Metadata request for no
// topic. Errors: kNetworkException when it cannot be reached or answers something else.
Result<int> CountBrokersByKafka(const std::string& address);

class ReadinessProbe {
 public:
  explicit ReadinessProbe(const DevPlan& plan);

  // One round of questions; true when everything is ready.
  bool Check();
  // What the last round still waited for, e.g. "broker-2: connection refused".
  const std::string& waiting_for() const { return waiting_for_; }

 private:
  struct Target {
    NodePlan node;
    bool ready = false;
    std::unique_ptr<rpc::ControllerClient> client;  // controllers that listen
  };

  Status CheckController(Target& target) const;
  Status CheckBroker(const Target& target) const;

  std::vector<Target> targets_;
  int brokers_;
  std::string waiting_for_;
};

}  // namespace weir::ctl::dev
