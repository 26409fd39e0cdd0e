// SimCall: one unary call of a simulated broker to the active controller, as
// rpc::ControllerClient makes it: to the next controller where one does not answer or is not the
// active one, until the deadline.
//
// Laws:
//  1. `done` runs once, on the metadata thread of the life that asked.
//  2. A call may arrive late, and twice (ClusterProfile::late_call_percent).
// Thread rule: one thread.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_controller_link.h"

namespace weir::sim {

template <class Reply>
class SimCall : public std::enable_shared_from_this<SimCall<Reply>> {
 public:
  using Answer = std::function<void(Result<Reply>)>;
  // Runs on the controller's loop; answers now or later.
  using Serve = std::function<void(SimController&, Answer)>;

  SimCall(SimControllerLink& link, Serve serve, broker::ReplyDone<Reply> done)
      : link_(link), serve_(std::move(serve)), done_(std::move(done)) {}

  // On the metadata thread.
  void Start(Duration timeout) {
    deadline_ = link_.thread()->Now() + timeout;
    link_.thread()->PostAt(deadline_, [self = this->shared_from_this()] {
      self->Finish(Fail(ErrorCode::kRequestTimedOut, "no answer in time"));
    });
    Try();
  }
  void Cancel() {
    link_.thread()->Post([self = this->shared_from_this()] {
      self->Finish(Fail(ErrorCode::kNetworkException, "cancelled"));
    });
  }

 private:
  void Finish(Result<Reply> reply) {
    if (std::exchange(finished_, true)) return;
    if (connection_ != nullptr) connection_->BreakFrom(kBrokerSide);
    done_(std::move(reply));
  }

  void TryAgain(NodeId asked, const rpc::RpcError& error) {
    link_.Learn(asked, error);
    if (finished_) return;
    link_.thread()->PostAt(link_.thread()->Now() + std::chrono::milliseconds(50),
                           [self = this->shared_from_this()] {
                             if (!self->finished_) self->Try();
                           });
  }

  // Runs what comes back on the metadata thread of the life that asked.
  void Back(Task task) {
    if (link_process_->alive) thread_->Post(std::move(task));
  }

  void Try() {
    const auto self = this->shared_from_this();
    const NodeId id(link_.leader());
    ClusterWorld& world = link_.world();
    const ConnectionPtr connection =
        world.network().Connect(link_.self(), {Address::Kind::kController, id.value()});
    connection_ = connection;
    connection->OnBroken(kBrokerSide, [self, id] {
      self->Back([self, id] { self->TryAgain(id, ConnectionLost()); });
    });
    connection->Send(kBrokerSide, [self, &world, id, connection] {
      SimController* controller = world.FindController(id);
      if (controller == nullptr) return connection->Break();
      self->Arrive(world, *controller, id, connection);
    });
  }

  void Arrive(ClusterWorld& world, SimController& controller, NodeId id,
              const ConnectionPtr& connection) {
    const auto self = this->shared_from_this();
    const Answer answer = [self, &controller, id, connection](Result<Reply> reply) {
      const NodeId leader = controller.leader_id();
      connection->Send(kControllerSide, [self, id, reply, leader, connection] {
        connection->BreakFrom(kBrokerSide);
        self->Back([self, id, reply, leader] {
          if (!reply && reply.error().code == ErrorCode::kNotController) {
            return self->TryAgain(id, EndOf(tl::unexpected<Error>(reply.error()), leader));
          }
          self->Finish(reply);
        });
      });
    };
    for (const int64_t late_ms : world.ArrivalsOfCall()) {
      world.After(late_ms, [self, &controller, life = controller.process(), answer] {
        controller.PostIn(life, [self, &controller, answer] { self->serve_(controller, answer); });
      });
    }
  }

  static constexpr int kBrokerSide = 0;
  static constexpr int kControllerSide = 1;

  SimControllerLink& link_;
  const SimProcessPtr link_process_ = link_.process();
  const std::shared_ptr<SimExecutor> thread_ = link_.thread();
  const Serve serve_;
  broker::ReplyDone<Reply> done_;
  MonoTime deadline_;
  ConnectionPtr connection_;
  bool finished_ = false;
};

}  // namespace weir::sim
