// SimControllerLink: see sim_controller_link.h.
#include "tests/sim/cluster/sim_controller_link.h"

#include <algorithm>
#include <utility>

#include "controller/state/alter_partition.h"
#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_call.h"

namespace weir::sim {
namespace {

constexpr int kBrokerSide = 0;
constexpr int kControllerSide = 1;

int32_t NextController(int32_t id) { return id % ClusterWorld::kControllers + 1; }

// A stream as both of its ends know it.
template <class Events>
struct Stream {
  ConnectionPtr connection;
  Events events;
  std::function<void(const rpc::RpcError&)> learn;
  // The controller's, once it has opened its end.
  uint64_t id = 0;
  bool ended = false;
  // When the last message that is late is there.
  int64_t held_until_ms = 0;

  void End(const rpc::RpcError& error) {
    if (std::exchange(ended, true)) return;
    learn(error);
    events.on_end(error);
  }
};
using Session = Stream<rpc::SessionEvents>;
using Feed = Stream<rpc::MetadataEvents>;
using GroupCalls = Stream<rpc::GroupStreamEvents>;

template <class StreamPtr>
void SendEnd(const StreamPtr& stream, rpc::RpcError error) {
  stream->connection->Send(kControllerSide, [stream, error = std::move(error)] {
    stream->End(error);
    stream->connection->BreakFrom(kBrokerSide);
  });
}

// Has it arrive so much later, and not before what is late already.
template <class StreamPtr>
void ArriveLate(ClusterWorld& world, const StreamPtr& stream, int64_t late_ms,
                const std::function<void()>& arrive) {
  const int64_t now_ms = world.now_ms();
  stream->held_until_ms = std::max(stream->held_until_ms, now_ms + late_ms);
  if (stream->held_until_ms == now_ms) return arrive();
  world.After(stream->held_until_ms - now_ms, arrive);
}

// The broker has read a message: `told` runs on the controller's loop, in that life.
template <class StreamPtr>
void SendRead(const StreamPtr& stream, SimController& controller, const SimProcessPtr& life,
              std::function<void(SimController&)> told) {
  stream->connection->Send(kBrokerSide, [&controller, life, told = std::move(told)] {
    controller.PostIn(life, [&controller, told] { told(controller); });
  });
}

// The controller's end of a session.
class SessionEnd : public quorum::SessionHandle {
 public:
  SessionEnd(SimController& controller, std::shared_ptr<Session> stream)
      : controller_(controller), stream_(std::move(stream)) {}
  void Reply(broker::v1::SessionReply reply) override {
    stream_->connection->Send(kControllerSide, [stream = stream_, reply = std::move(reply)] {
      if (!stream->ended) stream->events.on_reply(reply);
    });
  }
  void End(Status status) override { SendEnd(stream_, EndOf(status, controller_.leader_id())); }

 private:
  SimController& controller_;
  std::shared_ptr<Session> stream_;
};

class FeedEnd : public quorum::FeedSubscriber {
 public:
  FeedEnd(ClusterWorld& world, SimController& controller, std::shared_ptr<Feed> stream)
      : world_(world), controller_(controller), stream_(std::move(stream)) {}
  void Send(broker::v1::FetchMetadataReply reply) override {
    auto arrive = [stream = stream_, reply = std::move(reply), &world = world_,
                   &controller = controller_, life = controller_.process()] {
      if (stream->ended) return;
      if (reply.snapshot().last()) ++world.probes().metadata_snapshots;
      stream->events.on_reply(reply);
      SendRead(stream, controller, life,
               [stream](SimController& sender) { sender.feed().OnSent(stream->id); });
    };
    stream_->connection->Send(kControllerSide,
                              [stream = stream_, &world = world_, arrive = std::move(arrive)] {
                                ArriveLate(world, stream, world.LateNewsMs(), arrive);
                              });
  }
  void End(const Error& reason) override { SendEnd(stream_, {reason, ""}); }

 private:
  ClusterWorld& world_;
  SimController& controller_;
  std::shared_ptr<Feed> stream_;
};

// The controller's end of a stream of calls about groups.
class GroupCallsEnd : public quorum::GroupStreamHandle {
 public:
  GroupCallsEnd(SimController& controller, std::shared_ptr<GroupCalls> stream)
      : controller_(controller), stream_(std::move(stream)) {}
  void Send(group::v1::GroupAnswerBatch batch) override {
    stream_->connection->Send(
        kControllerSide, [stream = stream_, batch = std::move(batch), &controller = controller_,
                          life = controller_.process()] {
          if (stream->ended) return;
          stream->events.on_reply(batch);
          SendRead(stream, controller, life,
                   [stream](SimController& sender) { sender.group_streams().OnSent(stream->id); });
        });
  }
  void End(const Error& reason) override {
    SendEnd(stream_, EndOf(tl::unexpected<Error>(reason), controller_.leader_id()));
  }

 private:
  SimController& controller_;
  std::shared_ptr<GroupCalls> stream_;
};

// The broker's end of any stream.
template <class Base, class Shared>
class BrokerEnd : public Base {
 public:
  explicit BrokerEnd(std::shared_ptr<Shared> stream) : stream_(std::move(stream)) {}
  ~BrokerEnd() override {
    if (!closing_) Cancel();
  }
  void Cancel() override {
    stream_->connection->BreakFrom(kBrokerSide);
    // Nobody is told; but who is left is not asked next.
    if (!std::exchange(stream_->ended, true)) stream_->learn(ConnectionLost());
  }

 protected:
  std::shared_ptr<Shared> stream_;
  // What was sent still arrives, as on a connection that is closed in order.
  bool closing_ = false;
};

class SessionStreamEnd : public BrokerEnd<rpc::SessionStream, Session> {
 public:
  SessionStreamEnd(std::shared_ptr<Session> stream, ClusterWorld& world, NodeId controller)
      : BrokerEnd(std::move(stream)), world_(world), controller_(controller) {}
  void Send(broker::v1::SessionRequest request) override {
    stream_->connection->Send(kBrokerSide, [stream = stream_, &world = world_, id = controller_,
                                            request = std::move(request)] {
      SimController* controller = world.FindController(id);
      if (controller == nullptr) return;
      controller->PostIn(controller->process(), [controller, stream, request] {
        if (stream->id != 0) controller->sessions().OnMessage(stream->id, request);
      });
    });
  }
  void CloseSending() override { closing_ = true; }

 private:
  ClusterWorld& world_;
  NodeId controller_;
};

class GroupStreamEnd : public BrokerEnd<rpc::GroupStream, GroupCalls> {
 public:
  GroupStreamEnd(std::shared_ptr<GroupCalls> stream, ClusterWorld& world, NodeId controller)
      : BrokerEnd(std::move(stream)), world_(world), controller_(controller) {}
  void Send(group::v1::GroupCallBatch batch) override {
    if (batch.calls_size() > 1) ++world_.probes().group_batches_of_several;
    stream_->connection->Send(kBrokerSide, [stream = stream_, &world = world_, id = controller_,
                                            batch = std::move(batch)] {
      SimController* controller = world.FindController(id);
      if (controller == nullptr) return;
      ArriveLate(world, stream, world.ArrivalsOfCall().back(),
                 [controller, stream, batch, life = controller->process()] {
                   controller->PostIn(life, [controller, stream, batch] {
                     // What has not been read when the broker has gone is not read any more.
                     if (stream->id == 0 || stream->connection->broken()) return;
                     controller->group_streams().OnBatch(stream->id, batch);
                   });
                 });
    });
  }

 private:
  ClusterWorld& world_;
  NodeId controller_;
};

// Calls `open` on the controller's loop when the dial arrives; breaks the connection when nobody
// listens there.
template <class Shared>
void Dial(ClusterWorld& world, NodeId id, const std::shared_ptr<Shared>& stream,
          std::function<void(SimController&)> open, std::function<void(SimController&)> on_end) {
  stream->connection->OnBroken(kBrokerSide, [stream] { stream->End(ConnectionLost()); });
  stream->connection->Send(kBrokerSide, [&world, id, stream, open, on_end] {
    SimController* controller = world.FindController(id);
    if (controller == nullptr) return stream->connection->Break();
    const SimProcessPtr life = controller->process();
    stream->connection->OnBroken(kControllerSide, [controller, life, on_end] {
      controller->PostIn(life, [controller, on_end] { on_end(*controller); });
    });
    controller->PostIn(life, [controller, open] { open(*controller); });
  });
}

}  // namespace

rpc::RpcError ConnectionLost() {
  return {{ErrorCode::kNetworkException, "the connection broke"}, ""};
}

rpc::RpcError EndOf(const Status& status, NodeId leader) {
  if (status) return {{ErrorCode::kNone, "ended"}, ""};
  return {status.error(), leader == kNoNode ? "" : ToString(leader)};
}

void SimControllerLink::Learn(NodeId asked, const rpc::RpcError& error) {
  if (error.error.code == ErrorCode::kNone) return;
  if (!error.leader_address.empty()) {
    leader_ = static_cast<int32_t>(std::stoi(error.leader_address));
  } else if (leader_ == asked.value()) {
    leader_ = NextController(leader_);
  }
}

std::function<void(const rpc::RpcError&)> SimControllerLink::LearnFrom(NodeId asked) {
  return [this, asked, process = process_](const rpc::RpcError& error) {
    if (process->alive) Learn(asked, error);
  };
}

void SimControllerLink::AnsweredAsLeader(NodeId id) {
  leader_ = id.value();
  if (cut_group_stream_ == nullptr || group_stream_at_ == id) return;
  std::exchange(cut_group_stream_, nullptr)();
}

std::unique_ptr<rpc::SessionStream> SimControllerLink::OpenSession(rpc::SessionEvents events) {
  const NodeId id(leader_);
  auto stream = std::make_shared<Session>();
  stream->connection = world_.network().Connect(self_, {Address::Kind::kController, id.value()});
  stream->events.on_reply = [this, id, process = process_, answered = false,
                             on_reply = std::move(events.on_reply)](const auto& reply) mutable {
    if (!std::exchange(answered, true) && process->alive) AnsweredAsLeader(id);
    on_reply(reply);
  };
  stream->events.on_end = std::move(events.on_end);
  stream->learn = LearnFrom(id);
  Dial(
      world_, id, stream,
      [stream](SimController& controller) {
        stream->id = controller.sessions().Open(std::make_unique<SessionEnd>(controller, stream));
      },
      [stream](SimController& controller) {
        if (stream->id != 0) controller.sessions().OnEnd(stream->id);
      });
  return std::make_unique<SessionStreamEnd>(stream, world_, id);
}

std::unique_ptr<rpc::StreamHandle> SimControllerLink::FetchMetadata(
    const broker::v1::FetchMetadataRequest& request, rpc::MetadataEvents events) {
  const NodeId id(feeder_);
  auto stream = std::make_shared<Feed>();
  stream->connection = world_.network().Connect(self_, {Address::Kind::kController, id.value()});
  stream->events = std::move(events);
  stream->learn = [this, process = process_](const rpc::RpcError&) {
    if (process->alive) feeder_ = NextController(feeder_);
  };
  const LogIndex from(static_cast<uint64_t>(std::max<int64_t>(0, request.from_offset())));
  Dial(
      world_, id, stream,
      [&world = world_, stream, from](SimController& controller) {
        stream->id =
            controller.feed().Subscribe(from, std::make_unique<FeedEnd>(world, controller, stream));
      },
      [stream](SimController& controller) { controller.feed().Unsubscribe(stream->id); });
  return std::make_unique<BrokerEnd<rpc::StreamHandle, Feed>>(stream);
}

std::unique_ptr<rpc::GroupStream> SimControllerLink::OpenGroupStream(
    rpc::GroupStreamEvents events) {
  ++world_.probes().group_streams;
  const NodeId id(leader_);
  auto stream = std::make_shared<GroupCalls>();
  stream->connection = world_.network().Connect(self_, {Address::Kind::kController, id.value()});
  stream->events = std::move(events);
  stream->learn = LearnFrom(id);
  Dial(
      world_, id, stream,
      [stream](SimController& controller) {
        stream->id =
            controller.group_streams().Open(std::make_unique<GroupCallsEnd>(controller, stream));
      },
      [stream](SimController& controller) {
        if (stream->id != 0) controller.group_streams().OnEnd(stream->id);
      });
  group_stream_at_ = id;
  cut_group_stream_ = [weak = std::weak_ptr(stream)] {
    const auto open = weak.lock();
    if (open == nullptr || open->ended) return;
    open->connection->BreakFrom(kBrokerSide);
    open->End(ConnectionLost());
  };
  return std::make_unique<GroupStreamEnd>(stream, world_, id);
}

// ---- AlterPartition ---------------------------------------------------------------------

void SimControllerLink::AlterPartition(broker::v1::AlterPartitionRequest request, Duration timeout,
                                       broker::ReplyDone<broker::v1::AlterPartitionReply> done) {
  using Reply = broker::v1::AlterPartitionReply;
  const auto serve = [request](SimController& controller, SimCall<Reply>::Answer answer) {
    quorum::Change<Reply> change;
    change.cause.set_principal("Broker:" + std::to_string(request.broker_id()));
    change.cause.set_tool("weir-broker");
    change.cause.set_method("AlterPartition");
    change.deadline = controller.loop().Now() + std::chrono::seconds(30);
    change.decide = [&controller, request](const state::DecisionContext& context) {
      return controller.controller().log_evidence().AlterPartition(context, request);
    };
    change.done = [answer = std::move(answer)](Result<Reply> reply, LogIndex) {
      answer(std::move(reply));
    };
    controller.controller().Submit(std::move(change));
  };
  auto call = std::make_shared<SimCall<Reply>>(
      *this, serve, [this, request, done = std::move(done)](Result<Reply> reply) mutable {
        world_.OnAlterPartitionAnswered(self_, request, reply);
        done(std::move(reply));
      });
  thread_->Post([call, timeout] { call->Start(timeout); });
}

}  // namespace weir::sim
