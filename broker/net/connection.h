// Connection: one Kafka client's socket: frames in, answers out in request order, bounded in
// between.
//
// States:   open --peer closes--> draining (answers what it has) --> closed
//           open --error, abort, idle--> closed
//
// Laws:
//  1. Answers leave in the order of their requests. An answer is sent only when all before it
//     have been.
//  2. While as many requests or bytes are in flight as NetOptions allows, or the broker's budget is
//     exhausted, neither frames are taken nor the socket is read: TCP slows the client down.
//  3. That the peer has closed is heard while requests are being worked on, except where law 2
//     keeps the socket from being read.
//  4. The socket is read greedily, and what is ready to leave goes out in one gathered write per
//     round.
// Thread rule: the shard's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include <asio/ip/tcp.hpp>

#include "broker/net/frame_reader.h"
#include "broker/net/request.h"

namespace weir::net {

class ConnectionTable;

class Connection {
 public:
  Connection(ConnectionTable& table, asio::ip::tcp::socket socket, ConnectionInfo info);
  ~Connection();

  void Start();
  void OnReadable();
  void OnWritable();
  void Complete(uint64_t sequence, Answer answer);
  // Writes what is ready. Called once per round.
  void Flush();
  // Takes waiting frames and reads on, if law 2 allows.
  void Resume();
  // Closes the socket; the table destroys the connection afterwards. Idempotent.
  void Close(const std::string& reason);
  // Closes the connection if it has been silent for too long.
  void CheckIdle(MonoTime now);

  const ConnectionInfo& info() const { return info_; }

 private:
  // A request that has been taken and whose answer has not left for output_.
  struct Slot {
    size_t request_bytes = 0;
    bool answered = false;
    Answer answer;
    // What it does when it is the first; null: nothing.
    Task when_first;
  };

  // Reads once. False when the socket has no more for now or the connection ended.
  bool ReadOnce();
  void TakeFrames();
  void AcceptFrame(SharedBytes frame);
  bool Saturated() const;
  void ReadOn();
  void ArmRead();
  void ArmWrite();
  // Moves the answered head of slots_ to output_.
  void CollectAnswers();
  // The newest request waits for its turn.
  void WhenNext(Task task);
  void RunWhenFirst();
  void DropSent(size_t bytes);
  void CloseIfDrained();
  void ProtocolError(const std::string& reason);
  void AddInFlight(size_t bytes);
  void RemoveInFlight(size_t bytes);

  ConnectionTable& table_;
  asio::ip::tcp::socket socket_;
  ConnectionInfo info_;
  FrameReader reader_;
  std::deque<Slot> slots_;
  uint64_t first_sequence_ = 0;
  std::deque<SharedBytes> output_;
  // Bytes of output_.front() that have been sent.
  size_t front_sent_ = 0;
  size_t in_flight_bytes_ = 0;
  MonoTime last_progress_;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool flush_due_ = false;
  bool waits_for_budget_ = false;
  bool peer_closed_ = false;
  // No answer after this one: an abort stands in the queue.
  bool abort_due_ = false;
  std::string abort_reason_;
  bool closed_ = false;
};

}  // namespace weir::net
