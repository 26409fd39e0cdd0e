// BrokerContext: what every handler may use, and Call: one request on its way to its answer.
//
// Laws:
//  1. A handler never blocks: what takes time goes to a port with a callback.
//  2. A Call is answered once; a dropped Call closes the connection (net/request.h law 1).
//  3. Replies are given on the call's own shard.
// Thread rule: BrokerContext is fixed before the first request; a Call lives on its shard.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/api_metrics.h"
#include "broker/log/log_directories.h"
#include "broker/metadata/controller_port.h"
#include "broker/metadata/image_holder.h"
#include "broker/metadata/producer_id_pool.h"
#include "broker/net/request.h"
#include "broker/replica/partition_router.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/wire/codec.h"
#include "common/base/executor.h"

namespace weir::coordinator {
class GroupGateways;
class PeerLinks;
}  // namespace weir::coordinator

namespace weir::handlers {

class Registry;

// The broker's own configuration as handlers and DescribeConfigs need it.
struct BrokerSettings {
  NodeId node_id;
  bool auto_create_topics = false;
  std::string version;
  // Where other brokers come in: only there a request may speak for a replica (I-40).
  std::string inter_broker_listener;
  std::string rack;
  // Consumers are told to read from a replica in their rack (KIP-392).
  bool rack_aware_reads = false;
  // Kafka key -> value, for keys that this node's own configuration decides.
  std::map<std::string, std::string, std::less<>> static_configs;
};

struct BrokerContext {
  BrokerSettings settings;
  const Registry* registry = nullptr;
  const replica::ReplicaFetchers* fetchers = nullptr;
  broker::ImageHolder* images = nullptr;
  broker::ControllerPort* controllers = nullptr;
  broker::ProducerIdPool* producer_ids = nullptr;
  replica::PartitionRouter* partitions = nullptr;
  coordinator::GroupGateways* groups = nullptr;
  // One per shard; empty: other brokers are not asked.
  std::vector<coordinator::PeerLinks*> links;
  ApiMetrics* metrics = nullptr;
  // As DescribeLogDirs names them, in the order of the configuration.
  std::vector<log::DirectoryPlace> directories;
  std::vector<Executor*> shards;
};

class Call {
 public:
  Call(const BrokerContext& broker, size_t shard, wire::RequestEnvelope envelope,
       net::Request request)
      : broker_(&broker),
        shard_(shard),
        image_(broker.images->At(shard)),
        envelope_(std::move(envelope)),
        request_(std::move(request)) {}
  Call(Call&&) = default;
  Call& operator=(Call&&) = default;

  const BrokerContext& broker() const { return *broker_; }
  size_t shard() const { return shard_; }
  Executor& executor() const { return *broker_->shards[shard_]; }
  // The metadata as of the request's arrival.
  const metadata::MetadataImage& image() const { return *image_; }
  // Looks again: what the shard has now.
  void RefreshImage() { image_ = broker_->images->At(shard_); }
  // Whether clients can be sent to a broker: the controllers hold it alive, and its connection to
  // this one has not ended.
  bool IsUp(NodeId id) const {
    return image_->IsLive(id) && !broker_->fetchers->IsLost(shard_, id);
  }
  int16_t version() const { return envelope_.version(); }
  const wire::ApiFacts& api() const { return *envelope_.api; }
  std::string_view client_id() const {
    return envelope_.header.client_id ? std::string_view(*envelope_.header.client_id) : "";
  }
  // What views in the decoded request point into; lives as long as the call.
  const SharedBytes& body() const { return envelope_.body; }
  MonoTime received() const { return request_.received; }

  template <wire::Message Response>
  void Reply(const Response& response) {
    ReplyAs(version(), response);
  }
  // ApiVersions answers unknown versions in another one.
  template <wire::Message Response>
  void ReplyAs(int16_t response_version, const Response& response) {
    wire::Frame frame =
        wire::EncodeResponse(response_version, envelope_.correlation_id(), response);
    Account();
    request_.responder.Send(std::move(frame.parts));
  }
  void ReplyNothing() {
    Account();
    request_.responder.SendNothing();
  }
  void Abort(const Error& error) { request_.responder.Abort(weir::ToString(error)); }

 private:
  void Account() {
    broker_->metrics->Answered(envelope_.header.request_api_key, envelope_.version(),
                               executor().Now() - request_.received);
  }

  const BrokerContext* broker_;
  size_t shard_;
  broker::ImagePtr image_;
  wire::RequestEnvelope envelope_;
  net::Request request_;
};

}  // namespace weir::handlers
