// A whole controller in this process: node, services and gRPC server on a free port, data in a
// temporary directory. Thread rule: the test's thread.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/rpc/server.h"
#include "controller/service/admin_service.h"
#include "controller/service/broker_service.h"
#include "controller/service/group_service.h"
#include "controller/service/group_stream_service.h"
#include "controller/service/raft_service.h"

namespace weir::service {

// A directory that is gone after the test.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TestController {
 public:
  // Binds `listen`, but does not start yet: other controllers need the address first.
  TestController(quorum::ControllerNodeOptions options, const std::string& listen)
      : options_(std::move(options)) {
    auto node = quorum::ControllerNode::Create(
        options_, [this](const std::string& reason) { fatal_.set_value(reason); });
    if (!node) {
      create_error_ = node.error();
      return;
    }
    node_ = *std::move(node);
    admin_ = std::make_unique<AdminService>(*node_, options_.defaults);
    brokers_ = std::make_unique<BrokerService>(*node_);
    groups_ = std::make_unique<GroupService>(*node_);
    group_streams_ = std::make_unique<GroupStreamService>(*node_);
    raft_ = std::make_unique<RaftService>(*node_);
    auto server = rpc::Server::Start(
        {.listen_address = listen},
        {admin_.get(), brokers_.get(), groups_.get(), group_streams_.get(), raft_.get()});
    WEIR_CHECK(server.has_value(), server.error().message.c_str());
    server_ = *std::move(server);
    address_ = "127.0.0.1:" + std::to_string(server_->port());
    node_->OnReadyChange([this](bool ready) { server_->SetServing(ready); });
  }
  ~TestController() { Stop(/*transfer=*/false); }

  void Start(std::vector<quorum::InitialVoter> = {}) {
    const Status started = node_->Start(address_);
    EXPECT_TRUE(started.has_value()) << started.error().message;
  }

  // Without transfer and without goodbye to anybody: as near to a crash as a test in one process
  // gets.
  void Stop(bool transfer) {
    if (server_ == nullptr) return;
    std::promise<void> stopped;
    node_->BeginStop(transfer, [&] { stopped.set_value(); });
    stopped.get_future().wait();
    server_->Stop(Duration(0));
    node_->Stop();
    server_ = nullptr;
  }

  quorum::ControllerNode& node() { return *node_; }
  const std::string& address() const { return address_; }
  const std::optional<Error>& create_error() const { return create_error_; }
  std::future<std::string> fatal() { return fatal_.get_future(); }
  bool IsActive() {
    return node_->RunOnLoop<bool>(
        [this] { return node_->running() && node_->controller().active(); });
  }

 private:
  quorum::ControllerNodeOptions options_;
  std::optional<Error> create_error_;
  std::promise<std::string> fatal_;
  std::unique_ptr<quorum::ControllerNode> node_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<BrokerService> brokers_;
  std::unique_ptr<GroupService> groups_;
  std::unique_ptr<GroupStreamService> group_streams_;
  std::unique_ptr<RaftService> raft_;
  std::unique_ptr<rpc::Server> server_;
  std::string address_;
};

// Looks again and again until `condition` holds; false after ten seconds.
template <class Condition>
bool Eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace weir::service
