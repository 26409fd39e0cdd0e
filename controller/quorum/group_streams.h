// GroupStreams: what comes on brokers' streams of calls about groups (proto/group_stream.proto)
// becomes calls of GroupCalls; what those answer goes back on the stream it came from.
//
//   OnBatch --each call--> GroupCalls --answered, now or later--> gathered --room for a message-->
//   Send
//
// Laws:
//  1. A message counts the calls taken since the last one only when all of them were begun: the
//     broker sends the next batch after that, so that everything else on the loop waits for one
//     batch of each broker at most.
//  2. A stream has at most one message on its way: answers gather meanwhile, a slow broker makes no
//     queue in gRPC.
//  3. Answers of all streams together leave at a pace, streams in turns: each makes its client ask
//     again, and thousands at once, as a generation has them, would keep everything else waiting.
//  4. The end of a stream withdraws its calls; a controller that is no longer active ends them all.
// Thread rule: loop thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "common/base/time.h"
#include "controller/quorum/group_calls.h"
#include "controller/quorum/metadata_machine.h"
#include "proto/group_stream.pb.h"

namespace weir::quorum {

// The way back to the broker.
class GroupStreamHandle {
 public:
  virtual ~GroupStreamHandle() = default;
  // GroupStreams::OnSent is called when there is room for another.
  virtual void Send(group::v1::GroupAnswerBatch batch) = 0;
  // Nothing more will come.
  virtual void End(const Error& reason) = 0;
};

class GroupStreams : public MetadataListener {
 public:
  using StreamId = uint64_t;

  GroupStreams(Executor& loop, ActiveController& controller, StreamedGroupCalls& calls)
      : loop_(loop), controller_(controller), calls_(calls) {}

  StreamId Open(std::unique_ptr<GroupStreamHandle> handle);
  // Streams that have ended are passed over.
  void OnBatch(StreamId id, const group::v1::GroupCallBatch& batch);
  void OnSent(StreamId id);
  // The broker's end: it has gone, or has had enough.
  void OnEnd(StreamId id);

  void OnCommitted(const std::vector<raft::Entry>&) override {}
  void OnRoleChange(const raft::RoleChange& change) override;

 private:
  struct Stream {
    std::unique_ptr<GroupStreamHandle> handle;
    // The broker's id -> the call's, of those not answered; 0 while it is being begun.
    std::map<uint64_t, state::GroupCallId> waiting;
    std::deque<group::v1::GroupCallAnswer> answers;
    int32_t taken = 0;
    bool sending = false;
    bool flush_posted = false;
  };

  void Begin(StreamId id, const group::v1::GroupCall& call);
  void Withdraw(StreamId id, uint64_t call_id);
  template <class Reply>
  StreamedGroupCalls::Done<Reply> AnswerTo(StreamId id, uint64_t call_id);
  void Answer(StreamId id, group::v1::GroupCallAnswer answer);
  // What comes of the loop's tasks that wait already goes with it.
  void FlushLater(StreamId id);
  void Flush(StreamId id);
  // Answers that may leave now.
  int Allowance() const;
  void FlushAtTurn();
  void OnTurn();
  void End(StreamId id, const Error& reason);

  Executor& loop_;
  ActiveController& controller_;
  StreamedGroupCalls& calls_;
  StreamId next_id_ = 1;
  std::map<StreamId, Stream> streams_;
  // When what has left would all have left at the pace.
  MonoTime paid_until_{};
  bool turn_posted_ = false;
  // The stream that sent last of its own turn: the ones behind it go first at the next.
  StreamId last_in_turn_ = 0;
};

}  // namespace weir::quorum
