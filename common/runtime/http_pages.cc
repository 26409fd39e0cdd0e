#include "common/runtime/http_pages.h"

#include <httplib.h>
#include <sys/socket.h>

#include <charconv>
#include <thread>
#include <utility>

#include "common/runtime/metrics.h"

namespace weir::runtime {

struct HttpPages::State {
  httplib::Server server;
  std::thread thread;
};

HttpPages::HttpPages(Readiness readiness) : state_(std::make_unique<State>()) {
  // Probes and one or two scrapers: two threads are plenty, and each costs memory.
  state_->server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  // The library's default also sets SO_REUSEPORT, with which two nodes would share a port
  // unnoticed.
  state_->server.set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  // One request per connection: an idle one would hold a thread, which the next scraper and the end
  // of the process would wait for. A connection that says nothing at all is closed after a second.
  state_->server.set_keep_alive_max_count(1);
  state_->server.set_keep_alive_timeout(1);
  state_->server.set_payload_max_length(64 * 1024);
  AddPage("/metrics", [] {
    return HttpAnswer{200, Metrics::Global().Render(), "text/plain; version=0.0.4; charset=utf-8"};
  });
  AddPage("/livez", [] { return HttpAnswer{200, "ok\n"}; });
  AddPage("/readyz", [readiness = std::move(readiness)] {
    const std::string reason = readiness();
    return reason.empty() ? HttpAnswer{200, "ok\n"} : HttpAnswer{503, reason + "\n"};
  });
}

HttpPages::~HttpPages() { Stop(); }

void HttpPages::AddPage(const std::string& path, Page page) {
  AddQueryPage(path, [page = std::move(page)](const HttpQuery&) { return page(); });
}

void HttpPages::AddQueryPage(const std::string& path, QueryPage page) {
  state_->server.Get(
      path, [page = std::move(page)](const httplib::Request& request, httplib::Response& response) {
        HttpAnswer answer = page(request.params);
        response.status = answer.status;
        response.set_content(answer.body, answer.content_type);
      });
}

Result<int> HttpPages::Start(const std::string& address) {
  WEIR_ASSIGN_OR_RETURN(const HostPort at, ParseHostPort(address));
  int port = at.port;
  if (port == 0) {
    port = state_->server.bind_to_any_port(at.host);
  } else if (!state_->server.bind_to_port(at.host, port)) {
    port = -1;
  }
  if (port < 0) {
    return Fail(ErrorCode::kInvalidConfig,
                "cannot listen on " + address + " for HTTP: the address is in use or not local");
  }
  state_->thread = std::thread([state = state_.get()] { state->server.listen_after_bind(); });
  // A Stop before the listener runs would not be noticed by it.
  while (!state_->server.is_running()) std::this_thread::yield();
  return port;
}

void HttpPages::Stop() {
  state_->server.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

Result<HttpAnswer> GetPage(const std::string& address, const std::string& path,
                           const HttpQuery& query, Duration timeout) {
  WEIR_ASSIGN_OR_RETURN(const HostPort at, ParseHostPort(address));
  httplib::Client client(at.host, at.port);
  client.set_connection_timeout(timeout);
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  const httplib::Result got = client.Get(path.c_str(), query, httplib::Headers());
  if (!got) {
    return Fail(ErrorCode::kNetworkException,
                "http://" + address + path + ": " + httplib::to_string(got.error()));
  }
  return HttpAnswer{got->status, got->body, got->get_header_value("Content-Type")};
}

Result<HostPort> ParseHostPort(const std::string& address) {
  HostPort parsed;
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return Fail(ErrorCode::kInvalidConfig, "address " + address + " is not host:port");
  }
  parsed.host = address.substr(0, colon);
  if (parsed.host.size() >= 2 && parsed.host.front() == '[' && parsed.host.back() == ']') {
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  }
  const char* end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, parsed.port);
  if (error != std::errc() || stop != end || parsed.port < 0 || parsed.port > 65535 ||
      parsed.host.empty()) {
    return Fail(ErrorCode::kInvalidConfig, "address " + address + " is not host:port");
  }
  return parsed;
}

}  // namespace weir::runtime
