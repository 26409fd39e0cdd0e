// Three controllers over real gRPC and real files in one process, and a broker as they see it.
// Thread rule: the test's thread.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/metadata/apply.h"
#include "common/metadata/snapshot.h"
#include "common/rpc/controller_client.h"
#include "tests/unit/controller/service/test_controller.h"

namespace weir::service {

inline constexpr Duration kPatience = std::chrono::seconds(10);

// Whether nobody listens there.
inline bool IsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return bound;
}

// Distinct, and below the ports that the kernel gives away: it would give one of them to somebody
// else, or twice, before a controller listens there.
inline std::vector<int> FreePorts(size_t count) {
  constexpr int kFirst = 10'000;
  constexpr int kLast = 32'000;
  std::random_device random;
  std::uniform_int_distribution<int> pick(kFirst, kLast);
  std::set<int> ports;
  while (ports.size() < count) {
    const int port = pick(random);
    if (IsFree(port)) ports.insert(port);
  }
  return {ports.begin(), ports.end()};
}

// A broker as the controllers see it: a session, and a feed that it applies.
class FakeBroker {
 public:
  FakeBroker(rpc::ControllerClient& client, int32_t id) : client_(client), id_(id) {
    Subscribe();
    OpenSession();
  }
  ~FakeBroker() {
    Stop();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_streams_ == 0; });
  }

  void Stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    auto session = std::move(session_);
    auto feed = std::move(feed_);
    lock.unlock();
  }

  bool WaitUnfenced() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return unfenced_; });
  }
  bool WaitTopic(const std::string& name) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return image_.FindTopic(name) != nullptr; });
  }
  bool HasTopic(const std::string& name) {
    std::lock_guard lock(mutex_);
    return image_.FindTopic(name) != nullptr;
  }
  // Held, it says that it acts on nothing newer than what it has now.
  void Hold(bool held) {
    std::lock_guard lock(mutex_);
    held_ = held;
    SendHeartbeat();
  }
  int snapshots() {
    std::lock_guard lock(mutex_);
    return snapshots_;
  }

 private:
  void OpenSession() {
    auto session =
        client_.OpenSession({[this](broker::v1::SessionReply reply) { OnReply(reply); },
                             [this](const rpc::RpcError&) { OnEnd([this] { OpenSession(); }); }});
    broker::v1::SessionRequest request;
    auto* registration = request.mutable_registration();
    registration->set_broker_id(id_);
    registration->set_incarnation_id(std::string(16, static_cast<char>('a' + id_)));
    registration->add_directory_ids(std::string(16, static_cast<char>('A' + id_)));
    auto* endpoint = registration->add_endpoints();
    endpoint->set_name("PLAINTEXT");
    endpoint->set_host("127.0.0.1");
    endpoint->set_port(1000 + id_);
    endpoint->set_security_protocol("PLAINTEXT");
    registration->set_inter_broker_listener("PLAINTEXT");
    registration->set_previous_broker_epoch(-1);
    session->Send(request);
    std::lock_guard lock(mutex_);
    ++open_streams_;
    session_ = std::move(session);
    epoch_ = -1;
  }

  void OnReply(const broker::v1::SessionReply& reply) {
    std::lock_guard lock(mutex_);
    epoch_ = reply.broker_epoch();
    unfenced_ = !reply.fenced();
    if (reply.fenced()) SendHeartbeat();
    changed_.notify_all();
  }

  // REQUIRES: mutex_.
  void SendHeartbeat() {
    if (session_ == nullptr || epoch_ < 0) return;
    if (!held_) applied_ = image_.offset();
    broker::v1::SessionRequest request;
    request.mutable_heartbeat()->set_broker_epoch(epoch_);
    request.mutable_heartbeat()->set_applied_offset(static_cast<int64_t>(applied_.value()));
    session_->Send(request);
  }

  void Subscribe() {
    broker::v1::FetchMetadataRequest request;
    request.set_broker_id(id_);
    {
      std::lock_guard lock(mutex_);
      request.set_from_offset(static_cast<int64_t>(image_.offset().value()) + 1);
    }
    auto feed = client_.FetchMetadata(
        request, {[this](broker::v1::FetchMetadataReply reply) { OnMetadata(reply); },
                  [this](const rpc::RpcError&) { OnEnd([this] { Subscribe(); }); }});
    std::lock_guard lock(mutex_);
    ++open_streams_;
    feed_ = std::move(feed);
  }

  void OnMetadata(const broker::v1::FetchMetadataReply& reply) {
    std::lock_guard lock(mutex_);
    if (reply.has_snapshot()) {
      ++snapshots_;
      EXPECT_TRUE(loader_.Add(reply.snapshot().chunk()));
      if (reply.snapshot().last()) {
        image_ = loader_.Finish(LogIndex(static_cast<uint64_t>(reply.snapshot().offset())));
        loader_ = {};
      }
    }
    for (const auto& batch : reply.batches().batches()) {
      // C-28: in order, each once, none left out.
      EXPECT_EQ(static_cast<uint64_t>(batch.offset()), image_.offset().value() + 1);
      metadata::ApplyBytes(image_, batch.batch(), LogIndex(static_cast<uint64_t>(batch.offset())),
                           nullptr);
    }
    SendHeartbeat();
    changed_.notify_all();
  }

  void OnEnd(const std::function<void()>& again) {
    {
      std::lock_guard lock(mutex_);
      --open_streams_;
      changed_.notify_all();
      if (stopping_) return;
    }
    // On gRPC's thread: dialling does not block.
    again();
  }

  rpc::ControllerClient& client_;
  const int32_t id_;
  std::mutex mutex_;
  std::condition_variable changed_;
  metadata::MetadataImage image_;
  metadata::SnapshotLoader loader_;
  std::unique_ptr<rpc::SessionStream> session_;
  std::unique_ptr<rpc::StreamHandle> feed_;
  int64_t epoch_ = -1;
  bool held_ = false;
  LogIndex applied_{0};
  bool unfenced_ = false;
  bool stopping_ = false;
  int open_streams_ = 0;
  int snapshots_ = 0;
};

class ThreeControllers : public ::testing::Test {
 protected:
  quorum::ControllerNodeOptions Options(int id) {
    quorum::ControllerNodeOptions options = base_;
    options.id = NodeId(id);
    options.data_dir = directory_.path() + "/c" + std::to_string(id);
    options.voters = voters_;
    options.bootstrap = true;
    options.snapshot_log_bytes = snapshot_log_bytes_;
    return options;
  }
  void StartAll() {
    for (const int port : FreePorts(3)) {
      const auto id = static_cast<int32_t>(voters_.size()) + 1;
      voters_.push_back({NodeId(id), "127.0.0.1:" + std::to_string(port)});
    }
    for (int id = 1; id <= 3; ++id) StartOne(id);
  }
  void StartOne(int id) {
    const std::string address = voters_[static_cast<size_t>(id - 1)].address;
    controllers_[id] = std::make_unique<TestController>(Options(id), address);
    ASSERT_FALSE(controllers_[id]->create_error()) << controllers_[id]->create_error()->message;
    controllers_[id]->Start();
  }
  std::unique_ptr<rpc::ControllerClient> Client() {
    std::vector<std::string> addresses;
    for (const auto& voter : voters_) addresses.push_back(voter.address);
    return std::make_unique<rpc::ControllerClient>(addresses,
                                                   rpc::ControllerClientOptions{.tool = "test"});
  }
  // Sets a cluster-wide broker configuration: a change that needs no broker.
  Status SetConfig(rpc::ControllerClient& client, const std::string& value) {
    admin::v1::AlterConfigsRequest request;
    auto* resource = request.add_resources();
    resource->mutable_resource()->set_type(metadata::v1::CONFIG_RESOURCE_BROKER);
    auto* change = resource->add_changes();
    change->set_key("log.retention.ms");
    change->set_value(value);
    const auto reply = client.CallSync(rpc::kAlterConfigs, request, kPatience);
    if (!reply) return tl::unexpected<Error>(reply.error());
    return rpc::FromAdminError(reply->resources(0).error());
  }
  Status CreateTopic(rpc::ControllerClient& client, const std::string& name) {
    admin::v1::CreateTopicsRequest request;
    auto* topic = request.add_topics();
    topic->set_name(name);
    topic->set_partitions(1);
    topic->set_replication_factor(1);
    const auto reply = client.CallSync(rpc::kCreateTopics, request, kPatience);
    if (!reply) return tl::unexpected<Error>(reply.error());
    return rpc::FromAdminError(reply->topics(0).error());
  }
  int WaitForActive() {
    int active = 0;
    EXPECT_TRUE(Eventually([&] {
      for (const auto& [id, controller] : controllers_) {
        if (controller->IsActive()) active = id;
      }
      return active != 0;
    }));
    return active;
  }
  admin::v1::DescribeQuorumReply Quorum(rpc::ControllerClient& client) {
    const auto reply = client.CallSync(rpc::kDescribeQuorum, {}, kPatience);
    EXPECT_TRUE(reply.has_value()) << ToString(reply.error());
    return reply.value_or(admin::v1::DescribeQuorumReply());
  }

  TempDir directory_;
  // What all three have in common.
  quorum::ControllerNodeOptions base_;
  size_t snapshot_log_bytes_ = limits::kSnapshotAfterLogBytes;
  std::vector<quorum::InitialVoter> voters_;
  std::map<int, std::unique_ptr<TestController>> controllers_;
};

}  // namespace weir::service
