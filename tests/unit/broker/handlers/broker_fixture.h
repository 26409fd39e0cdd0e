// A whole broker in the test's process: real sockets, shards, partitions and store; only the
// controllers are fake. BrokerClient speaks the protocol to it, one request at a time.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <asio/connect.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "broker/coordinator/group_gateways.h"
#include "broker/coordinator/peer_links.h"
#include "broker/handlers/dispatcher.h"
#include "broker/handlers/registry.h"
#include "broker/metadata/broker_core.h"
#include "broker/net/outgoing_connection.h"
#include "broker/net/server.h"
#include "common/runtime/rocksdb/rocksdb_store.h"
#include "common/runtime/thread_executor.h"
#include "tests/unit/broker/handlers/fake_controllers.h"
#include "tests/unit/broker/handlers/fake_groups.h"

namespace weir::handlers {

class BrokerClient {
 public:
  explicit BrokerClient(uint16_t port) : socket_(context_) {
    socket_.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port));
  }

  // A request without waiting for its answer.
  template <wire::Message Request>
  void Send(int16_t version, const Request& request) {
    SendBytes(wire::EncodeRequest(version, ++correlation_id_, "test", request).Flatten().view());
  }
  void SendBytes(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }

  // The next answer, decoded. Fails the test when the connection is closed or the answer malformed.
  template <wire::Message Response>
  Result<Response> Receive(int16_t version) {
    WEIR_ASSIGN_OR_RETURN(const SharedBytes frame, ReceiveFrame());
    int32_t correlation_id = 0;
    return wire::DecodeResponse<Response>(frame, version, &correlation_id);
  }
  template <wire::Message Response, wire::Message Request>
  Result<Response> Ask(int16_t version, const Request& request) {
    Send(version, request);
    return Receive<Response>(version);
  }
  // Errors: kNetworkException when the broker has closed.
  Result<SharedBytes> ReceiveFrame() {
    unsigned char size_field[4];
    asio::error_code error;
    asio::read(socket_, asio::buffer(size_field), error);
    if (error) return Fail(ErrorCode::kNetworkException, "closed");
    size_t size = 0;
    for (const unsigned char byte : size_field) size = (size << 8) | byte;
    auto buffer = Buffer::Allocate(size);
    asio::read(socket_, asio::buffer(buffer->data(), size), error);
    if (error) return Fail(ErrorCode::kNetworkException, "closed inside an answer");
    return SharedBytes(buffer, 0, size);
  }

 private:
  asio::io_context context_;
  asio::ip::tcp::socket socket_;
  int32_t correlation_id_ = 0;
};

class BrokerFixture : public testing::Test {
 protected:
  static constexpr NodeId kBrokerId{1};

  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("weir-broker-test-" + std::to_string(::getpid()) + "-" +
                  testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(directory_);
    StartBroker();
  }
  void TearDown() override {
    StopBroker();
    std::filesystem::remove_all(directory_);
  }

  void StartBroker() {
    shards_ = std::make_unique<net::ShardSet>(2);
    thread_ = std::make_shared<runtime::ThreadExecutor>("metadata");
    writer_ = std::make_unique<runtime::ThreadExecutor>("writer");
    syncer_ = std::make_unique<runtime::ThreadExecutor>("syncer");
    auto starts = std::make_shared<log::LogStartMap>();
    runtime::RocksDbOptions options;
    options.drop_rules = log::LogStartMap::DropRules(starts);
    kv_ = runtime::OpenRocksDb(directory_.string(), std::move(options)).value();
    log_store_ = log::LogStore::Open(*kv_, *writer_, *syncer_, starts).value();
    controllers_ = std::make_unique<FakeControllers>(thread_, kBrokerId);
    std::vector<replica::ReplicaFetchers::Lane> lanes;
    for (int i = 0; i < shards_->size(); ++i) {
      dialers_.push_back(std::make_unique<net::TcpDialer>(shards_->at(i), 1 << 20));
      lanes.push_back({.executor = &shards_->at(i), .dialer = dialers_.back().get()});
    }
    core_ = std::make_unique<broker::BrokerCore>(
        broker::BrokerCore::Options{.node_id = kBrokerId, .tail_cache_bytes = 16 << 20},
        broker::BrokerCore::Loops{thread_, std::move(lanes)}, *log_store_,
        broker::ControllerPorts::Of(*controllers_));
    group_calls_ = std::make_unique<FakeGroups>(thread_);
    standing_ = std::make_unique<coordinator::BrokerStanding>([] { return MonoTime::max(); },
                                                              core_->images(), core_->partitions());
    groups_ = std::make_unique<coordinator::GroupGateways>(
        thread_, shards_->Executors(), core_->images(), *group_calls_, *standing_, 1);
    StartServing();
  }

  void StartServing() {
    context_.settings = {.node_id = kBrokerId,
                         .auto_create_topics = auto_create_,
                         .version = "test",
                         .static_configs = {{"message.max.bytes", "1000012"}}};
    context_.fetchers = &core_->fetchers();
    context_.registry = &registry_;
    context_.images = &core_->images();
    context_.controllers = controllers_.get();
    context_.producer_ids = &core_->producer_ids();
    context_.partitions = &core_->partitions();
    context_.groups = groups_.get();
    for (int i = 0; i < shards_->size(); ++i) {
      links_.push_back(
          std::make_unique<coordinator::PeerLinks>(kBrokerId, shards_->at(i), PeerDialer(i)));
      context_.links.push_back(links_.back().get());
    }
    context_.directories = {{directory_.string(), log_store_.get()}};
    context_.metrics = &metrics_;
    context_.shards = shards_->Executors();
    dispatcher_ = std::make_unique<Dispatcher>(context_, registry_);
    server_ = std::make_unique<net::Server>(*shards_, net::NetOptions{}, *dispatcher_);
    port_ = (*server_->Listen(*net::ParseListener("127.0.0.1:0", "PLAINTEXT")))->port;
    Join();
    shards_->Start();
    thread_->Post([this] { core_->Start(); });
    server_->StartAccepting();
    ready_->get_future().wait();
  }

  // How long clients wait for commits and fetches of offsets. A shard knows it once it knows of
  // what is made next.
  void AppendOffsetsTimeout(std::chrono::milliseconds timeout) {
    metadata::v1::MetadataBatch batch;
    test::AddConfig({metadata::v1::CONFIG_RESOURCE_BROKER, ""}, "offsets.commit.timeout.ms",
                    std::to_string(timeout.count()), &batch);
    controllers_->Append(std::move(batch));
  }

  // What connects a shard to other brokers.
  virtual FrameDialer& PeerDialer(int shard) { return *dialers_[static_cast<size_t>(shard)]; }

  void Join() {
    broker::v1::Registration registration;
    registration.set_broker_id(kBrokerId.value());
    metadata::v1::Endpoint* endpoint = registration.add_endpoints();
    endpoint->set_name("PLAINTEXT");
    endpoint->set_host("127.0.0.1");
    endpoint->set_port(port_);
    registration.set_rack("rack-a");
    Prng prng(7);
    registration.set_incarnation_id(Uuid::Random(prng).ToBytes());
    registration.add_directory_ids(Uuid::Random(prng).ToBytes());
    registration.set_inter_broker_listener("PLAINTEXT");
    ready_ = std::make_shared<std::promise<void>>();
    core_->Join(
        std::move(registration),
        broker::SessionHooks{.on_joined = [](const Uuid&, BrokerEpoch) -> Status { return {}; },
                             .on_refused = [](const Error&) { FAIL(); }},
        [this, announced = false](LogIndex) mutable {
          if (announced || !core_->images().Newest()->IsLive(kBrokerId)) return;
          announced = true;
          ready_->set_value();
        });
  }

  void StopBroker() {
    thread_->Stop();
    shards_->Stop();
    writer_->Stop();
    syncer_->Stop();
    group_calls_->Forget();
    context_.links.clear();
    links_.clear();
    server_.reset();
    dispatcher_.reset();
    groups_.reset();
    core_.reset();
    dialers_.clear();
    log_store_.reset();
    kv_.reset();
  }

  bool auto_create_ = true;
  std::filesystem::path directory_;
  runtime::Metrics registry_of_metrics_;
  Registry registry_ = MakeRegistry();
  ApiMetrics metrics_{registry_of_metrics_, registry_};
  std::shared_ptr<std::promise<void>> ready_;
  std::unique_ptr<net::ShardSet> shards_;
  std::shared_ptr<runtime::ThreadExecutor> thread_;
  std::unique_ptr<runtime::ThreadExecutor> writer_;
  std::unique_ptr<runtime::ThreadExecutor> syncer_;
  std::unique_ptr<KvStore> kv_;
  std::unique_ptr<log::LogStore> log_store_;
  std::unique_ptr<FakeControllers> controllers_;
  std::vector<std::unique_ptr<net::TcpDialer>> dialers_;
  std::unique_ptr<broker::BrokerCore> core_;
  std::unique_ptr<FakeGroups> group_calls_;
  std::unique_ptr<coordinator::BrokerStanding> standing_;
  std::unique_ptr<coordinator::GroupGateways> groups_;
  std::vector<std::unique_ptr<coordinator::PeerLinks>> links_;
  BrokerContext context_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<net::Server> server_;
  uint16_t port_ = 0;
};

}  // namespace weir::handlers
