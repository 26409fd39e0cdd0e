// SimBroker's network: the Kafka connections between brokers, and Fetch as a leader serves it
// (broker/handlers/fetch.cc), on the simulated network. What else a broker asks goes the way of
// clients' requests.
#include <utility>

#include "broker/replica/fetch_clock.h"
#include "broker/wire/codec.h"
#include "broker/wire/messages/fetch.h"
#include "common/base/check.h"
#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_broker.h"

namespace weir::sim {
namespace {

constexpr int kDialerSide = 0;
constexpr int kListenerSide = 1;

replica::FetchRequest ToFetch(const wire::FetchRequest& request, MonoTime now) {
  replica::FetchRequest fetch;
  fetch.replica = NodeId(request.replica_state.replica_id);
  fetch.replica_epoch = BrokerEpoch(request.replica_state.replica_epoch);
  fetch.sent_after = replica::AnsweredAt(request.session_id, now);
  fetch.bytes_min = request.min_bytes;
  fetch.bytes_max = request.max_bytes;
  fetch.deadline = now + std::chrono::milliseconds(request.max_wait_ms);
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      fetch.parts.push_back({.partition = {topic.topic_id, PartitionIndex(partition.partition)},
                             .fetch_offset = Offset(partition.fetch_offset),
                             .bytes_max = partition.partition_max_bytes,
                             .current_leader_epoch = LeaderEpoch(partition.current_leader_epoch),
                             .last_fetched_epoch = LeaderEpoch(partition.last_fetched_epoch),
                             .follower_log_start = Offset(partition.log_start_offset)});
    }
  }
  return fetch;
}

wire::FetchResponse ToResponse(const wire::FetchRequest& request,
                               std::vector<replica::FetchOutcome> outcomes, MonoTime now) {
  wire::FetchResponse response;
  response.session_id = replica::AnswerId(now);
  size_t next = 0;
  for (const auto& topic : request.topics) {
    auto& answered = response.responses.emplace_back();
    answered.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      replica::FetchOutcome& outcome = outcomes.at(next++);
      auto& answer = answered.partitions.emplace_back();
      answer.partition_index = partition.partition;
      answer.error_code = outcome.error;
      answer.high_watermark = outcome.high_watermark.value();
      answer.last_stable_offset = outcome.last_stable_offset.value();
      answer.log_start_offset = outcome.log_start_offset.value();
      if (outcome.diverging) {
        answer.diverging_epoch = {.epoch = outcome.diverging->epoch.value(),
                                  .end_offset = outcome.diverging->end_offset.value()};
      }
      for (SharedBytes& run : outcome.records) answer.records->Append(std::move(run));
    }
  }
  return response;
}

}  // namespace

// The dialler's end, as long as anybody may have news for it.
class SimBroker::Frames {
 public:
  Frames(SimProcessPtr process, SimExecutor& executor, FrameEvents events)
      : process_(std::move(process)), executor_(executor), events_(std::move(events)) {}

  void Open() {
    Run([](FrameEvents& events) { events.on_open(); });
  }
  void Frame(SharedBytes frame) {
    Run([frame = std::move(frame)](FrameEvents& events) { events.on_frame(frame); });
  }
  void Broken() {
    Run([this](FrameEvents& events) {
      closed_ = true;
      events.on_close("the connection broke");
    });
  }
  void Close() { closed_ = true; }
  void KeepAlive(std::weak_ptr<Frames> self) { self_ = std::move(self); }

 private:
  void Run(std::function<void(FrameEvents&)> call) {
    if (!process_->alive) return;
    executor_.Post([self = self_.lock(), call = std::move(call)] {
      if (!self->closed_) call(self->events_);
    });
  }

  SimProcessPtr process_;
  SimExecutor& executor_;
  FrameEvents events_;
  std::weak_ptr<Frames> self_;
  bool closed_ = false;
};

// The listener's end.
struct SimBroker::ServedConnection {
  ConnectionPtr connection;
  SimProcessPtr process;
  std::shared_ptr<Frames> dialer;
  // Ends the long poll that is under way.
  std::function<void()> end_wait;
};

std::unique_ptr<FrameConnection> SimBroker::Dial(const std::string&, uint16_t port,
                                                 FrameEvents events) {
  class Dialled : public FrameConnection {
   public:
    Dialled(ConnectionPtr connection, std::shared_ptr<Frames> frames)
        : connection_(std::move(connection)), frames_(std::move(frames)) {}
    ~Dialled() override {
      frames_->Close();
      connection_->BreakFrom(kDialerSide);
    }
    void Send(std::vector<SharedBytes> parts) override {
      connection_->Send(kDialerSide, [served = served, frame = WithoutSize({std::move(parts)})] {
        if (*served) (*served)(frame);
      });
    }
    // Set when the dial has arrived.
    std::shared_ptr<std::function<void(const SharedBytes&)>> served =
        std::make_shared<std::function<void(const SharedBytes&)>>();

   private:
    ConnectionPtr connection_;
    std::shared_ptr<Frames> frames_;
  };

  const NodeId listener(port);
  auto frames = std::make_shared<Frames>(process_, *shard_, std::move(events));
  frames->KeepAlive(frames);
  const ConnectionPtr connection =
      world_.network().Connect(address(), {Address::Kind::kBroker, listener.value()});
  auto dialled = std::make_unique<Dialled>(connection, frames);
  connection->OnBroken(kDialerSide, [frames] { frames->Broken(); });
  connection->Send(
      kDialerSide, [&world = world_, connection, frames, listener, served = dialled->served] {
        SimBroker* broker = world.FindBroker(listener);
        if (broker == nullptr) return connection->Break();
        auto state = std::make_shared<ServedConnection>(
            ServedConnection{connection, broker->process_, frames, nullptr});
        *served = [broker, state](const SharedBytes& frame) {
          if (!state->process->alive) return;
          broker->shard_->Post([broker, state, frame] { broker->Serve(state, frame); });
        };
        connection->Send(kListenerSide, [frames] { frames->Open(); });
      });
  return dialled;
}

void SimBroker::Serve(const std::shared_ptr<ServedConnection>& served, const SharedBytes& frame) {
  const auto envelope = wire::DecodeRequestHeader(frame);
  WEIR_CHECK(envelope.has_value(), "brokers understand each other");
  if (envelope->header.request_api_key != static_cast<int16_t>(wire::ApiKey::kFetch)) {
    return frontend_.Serve(frame, std::make_shared<net::PeerWatch>(),
                           [served](const std::optional<SharedBytes>& answer) {
                             if (!answer) return served->connection->Break();
                             served->connection->Send(
                                 kListenerSide,
                                 [dialer = served->dialer, answer] { dialer->Frame(*answer); });
                           });
  }
  auto decoded = wire::Decode<wire::FetchRequest>(envelope->body, envelope->version());
  WEIR_CHECK(decoded.has_value(), "brokers understand each other");
  auto request = std::make_shared<const wire::FetchRequest>(*std::move(decoded));
  // A follower does not wait behind its own long poll.
  if (served->end_wait) std::exchange(served->end_wait, nullptr)();
  served->end_wait = core_->partitions().Fetch(
      0, ToFetch(*request, shard_->Now()),
      [this, served, request, version = envelope->version(),
       correlation_id = envelope->correlation_id()](std::vector<replica::FetchOutcome> outcomes) {
        for (const replica::FetchOutcome& outcome : outcomes) world_.CountFetch(outcome);
        wire::Frame frame = wire::EncodeResponse(
            version, correlation_id, ToResponse(*request, std::move(outcomes), shard_->Now()));
        served->connection->Send(kListenerSide,
                                 [dialer = served->dialer, bytes = WithoutSize(std::move(frame))] {
                                   dialer->Frame(bytes);
                                 });
      });
}

}  // namespace weir::sim
