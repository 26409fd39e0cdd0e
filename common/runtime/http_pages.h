// HttpPages: the node's HTTP listener: /metrics, /livez, /readyz and whatever pages a node adds.
// Read-only.
//
// /livez answers 200 while the process runs; /readyz answers 200 or 503 with the reason, as
// Kubernetes probes expect. Thread rule: pages are rendered on the listener's own threads; their
// functions must be safe there.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"

namespace weir::runtime {

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

class HttpPages {
 public:
  // Empty reason: ready.
  using Readiness = std::function<std::string()>;
  using Page = std::function<HttpAnswer()>;

  explicit HttpPages(Readiness readiness);
  ~HttpPages();
  HttpPages(const HttpPages&) = delete;
  HttpPages& operator=(const HttpPages&) = delete;

  // REQUIRES: before Start.
  void AddPage(const std::string& path, Page page);
  // Binds "host:port" (port 0: a free one) and serves. Returns the bound port.
  // Errors: kInvalidConfig when the address is malformed or taken.
  Result<int> Start(const std::string& address);
  // Finishes running answers and closes the listener. Idempotent.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "host:port" or "[v6]:port". Errors: kInvalidConfig.
struct HostPort {
  std::string host;
  int port = 0;
};
Result<HostPort> ParseHostPort(const std::string& address);

}  // namespace weir::runtime
