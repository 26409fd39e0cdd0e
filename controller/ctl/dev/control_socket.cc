#include "controller/ctl/dev/control_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "common/runtime/files.h"

namespace weir::ctl::dev {
namespace {

constexpr const char* kSocketName = "control";
constexpr size_t kRequestBytesMax = 4096;
constexpr size_t kConnectionsMax = 16;

// Address of DIR/control through the open directory, however long DIR is. `directory_fd` must stay
// open while the address is used.
sockaddr_un SocketAddress(int directory_fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(directory_fd) + "/" + kSocketName;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A connected socket, or -1 with errno.
int Connect(const std::string& directory) {
  const Descriptor folder(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return -1;
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = SocketAddress(folder.get());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return -1;
  return socket.Release();
}

bool SendAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Everything until the other side closes.
Result<std::string> ReceiveAll(int fd) {
  std::string received;
  char buffer[4096];
  while (true) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got == 0) return received;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return Fail(ErrorCode::kRequestTimedOut, "weir dev did not answer in time");
    if (got < 0)
      return Fail(ErrorCode::kNetworkException, std::string("weir dev: ") + std::strerror(errno));
    received.append(buffer, static_cast<size_t>(got));
  }
}

Result<std::vector<std::string>> ParseAnswer(const std::string& answer) {
  std::istringstream stream(answer);
  std::string line;
  if (!std::getline(stream, line))
    return Fail(ErrorCode::kNetworkException, "weir dev ended before it answered");
  constexpr std::string_view kError = "error ";
  if (line.starts_with(kError)) return Fail(ErrorCode::kInvalidRequest, line.substr(kError.size()));
  std::vector<std::string> lines;
  while (std::getline(stream, line)) lines.push_back(line);
  return lines;
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::Listen(const std::string& directory,
                                                             Handler handler) {
  const auto failure = [&directory](const char* action) {
    return Fail(ErrorCode::kKafkaStorageError,
                runtime::ErrnoMessage(action, directory + "/" + kSocketName));
  };
  const Descriptor folder(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return failure("open");
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return failure("socket");
  ::unlinkat(folder.get(), kSocketName, 0);
  const sockaddr_un address = SocketAddress(folder.get());
  const mode_t old_mask = ::umask(0177);
  const int bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(old_mask);
  if (bound != 0) return failure("bind");
  if (::listen(socket.get(), static_cast<int>(kConnectionsMax)) != 0) return failure("listen");
  return std::unique_ptr<ControlServer>(
      new ControlServer(directory, socket.Release(), std::move(handler)));
}

ControlServer::~ControlServer() {
  for (const auto& [fd, buffer] : connections_) ::close(fd);
  ::close(listen_fd_);
  ::unlink((directory_ + "/" + kSocketName).c_str());
}

void ControlServer::AppendPollFds(std::vector<pollfd>& fds) const {
  fds.push_back({listen_fd_, POLLIN, 0});
  for (const auto& [fd, buffer] : connections_) fds.push_back({fd, POLLIN, 0});
}

void ControlServer::Accept() {
  while (true) {
    const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    if (connections_.size() >= kConnectionsMax) {
      ::close(fd);
      continue;
    }
    connections_.emplace(fd, std::string());
  }
}

bool ControlServer::Read(ConnectionId connection, std::string& buffer) {
  char chunk[512];
  const ssize_t got = ::recv(connection, chunk, sizeof chunk, 0);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  if (got == 0) return false;
  buffer.append(chunk, static_cast<size_t>(got));
  return buffer.size() <= kRequestBytesMax;
}

void ControlServer::HandleReady() {
  Accept();
  std::vector<std::pair<ConnectionId, std::string>> requests;
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    auto& [fd, buffer] = *entry;
    if (!Read(fd, buffer)) {
      ::close(fd);
      entry = connections_.erase(entry);
      continue;
    }
    if (const size_t end = buffer.find('\n'); end != std::string::npos) {
      requests.emplace_back(fd, buffer.substr(0, end));
      buffer.erase(0, end + 1);
    }
    ++entry;
  }
  for (const auto& [connection, line] : requests) handler_(connection, line);
}

void ControlServer::Reply(ConnectionId connection, const std::string& answer) {
  if (connections_.erase(connection) == 0) return;
  // Answers are a few hundred bytes: they fit the socket's buffer.
  SendAll(connection, answer);
  ::close(connection);
}

Result<std::vector<std::string>> CallControl(const std::string& directory,
                                             const std::string& request, Duration timeout) {
  const Descriptor socket(Connect(directory));
  if (socket.get() < 0)
    return Fail(ErrorCode::kResourceNotFound, "no `weir dev` runs on " + directory);
  const auto microseconds = timeout.count();
  timeval limit{};
  limit.tv_sec = static_cast<time_t>(microseconds / 1'000'000);
  limit.tv_usec = static_cast<suseconds_t>(microseconds % 1'000'000);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (!SendAll(socket.get(), request + "\n"))
    return Fail(ErrorCode::kNetworkException, "weir dev closed the connection");
  WEIR_ASSIGN_OR_RETURN(const std::string answer, ReceiveAll(socket.get()));
  return ParseAnswer(answer);
}

bool ControlIsAlive(const std::string& directory) {
  const Descriptor socket(Connect(directory));
  return socket.get() >= 0;
}

}  // namespace weir::ctl::dev
