// Server: one gRPC listener with Weir's limits, server reflection and the standard health
// service.
//
// Laws:
//  1. Services are callback services: no call occupies a thread.
//  2. A port in use is an error, never shared with the other process.
// Thread rule: Start and Stop by the owner; SetServing from any thread.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_context.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::rpc {

struct ServerOptions {
  // host:port; port 0 takes a free one.
  std::string listen_address;
  // Bytes that all requests and responses being worked on may hold.
  size_t memory_bytes_max = 256 * 1024 * 1024;
};

// Until the client's deadline; none when it has set none.
std::optional<Duration> TimeLeft(const grpc::CallbackServerContext& context);

class Server {
 public:
  // The services must outlive the server. Errors: kBrokerNotAvailable when the address cannot be
  // bound.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                               const std::vector<grpc::Service*>& services);
  ~Server();

  int port() const { return port_; }
  // What the health service answers for the server as a whole (the empty service name). Not serving
  // at first.
  void SetServing(bool serving);
  // Refuses new calls, gives running ones `grace` to end, cancels the rest. Blocks; idempotent.
  void Stop(Duration grace);

 private:
  Server() = default;

  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace weir::rpc
