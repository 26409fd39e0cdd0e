#include "controller/ctl/tcp_socket.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace weir::ctl {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressList> Resolve(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return Fail(ErrorCode::kNetworkException, address + ": " + ::gai_strerror(error));
  return AddressList(found, &freeaddrinfo);
}

// A connected descriptor, or -1 with errno. SO_SNDTIMEO bounds connect too (socket(7)).
int ConnectTo(const addrinfo& address, const timeval& limit) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return fd;
  const int connect_errno = errno;
  ::close(fd);
  errno = connect_errno;
  return -1;
}

}  // namespace

Result<TcpSocket> TcpSocket::Connect(const std::string& address, Duration timeout) {
  WEIR_ASSIGN_OR_RETURN(const AddressList addresses, Resolve(address));
  timeval limit{};
  limit.tv_sec = static_cast<time_t>(timeout.count() / 1'000'000);
  limit.tv_usec = static_cast<suseconds_t>(timeout.count() % 1'000'000);
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next)
    if (const int fd = ConnectTo(*each, limit); fd >= 0) return TcpSocket(fd);
  return Fail(ErrorCode::kNetworkException, address + ": " + std::strerror(errno));
}

TcpSocket::TcpSocket(TcpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

TcpSocket::~TcpSocket() {
  if (fd_ >= 0) ::close(fd_);
}

bool TcpSocket::Send(const void* data, size_t size) {
  return ::send(fd_, data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

bool TcpSocket::Receive(void* data, size_t size) {
  size_t have = 0;
  while (have < size) {
    const ssize_t got = ::recv(fd_, static_cast<uint8_t*>(data) + have, size - have, 0);
    if (got <= 0) return false;
    have += static_cast<size_t>(got);
  }
  return true;
}

}  // namespace weir::ctl
