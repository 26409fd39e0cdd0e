#include "tests/bench/groups/broker_link.h"

#include <algorithm>

#include "common/runtime/http_pages.h"

namespace weir::bench {

std::vector<Endpoint> Endpoints(const std::string& bootstrap) {
  std::vector<Endpoint> found;
  for (size_t begin = 0; begin <= bootstrap.size();) {
    const size_t end = std::min(bootstrap.find(',', begin), bootstrap.size());
    const auto at = runtime::ParseHostPort(bootstrap.substr(begin, end - begin));
    if (!at) Fatal("--bootstrap: " + at.error().message);
    found.push_back({at->host, static_cast<uint16_t>(at->port)});
    begin = end + 1;
  }
  return found;
}

BrokerLink::BrokerLink(net::TcpDialer& dialer, Endpoint at,
                       std::function<void(const std::string&)> on_close)
    : at_(std::move(at)) {
  FrameEvents events;
  events.on_open = [this] { open_ = true; };
  events.on_frame = [this](const SharedBytes& frame) { OnFrame(frame); };
  events.on_close = [this, on_close = std::move(on_close)](const std::string& reason) {
    if (on_close != nullptr) return on_close(reason);
    Fatal("the connection to " + at_.host + ":" + std::to_string(at_.port) + " ended: " + reason);
  };
  connection_ = dialer.Dial(at_.host, at_.port, std::move(events));
}

void BrokerLink::OnFrame(const SharedBytes& frame) {
  if (waiting_.empty()) Fatal("an answer without a request");
  const auto answered = std::move(waiting_.front());
  waiting_.pop_front();
  answered(frame);  // may destroy this
}

}  // namespace weir::bench
