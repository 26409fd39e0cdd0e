// GroupCallStream: the broker's calls about groups that may come by the thousand at once, on one
// stream to the active controller (proto/group_stream.proto).
//
//   asked --no batch is on its way--> sent --answer--> done
//   sent --the stream ends--> asked, for the next one
//   any --cancelled--> withdrawn, no `done`; any --timeout--> done with REQUEST_TIMED_OUT
//
// Laws:
//  1. One batch is on its way at most: what is asked meanwhile is the next one. The busier the
//     controller, the larger the batches, up to their limit.
//  2. Calls are sent in the order of asking; when a stream ends, those without an answer go first
//     on the next one.
//  3. There is a stream only once there was a call, and a new one only when there is a call for it.
//  4. `done` runs at most once, on the metadata thread.
// Thread rule: Call, and cancelling what it returns, from any thread; everything else on the
// metadata thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/metadata/controller_port.h"
#include "common/base/executor.h"
#include "common/rpc/controller_client.h"
#include "proto/group_stream.pb.h"

namespace weir::broker {

// The part of the controllers that it needs.
class GroupStreamPort {
 public:
  virtual ~GroupStreamPort() = default;
  virtual std::unique_ptr<rpc::GroupStream> OpenGroupStream(rpc::GroupStreamEvents events) = 0;
};

class GroupCallStream {
 public:
  // `controllers` outlives it, and it outlives the thread's running.
  GroupCallStream(std::shared_ptr<Executor> metadata_thread, GroupStreamPort& controllers)
      : thread_(std::move(metadata_thread)), controllers_(controllers) {}

  // The error of a call that the controller took no part in is its Result's; one in a reply is a
  // reply's.
  rpc::CallHandle Call(group::v1::JoinGroupRequest request, Duration timeout,
                       ReplyDone<group::v1::JoinGroupReply> done);
  rpc::CallHandle Call(group::v1::SyncGroupRequest request, Duration timeout,
                       ReplyDone<group::v1::SyncGroupReply> done);
  rpc::CallHandle Call(group::v1::ConsumerGroupHeartbeatRequest request, Duration timeout,
                       ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done);

 private:
  using AnswerDone = ReplyDone<group::v1::GroupCallAnswer>;
  struct Waiting {
    group::v1::GroupCall call;
    MonoTime deadline;
    AnswerDone done;
    bool sent = false;
  };

  rpc::CallHandle Ask(group::v1::GroupCall call, Duration timeout, AnswerDone done);
  void Add(uint64_t id, Waiting waiting);
  void Withdraw(uint64_t id);
  void SendNext();
  void Open();
  void OnAnswers(uint64_t attempt, group::v1::GroupAnswerBatch batch);
  void OnEnd(uint64_t attempt, const rpc::RpcError& error);
  void LookForLateOnes();

  const std::shared_ptr<Executor> thread_;
  GroupStreamPort& controllers_;
  std::atomic<uint64_t> last_id_ = 0;
  // By id.
  std::map<uint64_t, Waiting> waiting_;
  // Ids in the order of asking; some may be withdrawn already.
  std::deque<uint64_t> unsent_;
  // Sent on this stream, and to be withdrawn there.
  std::deque<uint64_t> cancelled_;
  // Null: there is none.
  std::unique_ptr<rpc::GroupStream> stream_;
  uint64_t attempt_ = 0;
  bool open_scheduled_ = false;
  bool look_scheduled_ = false;
  int hints_followed_ = 0;
  // What the batch holds that the controller has not taken yet.
  int on_the_way_ = 0;
};

}  // namespace weir::broker
