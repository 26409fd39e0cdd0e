// The unix socket DIR/control, through which `weir dev restart|stop|status` speak to the running
// `weir dev`: one line of request ("restart broker-2"), an answer of lines, end of file. The first
// line of an answer is "ok" or "error CAUSE".
//
// Laws:
//  1. A request is at most 4 KiB; a longer one, or a 17th open connection, is closed.
//  2. The socket's path goes through the open directory: a socket address holds 107 bytes only.
//  3. Only the same user gets through (mode 0600).
// Thread rule: ControlServer belongs to the supervisor's loop and never blocks; CallControl blocks.
#pragma once

#include <poll.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::ctl::dev {

using ConnectionId = int;

class ControlServer {
 public:
  // `line` is without its newline. The answer may be given later, by Reply.
  using Handler = std::function<void(ConnectionId connection, const std::string& line)>;

  // Replaces a socket left by a killed process. Errors: kKafkaStorageError.
  static Result<std::unique_ptr<ControlServer>> Listen(const std::string& directory,
                                                       Handler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  void AppendPollFds(std::vector<pollfd>& fds) const;
  // Accepts, reads and calls the handler for whatever is ready.
  void HandleReady();
  // Sends the answer and closes. Unknown (already closed) connections are ignored.
  void Reply(ConnectionId connection, const std::string& answer);

 private:
  ControlServer(std::string directory, int listen_fd, Handler handler)
      : directory_(std::move(directory)), listen_fd_(listen_fd), handler_(std::move(handler)) {}
  void Accept();
  // False when the connection is to be closed.
  bool Read(ConnectionId connection, std::string& buffer);

  std::string directory_;
  int listen_fd_;
  Handler handler_;
  // By descriptor: what has been read of the request.
  std::map<ConnectionId, std::string> connections_;
};

// The lines after "ok". Errors: kResourceNotFound when no `weir dev` listens there,
// kRequestTimedOut, kInvalidRequest with the cause that the other side gave.
Result<std::vector<std::string>> CallControl(const std::string& directory,
                                             const std::string& request, Duration timeout);

// Whether a `weir dev` listens there.
bool ControlIsAlive(const std::string& directory);

}  // namespace weir::ctl::dev
