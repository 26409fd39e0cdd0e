#include "broker/net/request.h"

#include "common/base/check.h"

namespace weir::net {

size_t TotalBytes(const Chunks& chunks) {
  size_t total = 0;
  for (const SharedBytes& chunk : chunks) total += chunk.size();
  return total;
}

PeerWatch::Id PeerWatch::WhenGone(Task task) {
  WEIR_CHECK(!gone_, "nobody would run it");
  tasks_.emplace(++last_id_, std::move(task));
  return last_id_;
}

void PeerWatch::WhenGoneOnce(std::string name, Task task) {
  if (names_.size() >= kNamedTasksMax || !names_.insert(std::move(name)).second) return;
  WhenGone(std::move(task));
}

void PeerWatch::Gone() {
  gone_ = true;
  for (auto& [id, task] : std::exchange(tasks_, {})) task();
}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this == &other) return *this;
  if (pending()) Abort("request given up");
  sink_ = std::exchange(other.sink_, nullptr);
  connection_ = other.connection_;
  sequence_ = other.sequence_;
  return *this;
}

Responder::~Responder() {
  if (pending()) Abort("request given up");
}

void Responder::Send(Chunks chunks) {
  Finish({.kind = Answer::Kind::kChunks, .chunks = std::move(chunks), .reason = {}});
}

void Responder::SendNothing() { Finish({}); }

void Responder::Abort(std::string reason) {
  Finish({.kind = Answer::Kind::kAbort, .chunks = {}, .reason = std::move(reason)});
}

void Responder::Finish(Answer answer) {
  WEIR_CHECK(pending(), "a request is answered once");
  AnswerSink* sink = std::exchange(sink_, nullptr);
  sink->Complete(connection_, sequence_, std::move(answer));
}

}  // namespace weir::net
