// Every key of weir-controller: /etc/weir/controller.yaml, `--key value`, WEIR_KEY
// (common/runtime/config.h reads all three). deploy/controller.yaml shows them with comments.
//
//   node.id              int     this controller's id, unique among controllers (required)
//   data.dir             path    metadata log, votes and snapshots (required)
//   listen               address gRPC: admin, brokers and peers (default 127.0.0.1:9090)
//   advertised.address   address how others reach `listen`; default: `listen` with its real port
//   http.listen          address /metrics /livez /readyz /state; empty: none
//   quorum.voters        list    1@host:port,2@host:port: the initial voters, with bootstrap
//   bootstrap            bool    format an empty data.dir as one of the initial voters
//   join                 list    host:port,…: format an empty data.dir as an observer of that
//                                quorum, which becomes a voter by `weir quorum add`
//   cluster.id           uuid    with bootstrap: the cluster's id; default: the quorum makes it up
//   election.timeout.ms  int     400: silence after which a voter stands, up to twice that
//   heartbeat.interval.ms int    200: leader to followers
//   broker.session.timeout.ms   int  3000: a silent broker is fenced after it (D5); no session of a
//                                group's member is shorter (D6)
//   broker.session.grace.ms     int  200: a broker whose session broke is fenced after it (D5)
//   broker.heartbeat.interval.ms int 500
//   metadata.snapshot.log.bytes int  20971520: a snapshot is taken after so much log
//   metadata.snapshot.interval.ms int 3600000
//   auto.leader.rebalance.enable bool true: leadership goes back to preferred replicas by itself
//   leader.imbalance.check.interval.seconds int 5: how often that is looked for
//   default.replication.factor, num.partitions: defaults of new topics
//   group.initial.rebalance.delay.ms int 3000: how long a new group waits for more members
//   group.min.session.timeout.ms, group.max.session.timeout.ms int 6000, 1800000: what members may
//                                ask for
//   group.max.size       int     2147483647: members of a group, at most
//   log.level, log.format (text|json), log.file
//
// Thread rule: start-up only.
#pragma once

#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/runtime/log.h"
#include "controller/quorum/controller_node.h"

namespace weir::service {

struct ControllerConfig {
  quorum::ControllerNodeOptions node;
  std::string listen;
  // Empty: `listen` with its real port.
  std::string advertised_address;
  std::string http_listen;
  LogOptions log;
};

struct LoadedControllerConfig {
  ControllerConfig config;
  // Set by --help, --version and --check-config: print it and exit with success.
  std::optional<std::string> print_and_exit;
};

// Errors: kInvalidConfig with the key and what is wrong with it.
Result<LoadedControllerConfig> LoadControllerConfig(int argc, const char* const* argv);

}  // namespace weir::service
