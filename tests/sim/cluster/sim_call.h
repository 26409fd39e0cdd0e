// SimCall: one unary call of a simulated broker to the active controller, as
// rpc::ControllerClient makes it: to the next controller where one does not answer or is not the
// active one, until the deadline.
//
// Laws:
//  1. `done` runs once, on the metadata thread of the life that asked.
//  2. A call may arrive late, and twice (ClusterProfile::late_call_percent), unless it is in order.
//  3. A controller whose caller is gone hears of it, as of a connection that ends.
// Thread rule: one thread.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_controller_link.h"

namespace weir::sim {

// Withdraws what a controller serves, on its loop. Empty: it cannot be withdrawn.
using Withdraw = std::function<void(SimController&)>;

template <class Reply>
class SimCall : public std::enable_shared_from_this<SimCall<Reply>> {
 public:
  using Answer = std::function<void(Result<Reply>)>;
  // Runs on the controller's loop; answers now or later.
  using Serve = std::function<Withdraw(SimController&, Answer)>;

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
  // What a controller has begun for one attempt.
  struct Served {
    SimController* controller;
    SimProcessPtr life;
    std::vector<Withdraw> withdraws;
  };

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
    const auto served = std::make_shared<Served>(Served{&controller, controller.process(), {}});
    std::vector<int64_t> arrivals = world.ArrivalsOfCall();
    if (in_order_) arrivals.erase(arrivals.begin(), arrivals.end() - 1);
    for (const int64_t late_ms : arrivals) {
      world.After(late_ms, [self, served, answer, connection] {
        served->controller->PostIn(served->life, [self, served, answer, connection] {
          self->ServeOnce(*served, answer, connection);
        });
      });
    }
    if (!withdrawable_) return;
    connection->OnBroken(kControllerSide, [served] {
      served->controller->PostIn(served->life, [served] {
        for (const Withdraw& withdraw : served->withdraws) withdraw(*served->controller);
      });
    });
  }

  void ServeOnce(Served& served, const Answer& answer, const ConnectionPtr& connection) {
    if (in_order_ && connection->broken()) return;
    Withdraw withdraw = serve_(*served.controller, answer);
    if (!withdraw) return;
    // Nobody has waited for it any more when it came.
    if (connection->broken()) return withdraw(*served.controller);
    served.withdraws.push_back(std::move(withdraw));
  }

 public:
  // Before Start: the controller is told when nobody waits any more.
  void SetWithdrawable() { withdrawable_ = true; }
  // Before Start: it is served once at most, and not after the caller has given it up (law 3 of
  // client_calls.h).
  void SetInOrder() { in_order_ = true; }

 private:
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
  bool withdrawable_ = false;
  bool in_order_ = false;
};

}  // namespace weir::sim
