// What passes between the socket layer and the handlers: a request's frame, the means to answer it,
// and the answer.
//
// Laws:
//  1. Every request is answered exactly once: Send, SendNothing or Abort. A Responder dropped
//     without one of them aborts the connection, so that a client never waits for an answer that
//     cannot come.
//  2. Answers leave in the order of their requests, whatever the order of Send (FEATURES 8.9).
//  3. An answer's chunks are sent as they are; nothing is copied.
// Thread rule: a Responder may be used from any thread; from the connection's own shard it costs no
// post.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/net/net_options.h"
#include "common/base/bytes.h"
#include "common/base/executor.h"
#include "common/base/time.h"

namespace weir::net {

using ConnectionId = uint64_t;

// The whole answer, size field included, in order.
using Chunks = std::vector<SharedBytes>;

size_t TotalBytes(const Chunks& chunks);

// What is to be done when a connection's peer has gone: it has closed its side, or the connection
// has ended. Handlers that wait for long withdraw what they wait for. Outlives its connection.
class PeerWatch {
 public:
  using Id = uint64_t;
  // What a client says on one connection is not remembered without end; a consumer has its own.
  static constexpr size_t kNamedTasksMax = 10;

  bool gone() const { return gone_; }
  // REQUIRES: !gone().
  Id WhenGone(Task task);
  // The same, unless a task waits under that name already; after kNamedTasksMax names no more.
  void WhenGoneOnce(std::string name, Task task);
  // Unknown ids and those of tasks that have run are ignored.
  void Forget(Id id) { tasks_.erase(id); }
  // Runs what waits, each once. Idempotent.
  void Gone();

 private:
  std::map<Id, Task> tasks_;
  std::set<std::string> names_;
  Id last_id_ = 0;
  bool gone_ = false;
};

// What handlers may know about where a request came from. Lives as long as its connection: copy
// what outlives the call.
struct ConnectionInfo {
  ConnectionId id = 0;
  // Index of the shard the connection lives on.
  int shard = 0;
  const ListenerSpec* listener = nullptr;
  std::string peer_host;
  uint16_t peer_port = 0;
  // The address the client connected to.
  std::string local_host;
  uint16_t local_port = 0;
  // From ApiVersions v3+ (KIP-511); empty before.
  std::string client_software_name;
  std::string client_software_version;
  // Of the shard's thread, like the connection.
  std::shared_ptr<PeerWatch> peer = std::make_shared<PeerWatch>();
  // Ends the wait of the last fetch of a replica, when another request of it comes.
  std::function<void()> end_wait;
  // For the request that is being handed over: runs a task on the shard once all requests before
  // it are answered. What an answer says may have changed while it waited for its turn.
  std::function<void(Task)> when_next = [](Task task) { task(); };
};

// How a request ended.
struct Answer {
  enum class Kind { kChunks, kNothing, kAbort };
  Kind kind = Kind::kNothing;
  Chunks chunks;
  // Of an abort, for the log.
  std::string reason;
};

// Where answers go: a shard's connections; in the simulator, its network.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  // Answers the request `sequence` of a connection. Any thread.
  virtual void Complete(ConnectionId id, uint64_t sequence, Answer answer) = 0;
};

class Responder {
 public:
  Responder() = default;
  // `sink` outlives it.
  Responder(AnswerSink* sink, ConnectionId connection, uint64_t sequence)
      : sink_(sink), connection_(connection), sequence_(sequence) {}
  Responder(Responder&& other) noexcept { *this = std::move(other); }
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  bool pending() const { return sink_ != nullptr; }

  void Send(Chunks chunks);
  // The request has no answer (Produce with acks=0).
  void SendNothing();
  // Closes the connection after the answers to earlier requests. `reason` goes to the log.
  void Abort(std::string reason);

 private:
  void Finish(Answer answer);

  AnswerSink* sink_ = nullptr;
  ConnectionId connection_ = 0;
  uint64_t sequence_ = 0;
};

// One request, framed but not decoded.
struct Request {
  SharedBytes frame;
  MonoTime received;
  Responder responder;
};

// The handlers, as the socket layer sees them. Called on the connection's shard, in the order of
// arrival.
class RequestSink {
 public:
  virtual ~RequestSink() = default;
  virtual void OnRequest(ConnectionInfo& connection, Request request) = 0;
};

}  // namespace weir::net
