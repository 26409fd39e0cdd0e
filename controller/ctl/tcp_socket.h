// A blocking TCP connection with a time limit: to ask whether somebody listens, and for the few
// bytes of a readiness question. Thread rule: one owner, blocking.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::ctl {

class TcpSocket {
 public:
  // `address`: host:port. `timeout` bounds connecting and then every send and receive.
  // Errors: kNetworkException with the cause.
  static Result<TcpSocket> Connect(const std::string& address, Duration timeout);
  TcpSocket(TcpSocket&& other) noexcept;
  TcpSocket& operator=(TcpSocket&&) = delete;
  ~TcpSocket();

  bool Send(const void* data, size_t size);
  // False when the other side closes or is late before `size` bytes have come.
  bool Receive(void* data, size_t size);

 private:
  explicit TcpSocket(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace weir::ctl
