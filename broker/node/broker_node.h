// BrokerNode: a whole broker: puts the rooms of broker/ together, starts them in order and stops
// them in the reverse.
//
// Start:  data directories and their stores -> bind -> register and follow the metadata -> (the
//         image shows this broker live) accept clients, ready.
// Stop:   hand leaderships over -> close clients -> write out partitions -> mark the directories
//         clean.
// Laws:
//  1. Clients are accepted only when the broker can serve them; until then they wait in the
//     sockets' backlog.
// Thread rule: main thread; callbacks say where they run.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/coordinator/empty_groups.h"
#include "broker/coordinator/group_gateways.h"
#include "broker/coordinator/group_lags.h"
#include "broker/coordinator/peer_links.h"
#include "broker/handlers/broker_config.h"
#include "broker/handlers/dispatcher.h"
#include "broker/handlers/registry.h"
#include "broker/metadata/broker_core.h"
#include "broker/metadata/controller_gateway.h"
#include "broker/net/outgoing_connection.h"
#include "broker/net/server.h"
#include "broker/net/shard.h"
#include "broker/node/registration.h"
#include "broker/node/storage.h"
#include "common/runtime/http_pages.h"
#include "common/runtime/metrics.h"
#include "common/runtime/thread_executor.h"

namespace weir::node {

class BrokerNode {
 public:
  // `version`: of this program.
  BrokerNode(handlers::BrokerConfig config, std::string version);
  ~BrokerNode() { StopThreads(); }
  BrokerNode(const BrokerNode&) = delete;
  BrokerNode& operator=(const BrokerNode&) = delete;

  // Errors: those of the directories, or an address that is taken. Prints one line, "READY
  // kafka=... http=...", when the broker serves clients.
  Status Start();
  // REQUIRES: Start. Blocks until everything is written out.
  void StopCleanly();

 private:
  void ConnectParts();
  Status BindListeners();
  Status StartPages();
  void Join();
  void FillContext();
  // Metadata thread, these four.
  Status OnJoined(const Uuid& cluster_id);
  void LearnControllers();
  void OnApplied(LogIndex offset);
  void BecomeReady();
  std::string NotReadyReason() const;
  void StopThreads();

  const handlers::BrokerConfig config_;
  const std::string version_;
  net::ShardSet shards_;
  std::shared_ptr<runtime::ThreadExecutor> metadata_thread_;
  Storage storage_;

  std::unique_ptr<rpc::ControllerClient> client_;
  std::unique_ptr<broker::ControllerGateway> controllers_;
  // One per shard.
  std::vector<std::unique_ptr<net::TcpDialer>> dialers_;
  // Outlives whatever may hold a request to the end: one that is dropped is given up there.
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<broker::BrokerCore> core_;
  std::unique_ptr<coordinator::BrokerStanding> standing_;
  std::unique_ptr<coordinator::GroupGateways> groups_;
  // One per shard.
  std::vector<std::unique_ptr<coordinator::PeerLinks>> links_;
  std::unique_ptr<coordinator::GroupLags> lags_;
  std::unique_ptr<coordinator::EmptyGroups> empty_groups_;

  handlers::BrokerContext context_;
  const handlers::Registry registry_ = handlers::MakeRegistry();
  handlers::ApiMetrics metrics_{runtime::Metrics::Global(), registry_};
  handlers::Dispatcher dispatcher_{context_, registry_};
  std::unique_ptr<runtime::HttpPages> pages_;
  BoundAddresses addresses_;
  std::atomic<bool> ready_ = false;
  std::atomic<int64_t> applied_offset_ = 0;
  MonoTime learnt_at_;  // metadata thread
};

}  // namespace weir::node
