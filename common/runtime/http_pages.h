// HttpPages: the node's HTTP listener: /metrics, /livez, /readyz and whatever pages a node adds.
// Read-only.
//
// /livez answers 200 while the process runs; /readyz answers 200 or 503 with the reason, as
// Kubernetes probes expect. Thread rule: pages are rendered on the listener's own threads; their
// functions must be safe there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::runtime {

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

// What stands behind the "?" of an address, decoded.
using HttpQuery = std::multimap<std::string, std::string>;

class HttpPages {
 public:
  // Empty reason: ready.
  using Readiness = std::function<std::string()>;
  using Page = std::function<HttpAnswer()>;
  using QueryPage = std::function<HttpAnswer(const HttpQuery&)>;

  explicit HttpPages(Readiness readiness);
  ~HttpPages();
  HttpPages(const HttpPages&) = delete;
  HttpPages& operator=(const HttpPages&) = delete;

  // REQUIRES: before Start.
  void AddPage(const std::string& path, Page page);
  void AddQueryPage(const std::string& path, QueryPage page);
  // Binds "host:port" (port 0: a free one) and serves. Returns the bound port.
  // Errors: kInvalidConfig when the address is malformed or taken.
  Result<int> Start(const std::string& address);
  // Finishes running answers and closes the listener. Idempotent.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Asks a node for a page: `address` is host:port, `path` begins with "/".
// Connecting, sending and each wait for bytes take at most `timeout`. Errors: kNetworkException
// when nobody answers.
Result<HttpAnswer> GetPage(const std::string& address, const std::string& path,
                           const HttpQuery& query, Duration timeout);

// "host:port" or "[v6]:port". Errors: kInvalidConfig.
struct HostPort {
  std::string host;
  int port = 0;
};
Result<HostPort> ParseHostPort(const std::string& address);

}  // namespace weir::runtime
