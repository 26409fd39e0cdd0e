#include "broker/net/connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/net/connection_table.h"
#include "common/base/check.h"
#include "common/runtime/log.h"

namespace weir::net {
namespace {

// Reads in a row before other connections of the shard get their turn.
constexpr int kReadsPerRound = 8;
// Chunks per gathered write; the kernel takes up to 1,024.
constexpr size_t kChunksPerWrite = 256;
// Connection::DropSent keeps law 1 of SharedBytes: what was sent is released at once.
constexpr int64_t kMicrosPerMs = 1000;

}  // namespace

Connection::Connection(ConnectionTable& table, asio::ip::tcp::socket socket, ConnectionInfo info)
    : table_(table),
      socket_(std::move(socket)),
      info_(std::move(info)),
      reader_(table.options_.frame_bytes_max),
      last_progress_(table.shard_.Now()) {
  info_.when_next = [this](Task task) { WhenNext(std::move(task)); };
}

Connection::~Connection() { RemoveInFlight(in_flight_bytes_); }

void Connection::Start() {
  asio::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  ArmRead();
}

void Connection::AddInFlight(size_t bytes) {
  in_flight_bytes_ += bytes;
  table_.budget_.Take(bytes);
}

void Connection::RemoveInFlight(size_t bytes) {
  WEIR_CHECK(bytes <= in_flight_bytes_);
  in_flight_bytes_ -= bytes;
  if (bytes > 0) table_.budget_.Give(bytes);
}

// ---- Reading --------------------------------------------------------------------------

void Connection::ArmRead() {
  if (read_armed_ || closed_) return;
  read_armed_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [table = &table_, id = info_.id](const asio::error_code& error) {
                       if (error) return;
                       table->shard_.BeforeRead();
                       if (Connection* connection = table->Find(id)) connection->OnReadable();
                     });
}

void Connection::OnReadable() {
  read_armed_ = false;
  for (int i = 0; i < kReadsPerRound && !closed_ && !Saturated(); ++i) {
    if (!ReadOnce()) break;
  }
  ReadOn();
}

bool Connection::ReadOnce() {
  const FrameReader::Spans spans = reader_.PrepareRead();
  std::array<iovec, 2> vectors = {iovec{spans[0].data, spans[0].size},
                                  iovec{spans[1].data, spans[1].size}};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = spans[1].size > 0 ? 2 : 1;
  const ssize_t received = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT);
  if (received < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    Close(std::strerror(errno));
    return false;
  }
  if (received == 0) {
    peer_closed_ = true;
    info_.peer->Gone();
    CloseIfDrained();
    return false;
  }
  last_progress_ = table_.shard_.Now();
  const auto bytes = static_cast<size_t>(received);
  table_.counters_.bytes_received.fetch_add(received, std::memory_order_relaxed);
  reader_.Commit(bytes);
  TakeFrames();
  // A short read has emptied the socket: the next readiness event brings the rest.
  return bytes == spans[0].size + spans[1].size;
}

void Connection::TakeFrames() {
  while (!closed_ && !abort_due_ && !Saturated()) {
    Result<std::optional<SharedBytes>> frame = reader_.Next();
    if (!frame) return ProtocolError(frame.error().message);
    if (!frame->has_value()) return;
    AcceptFrame(std::move(**frame));
  }
}

void Connection::AcceptFrame(SharedBytes frame) {
  const uint64_t sequence = first_sequence_ + slots_.size();
  slots_.push_back({.request_bytes = frame.size()});
  AddInFlight(frame.size());
  Request request{.frame = std::move(frame),
                  .received = last_progress_,
                  .responder = Responder(&table_, info_.id, sequence)};
  table_.sink_.OnRequest(info_, std::move(request));
}

bool Connection::Saturated() const {
  return slots_.size() >= table_.options_.requests_in_flight_max ||
         in_flight_bytes_ >= table_.options_.bytes_in_flight_max || table_.budget_.Exhausted();
}

void Connection::ReadOn() {
  if (closed_ || peer_closed_ || abort_due_ || read_armed_) return;
  if (!Saturated()) return ArmRead();
  if (!table_.budget_.Exhausted() || waits_for_budget_) return;
  // The connection's own limits end with its answers; the broker's budget may be used up by others.
  if (!table_.budget_.RegisterWaiter()) return Resume();
  waits_for_budget_ = true;
  table_.WaitForBudget(info_.id);
}

void Connection::Resume() {
  waits_for_budget_ = false;
  if (closed_ || read_armed_) return;
  TakeFrames();
  ReadOn();
}

// ---- Answering ------------------------------------------------------------------------

void Connection::Complete(uint64_t sequence, Answer answer) {
  if (closed_) return;
  WEIR_CHECK(sequence >= first_sequence_);
  WEIR_CHECK(sequence - first_sequence_ < slots_.size());
  Slot& slot = slots_[sequence - first_sequence_];
  WEIR_CHECK(!slot.answered);
  slot.answered = true;
  AddInFlight(TotalBytes(answer.chunks));
  RemoveInFlight(slot.request_bytes);
  slot.answer = std::move(answer);
  if (sequence != first_sequence_) return;
  CollectAnswers();
  if (flush_due_) return;
  flush_due_ = true;
  table_.FlushLater(info_.id);
}

void Connection::CollectAnswers() {
  while (!slots_.empty() && slots_.front().answered && !abort_due_) {
    Answer& answer = slots_.front().answer;
    if (answer.kind == Answer::Kind::kAbort) {
      abort_due_ = true;
      abort_reason_ = std::move(answer.reason);
    }
    for (SharedBytes& chunk : answer.chunks) {
      if (!chunk.empty()) output_.push_back(std::move(chunk));
    }
    slots_.pop_front();
    ++first_sequence_;
  }
  RunWhenFirst();
}

void Connection::WhenNext(Task task) {
  WEIR_CHECK(!slots_.empty() && !slots_.back().answered);
  slots_.back().when_first = std::move(task);
  RunWhenFirst();
}

// Posted: it may answer, and answering calls this.
void Connection::RunWhenFirst() {
  if (slots_.empty() || slots_.front().when_first == nullptr) return;
  table_.shard_.Post(std::exchange(slots_.front().when_first, nullptr));
}

void Connection::Flush() {
  flush_due_ = false;
  if (closed_ || write_armed_) return;
  while (!output_.empty()) {
    std::array<iovec, kChunksPerWrite> vectors;
    size_t count = 0;
    size_t total = 0;
    for (auto chunk = output_.begin(); chunk != output_.end() && count < vectors.size(); ++chunk) {
      const size_t skip = count == 0 ? front_sent_ : 0;
      vectors[count++] = {const_cast<char*>(chunk->data()) + skip, chunk->size() - skip};
      total += chunk->size() - skip;
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) return ArmWrite();
      return Close(std::strerror(errno));
    }
    table_.counters_.bytes_sent.fetch_add(sent, std::memory_order_relaxed);
    DropSent(static_cast<size_t>(sent));
    if (static_cast<size_t>(sent) < total) return ArmWrite();
  }
  if (abort_due_) return ProtocolError(abort_reason_);
  CloseIfDrained();
  Resume();
}

void Connection::DropSent(size_t bytes) {
  last_progress_ = table_.shard_.Now();
  RemoveInFlight(bytes);
  while (bytes > 0) {
    const size_t left = output_.front().size() - front_sent_;
    if (bytes < left) {
      front_sent_ += bytes;
      return;
    }
    bytes -= left;
    output_.pop_front();
    front_sent_ = 0;
  }
}

void Connection::ArmWrite() {
  write_armed_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [table = &table_, id = info_.id](const asio::error_code& error) {
                       if (error) return;
                       if (Connection* connection = table->Find(id)) connection->OnWritable();
                     });
}

void Connection::OnWritable() {
  write_armed_ = false;
  Flush();
}

// ---- Ending ---------------------------------------------------------------------------

void Connection::CloseIfDrained() {
  if (peer_closed_ && slots_.empty() && output_.empty()) Close("closed by peer");
}

void Connection::ProtocolError(const std::string& reason) {
  LogWarn("net", "connection refused",
          {{"peer", info_.peer_host}, {"port", info_.peer_port}, {"reason", reason}});
  Close(reason);
}

void Connection::Close(const std::string& reason) {
  if (closed_) return;
  closed_ = true;
  LogDebug("net", "connection closed",
           {{"peer", info_.peer_host}, {"port", info_.peer_port}, {"reason", reason}});
  asio::error_code ignored;
  socket_.close(ignored);
  table_.Retire(info_.id);
  info_.peer->Gone();
}

void Connection::CheckIdle(MonoTime now) {
  if (closed_) return;
  const int64_t silent_ms = (now - last_progress_).count() / kMicrosPerMs;
  if (silent_ms >= table_.options_.idle_ms_max) return Close("idle");
  // With requests in flight it may be we who do not read.
  if (!read_armed_ || !slots_.empty()) return;
  if (!reader_.InsideFrame()) return reader_.ReleaseIdleMemory();
  if (silent_ms >= table_.options_.half_frame_ms_max) ProtocolError("stopped inside a frame");
}

}  // namespace weir::net
