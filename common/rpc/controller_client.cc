#include "common/rpc/controller_client.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "common/base/check.h"
#include "common/base/prng.h"
#include "common/base/uuid.h"
#include "common/rpc/byte_stream.h"
#include "common/rpc/channel.h"
#include "common/runtime/clock.h"

namespace weir::rpc {
namespace {

// A quorum has five voters at most; this many replacements are followed without a restart.
constexpr size_t kAddressesMax = 64;

}  // namespace

// What calls and streams share: the addresses, and which of them to try. Outlives the client while
// calls run.
struct ControllerClient::State {
  // A channel to the address that the next attempt should use.
  struct Target {
    std::string address;
    std::shared_ptr<grpc::Channel> channel;
  };

  State(std::vector<std::string> known, ControllerClientOptions given)
      : options(std::move(given)), addresses(std::move(known)) {}

  // The leader if it is known, else the next address in turn.
  Target ForLeader() {
    std::lock_guard lock(mutex);
    return Use(leader.empty() ? addresses[next % addresses.size()] : leader);
  }
  // Any controller.
  Target ForAny() {
    std::lock_guard lock(mutex);
    return Use(addresses[next % addresses.size()]);
  }

  // Learns from a failed attempt. Returns whether the next attempt is worth making at once.
  bool Failed(const Target& target, const RpcError& failure) {
    std::lock_guard lock(mutex);
    // Whatever comes of a hint, another address has its turn after it.
    if (addresses[next % addresses.size()] == target.address) ++next;
    if (failure.error.code == ErrorCode::kNotController && !failure.leader_address.empty() &&
        failure.leader_address != target.address) {
      leader = failure.leader_address;
      Learn(leader);
      return true;
    }
    if (leader == target.address) leader.clear();
    if (failure.error.code == ErrorCode::kNetworkException) DialAtOnce(target.channel);
    return false;
  }

  // Attempts that wait for another controller will not be answered by it: it may be paused, or cut
  // off, and would be waited for until the connection is given up.
  void AnsweredAsLeader(const Target& target) {
    std::vector<CancelCall> overtaken;
    {
      std::lock_guard lock(mutex);
      leader = target.address;
      for (auto& [id, attempt] : leader_attempts) {
        if (attempt.address == target.address) continue;
        attempt.overtaken = true;
        if (attempt.cancel) overtaken.push_back(attempt.cancel);
      }
    }
    for (const CancelCall& cancel : overtaken) cancel();
  }

  // ---- Attempts that only the leader answers, while they are under way ----

  uint64_t BeginAttempt(const Target& target) {
    std::lock_guard lock(mutex);
    leader_attempts[++last_attempt].address = target.address;
    return last_attempt;
  }
  void CanBeCut(uint64_t id, const CancelCall& cancel) {
    std::unique_lock lock(mutex);
    const auto attempt = leader_attempts.find(id);
    if (attempt == leader_attempts.end()) return;
    attempt->second.cancel = cancel;
    if (!attempt->second.overtaken) return;
    lock.unlock();
    cancel();
  }
  void EndAttempt(uint64_t id) {
    std::lock_guard lock(mutex);
    leader_attempts.erase(id);
  }

  // Voters are replaced while programs run: in the end none of the addresses a program was started
  // with may be left, so that it keeps those it is told. REQUIRES: mutex.
  void Learn(const std::string& address) {
    if (addresses.size() < kAddressesMax &&
        std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  // REQUIRES: mutex.
  Target Use(const std::string& address) { return {address, ChannelTo(address)}; }

  const ControllerClientOptions options;
  std::mutex mutex;
  std::vector<std::string> addresses;
  size_t next = 0;
  std::string leader;
  struct LeaderAttempt {
    std::string address;
    // Null until the attempt is on its way.
    CancelCall cancel;
    bool overtaken = false;
  };
  std::map<uint64_t, LeaderAttempt> leader_attempts;
  uint64_t last_attempt = 0;
};

namespace {

// One call with its attempts, kept alive by the callbacks of the attempt under way.
template <class State>
class RetryingCall : public std::enable_shared_from_this<RetryingCall<State>> {
 public:
  RetryingCall(std::shared_ptr<State> state, const char* path, bool leader_only,
               grpc::ByteBuffer request, Duration timeout,
               std::function<void(Result<grpc::ByteBuffer>)> done)
      : state_(std::move(state)),
        path_(path),
        leader_only_(leader_only),
        request_(std::move(request)),
        deadline_(runtime::SteadyNow() + timeout),
        done_(std::move(done)) {}

  void Attempt() {
    const Duration left = deadline_ - runtime::SteadyNow();
    if (left <= Duration(0)) return done_(tl::unexpected<Error>(LastError()));
    auto target = leader_only_ || hinted_ ? state_->ForLeader() : state_->ForAny();
    auto self = this->shared_from_this();
    const uint64_t attempt = leader_only_ ? state_->BeginAttempt(target) : 0;
    CancelCall cancel = RawUnaryCall(target.channel, path_, request_, left, {},
                                     [self, target, attempt](RawReply reply) {
                                       if (attempt != 0) self->state_->EndAttempt(attempt);
                                       if (reply) return self->done_(*std::move(reply));
                                       self->Failed(target, reply.error());
                                     });
    if (attempt != 0) state_->CanBeCut(attempt, cancel);
    bool cancelled = false;
    {
      std::lock_guard lock(mutex_);
      cancelled = cancelled_;
      cancel_attempt_ = cancel;
    }
    if (cancelled) cancel();
  }

  // Callable from any thread.
  void Cancel() {
    CancelCall cancel;
    {
      std::lock_guard lock(mutex_);
      cancelled_ = true;
      cancel = cancel_attempt_;
    }
    if (cancel) cancel();
  }

 private:
  void Failed(const typename State::Target& target, const RpcError& failure) {
    if (IsCancelled()) return done_(tl::unexpected<Error>(failure.error));
    const bool again = failure.error.code == ErrorCode::kNetworkException ||
                       failure.error.code == ErrorCode::kNotController;
    if (!again) {
      // The deadline hides why nobody answered: the error before it says more.
      const bool late =
          failure.error.code == ErrorCode::kRequestTimedOut && last_.code != ErrorCode::kNone;
      return done_(tl::unexpected<Error>(late ? LastError() : failure.error));
    }
    Remember(target, failure.error);
    hinted_ = state_->Failed(target, failure);
    const bool at_once = hinted_ && ++hints_followed_ % 4 != 0;
    if (at_once) return Attempt();
    const auto pause = std::min<Duration>(state_->options.retry_pause,
                                          std::max(Duration(0), deadline_ - runtime::SteadyNow()));
    // An alarm keeps its callback until it is destroyed, and the callback keeps the alarm: it lets
    // go of it itself.
    auto alarm = std::make_shared<std::unique_ptr<grpc::Alarm>>(std::make_unique<grpc::Alarm>());
    grpc::Alarm& running = **alarm;
    running.Set(std::chrono::system_clock::now() + pause,
                [self = this->shared_from_this(), alarm](bool) {
                  alarm->reset();
                  self->Attempt();
                });
  }

  bool IsCancelled() {
    std::lock_guard lock(mutex_);
    return cancelled_;
  }

  // A controller that answers knows more than one that is gone: silence does not replace its words.
  void Remember(const typename State::Target& target, const Error& error) {
    if (error.code != ErrorCode::kNetworkException) {
      last_ = error;
    } else if (last_.code != ErrorCode::kNotController) {
      last_ = {error.code,
               "no answer from the controller at " + target.address + " (" + error.message + ")"};
    }
  }

  Error LastError() const {
    if (last_.code == ErrorCode::kNone) {
      return {ErrorCode::kRequestTimedOut, "the deadline passed before a controller answered"};
    }
    return last_;
  }

  const std::shared_ptr<State> state_;
  const char* const path_;
  const bool leader_only_;
  const grpc::ByteBuffer request_;
  const MonoTime deadline_;
  const std::function<void(Result<grpc::ByteBuffer>)> done_;
  Error last_{ErrorCode::kNone, {}};
  // The last answer named the leader.
  bool hinted_ = false;
  int hints_followed_ = 0;
  // What other threads touch.
  std::mutex mutex_;
  bool cancelled_ = false;
  // Of the newest attempt.
  CancelCall cancel_attempt_;
};

class Stream final : public SessionStream {
 public:
  explicit Stream(std::shared_ptr<ByteStream> stream) : stream_(std::move(stream)) {}
  ~Stream() override { stream_->Cancel(); }
  void Cancel() override { stream_->Cancel(); }
  void Send(broker::v1::SessionRequest request) override { stream_->Send(ToByteBuffer(request)); }
  void CloseSending() override { stream_->CloseSending(); }

 private:
  const std::shared_ptr<ByteStream> stream_;
};

class GroupCalls final : public GroupStream {
 public:
  explicit GroupCalls(std::shared_ptr<ByteStream> stream) : stream_(std::move(stream)) {}
  ~GroupCalls() override { stream_->Cancel(); }
  void Cancel() override { stream_->Cancel(); }
  void Send(group::v1::GroupCallBatch batch) override { stream_->Send(ToByteBuffer(batch)); }

 private:
  const std::shared_ptr<ByteStream> stream_;
};

RpcError EndOf(const grpc::Status& status) {
  if (!status.ok()) return FromGrpcStatus(status);
  return {{ErrorCode::kNone, "the controller ended the stream"}, {}};
}

// Hands typed messages to `on_reply`; tells `state` how the stream ended.
template <class Reply, class State, class Events>
ByteStreamEvents Typed(std::shared_ptr<State> state, typename State::Target target, Events events,
                       bool to_leader) {
  ByteStreamEvents raw;
  auto answered = std::make_shared<bool>(false);
  raw.on_message = [state, target, to_leader, answered,
                    on_reply = std::move(events.on_reply)](grpc::ByteBuffer bytes) {
    if (to_leader && !*answered) state->AnsweredAsLeader(target);
    *answered = true;
    Result<Reply> reply = FromByteBuffer<Reply>(std::move(bytes));
    if (reply) on_reply(*std::move(reply));
  };
  raw.on_end = [state, target, on_end = std::move(events.on_end)](const grpc::Status& status) {
    RpcError end = EndOf(status);
    if (end.error.code != ErrorCode::kNone) state->Failed(target, end);
    on_end(std::move(end));
  };
  return raw;
}

}  // namespace

ControllerClient::ControllerClient(std::vector<std::string> addresses,
                                   ControllerClientOptions options) {
  WEIR_CHECK(!addresses.empty());
  state_ = std::make_shared<State>(std::move(addresses), std::move(options));
}

ControllerClient::~ControllerClient() = default;

const std::string& ControllerClient::tool() const { return state_->options.tool; }

std::string ControllerClient::NewRequestId() {
  Prng prng(runtime::RandomSeed());
  return Uuid::Random(prng).ToString();
}

CallHandle ControllerClient::RawCall(const char* path, bool leader_only, grpc::ByteBuffer request,
                                     Duration timeout, RawDone done) {
  auto call = std::make_shared<RetryingCall<State>>(state_, path, leader_only, std::move(request),
                                                    timeout, std::move(done));
  call->Attempt();
  return CallHandle([weak = std::weak_ptr(call)] {
    if (const auto running = weak.lock()) running->Cancel();
  });
}

std::unique_ptr<SessionStream> ControllerClient::OpenSession(SessionEvents events) {
  const State::Target target = state_->ForLeader();
  return std::make_unique<Stream>(ByteStream::Open(
      target.channel, "/weir.broker.v1.BrokerService/Session", {},
      Typed<broker::v1::SessionReply>(state_, target, std::move(events), /*to_leader=*/true)));
}

std::unique_ptr<StreamHandle> ControllerClient::FetchMetadata(
    const broker::v1::FetchMetadataRequest& request, MetadataEvents events) {
  const State::Target target = state_->ForAny();
  auto stream =
      ByteStream::Open(target.channel, "/weir.broker.v1.BrokerService/FetchMetadata", {},
                       Typed<broker::v1::FetchMetadataReply>(state_, target, std::move(events),
                                                             /*to_leader=*/false));
  stream->Send(ToByteBuffer(request));
  stream->CloseSending();
  return std::make_unique<Stream>(std::move(stream));
}

std::unique_ptr<GroupStream> ControllerClient::OpenGroupStream(GroupStreamEvents events) {
  const State::Target target = state_->ForLeader();
  const uint64_t attempt = state_->BeginAttempt(target);
  auto raw = Typed<group::v1::GroupAnswerBatch>(state_, target, std::move(events),
                                                /*to_leader=*/false);
  raw.on_end = [state = state_, attempt, on_end = std::move(raw.on_end)](const auto& status) {
    state->EndAttempt(attempt);
    on_end(status);
  };
  auto stream = ByteStream::Open(target.channel, "/weir.group.v1.GroupStreamService/Calls", {},
                                 std::move(raw));
  state_->CanBeCut(attempt, [weak = std::weak_ptr(stream)] {
    if (const auto running = weak.lock()) running->Cancel();
  });
  return std::make_unique<GroupCalls>(std::move(stream));
}

void ControllerClient::AddAddresses(const std::vector<std::string>& addresses) {
  std::lock_guard lock(state_->mutex);
  for (const std::string& address : addresses) state_->Learn(address);
}

}  // namespace weir::rpc
