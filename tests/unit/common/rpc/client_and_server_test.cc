// Server, streams and ControllerClient against each other on loopback (J-34, R-57, X-19).
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "common/base/limits.h"
#include "common/rpc/byte_stream.h"
#include "common/rpc/channel.h"
#include "common/rpc/controller_client.h"
#include "common/rpc/server.h"
#include "common/rpc/server_streams.h"
#include "proto/admin.grpc.pb.h"
#include "proto/broker.grpc.pb.h"
#include "proto/group.grpc.pb.h"
#include "proto/group_stream.grpc.pb.h"

namespace weir::rpc {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

// Answers ListTopics and CreateTopics as told.
class FakeAdmin final : public admin::v1::AdminService::CallbackService {
 public:
  grpc::ServerUnaryReactor* ListTopics(grpc::CallbackServerContext* context,
                                       const admin::v1::ListTopicsRequest*,
                                       admin::v1::ListTopicsReply* reply) override {
    ++calls;
    reply->add_topics()->set_name(name);
    return Answer(context);
  }
  grpc::ServerUnaryReactor* CreateTopics(grpc::CallbackServerContext* context,
                                         const admin::v1::CreateTopicsRequest* request,
                                         admin::v1::CreateTopicsReply*) override {
    ++calls;
    std::lock_guard lock(mutex);
    request_ids.insert(request->context().request_id());
    tools.insert(request->context().tool());
    return Answer(context);
  }

  std::string name = "topic";
  std::atomic<int> calls = 0;
  // Once each; then OK.
  std::vector<grpc::Status> failures;
  // Instead of everything, when set.
  std::optional<grpc::Status> always;
  std::mutex mutex;
  std::set<std::string> request_ids;
  std::set<std::string> tools;

 private:
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context) {
    auto* reactor = context->DefaultReactor();
    grpc::Status status = always.value_or(grpc::Status::OK);
    if (!always && !failures.empty()) {
      status = failures.back();
      failures.pop_back();
    }
    reactor->Finish(status);
    return reactor;
  }
};

struct Running {
  explicit Running(std::vector<grpc::Service*> services) {
    auto started = Server::Start({.listen_address = "127.0.0.1:0"}, services);
    EXPECT_TRUE(started.has_value());
    server = *std::move(started);
    address = "127.0.0.1:" + std::to_string(server->port());
  }
  std::unique_ptr<Server> server;
  std::string address;
};

// One controller, and a client that knows it.
template <class Service>
struct Served {
  Service service;
  Running running{{&service}};
  ControllerClient client{{running.address}, {.tool = "test/1"}};
};

TEST(RpcServer, APortInUseIsAnErrorThatNamesIt) {
  FakeAdmin admin;
  Running running({&admin});
  FakeAdmin other;
  const auto second = Server::Start({.listen_address = running.address}, {&other});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(running.address), std::string::npos);
}

TEST(RpcServer, HealthFollowsServing) {
  FakeAdmin admin;
  Running running({&admin});
  const auto health = [&] {
    // grpc.health.v1.HealthCheckRequest of the whole server is empty; the reply is field 1, a
    // varint.
    const grpc::Slice nothing;
    const grpc::ByteBuffer empty(&nothing, 1);
    std::promise<RawReply> promise;
    RawUnaryCall(ChannelTo(running.address), "/grpc.health.v1.Health/Check", empty, kPatience, {},
                 [&](RawReply reply) { promise.set_value(std::move(reply)); });
    const RawReply reply = promise.get_future().get();
    if (!reply) return -1;
    grpc::Slice slice;
    EXPECT_TRUE(reply->DumpToSingleSlice(&slice).ok());
    return slice.size() == 2 ? static_cast<int>(slice.begin()[1]) : 0;
  };
  EXPECT_EQ(health(), 2);
  running.server->SetServing(true);
  EXPECT_EQ(health(), 1);
}

TEST(ControllerClient, PassesDeadAddressesOver) {
  FakeAdmin admin;
  Running running({&admin});
  ControllerClient client({"127.0.0.1:1", running.address}, {.tool = "test"});
  const auto reply = client.CallSync(kListTopics, {}, kPatience);
  ASSERT_TRUE(reply) << ToString(reply.error());
  EXPECT_EQ(reply->topics(0).name(), "topic");
}

TEST(ControllerClient, FollowsTheLeadersAddress) {
  FakeAdmin follower;
  FakeAdmin leader;
  leader.name = "from the leader";
  Running second({&leader});
  Running first({&follower});
  follower.always = ToGrpcStatus({ErrorCode::kNotController, "no"}, second.address);
  ControllerClient client({first.address, second.address}, {.tool = "test"});
  const auto reply = client.CallSync(kListTopics, {}, kPatience);
  ASSERT_TRUE(reply) << ToString(reply.error());
  EXPECT_EQ(reply->topics(0).name(), "from the leader");
}

TEST(ControllerClient, J34_EveryAttemptOfAChangeHasTheSameRequestId) {
  Served<FakeAdmin> served;
  FakeAdmin& admin = served.service;
  admin.failures = {ToGrpcStatus({ErrorCode::kNotController, "electing"}),
                    ToGrpcStatus({ErrorCode::kNotController, "electing"})};
  ASSERT_TRUE(served.client.CallSync(kCreateTopics, {}, kPatience));
  EXPECT_EQ(admin.calls, 3);
  EXPECT_EQ(admin.request_ids.size(), 1u);
  EXPECT_EQ(admin.request_ids.begin()->size(), 22u);
  EXPECT_EQ(*admin.tools.begin(), "test/1");
}

TEST(ControllerClient, AnyOtherErrorIsFinal) {
  Served<FakeAdmin> served;
  served.service.failures = {ToGrpcStatus({ErrorCode::kTopicAlreadyExists, "there"})};
  const auto reply = served.client.CallSync(kCreateTopics, {}, kPatience);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error(), (Error{ErrorCode::kTopicAlreadyExists, "there"}));
  EXPECT_EQ(served.service.calls, 1);
}

TEST(ControllerClient, WithoutAnyControllerTheErrorNamesTheAddress) {
  ControllerClient client({"127.0.0.1:1"}, {.tool = "test"});
  const auto reply = client.CallSync(kListTopics, {}, std::chrono::milliseconds(200));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kNetworkException);
  EXPECT_NE(reply.error().message.find("127.0.0.1:1"), std::string::npos);
}

TEST(ControllerClient, WhatALivingControllerSaysOutlastsTheSilenceOfOthers) {
  FakeAdmin follower;
  follower.always = ToGrpcStatus({ErrorCode::kNotController, "no majority"});
  Running living({&follower});
  ControllerClient client({"127.0.0.1:1", living.address, "127.0.0.1:2"},
                          {.tool = "test", .retry_pause = std::chrono::milliseconds(1)});
  const auto reply = client.CallSync(kCreateTopics, admin::v1::CreateTopicsRequest(),
                                     std::chrono::milliseconds(300));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kNotController);
  EXPECT_EQ(reply.error().message, "no majority");
}

// Leaves wait until their caller gives up.
class PatientGroups final : public group::v1::GroupService::CallbackService {
 public:
  class Waiting final : public grpc::ServerUnaryReactor {
   public:
    explicit Waiting(PatientGroups& owner) : owner_(owner) { ++owner_.waiting; }
    void OnCancel() override { Finish(grpc::Status::CANCELLED); }
    void OnDone() override {
      --owner_.waiting;
      delete this;
    }

   private:
    PatientGroups& owner_;
  };
  grpc::ServerUnaryReactor* LeaveGroup(grpc::CallbackServerContext*,
                                       const group::v1::LeaveGroupRequest*,
                                       group::v1::LeaveGroupReply*) override {
    ++calls;
    return new Waiting(*this);
  }

  std::atomic<int> calls = 0;
  std::atomic<int> waiting = 0;
};

CallHandle Leave(ControllerClient& client,
                 std::function<void(Result<group::v1::LeaveGroupReply>)> done) {
  return client.Call<group::v1::LeaveGroupRequest, group::v1::LeaveGroupReply>(
      kLeaveGroup, {}, kPatience, std::move(done));
}

TEST(ControllerClient, ACancelledCallEndsAtBothSidesAndIsNotRepeated) {
  Served<PatientGroups> groups;
  std::promise<bool> answered;
  const CallHandle call =
      Leave(groups.client, [&](const auto& reply) { answered.set_value(reply.has_value()); });
  while (groups.service.waiting == 0) std::this_thread::yield();
  call.Cancel();
  EXPECT_FALSE(answered.get_future().get());
  while (groups.service.waiting != 0) std::this_thread::yield();
  EXPECT_EQ(groups.service.calls, 1);
  call.Cancel();
}

// Echoes epochs; ends the stream after a heartbeat that says `stopped`.
class FakeBrokers final : public broker::v1::BrokerService::CallbackService {
 public:
  using Stream = ServerSession<broker::v1::SessionRequest, broker::v1::SessionReply>;
  grpc::ServerBidiReactor<broker::v1::SessionRequest, broker::v1::SessionReply>* Session(
      grpc::CallbackServerContext*) override {
    auto stream = Stream::Make();
    Stream::Events events;
    events.on_message = [stream](broker::v1::SessionRequest request) {
      broker::v1::SessionReply reply;
      reply.set_broker_epoch(request.heartbeat().broker_epoch());
      stream->Send(reply);
      if (request.heartbeat().stopped()) stream->End(grpc::Status::OK);
    };
    events.on_done = [this] { ++done; };
    stream->Start(std::move(events));
    return stream.get();
  }
  grpc::ServerWriteReactor<broker::v1::FetchMetadataReply>* FetchMetadata(
      grpc::CallbackServerContext*, const broker::v1::FetchMetadataRequest* request) override {
    using Push = ServerPush<broker::v1::FetchMetadataReply>;
    auto next = std::make_shared<int64_t>(request->from_offset());
    auto holder = std::make_shared<std::weak_ptr<Push>>();
    Push::Events events;
    events.on_sent = [next, holder] { SendOne(holder->lock(), next); };
    events.on_done = [this] { ++done; };
    auto stream = Push::Start(std::move(events));
    *holder = stream;
    SendOne(stream, next);
    return stream.get();
  }
  std::atomic<int> done = 0;

 private:
  static void SendOne(const std::shared_ptr<ServerPush<broker::v1::FetchMetadataReply>>& stream,
                      const std::shared_ptr<int64_t>& next) {
    if (*next == 5) return stream->End(ToGrpcStatus({ErrorCode::kNotController, "enough"}));
    broker::v1::FetchMetadataReply reply;
    reply.mutable_batches()->set_committed_offset((*next)++);
    stream->Send(std::move(reply));
  }
};

// A session at the second of the client's two controllers, which answers it. The first one serves
// none.
class SecondSession {
 public:
  explicit SecondSession(ControllerClient& client) {
    std::promise<void> refused;
    const auto none = client.OpenSession({nullptr, [&](const RpcError&) { refused.set_value(); }});
    refused.get_future().wait();
    session_ = client.OpenSession(
        {[](const broker::v1::SessionReply&) {}, [this](const RpcError&) { ended_.set_value(); }});
    session_->Send({});
  }
  ~SecondSession() {
    session_->Cancel();
    ended_.get_future().wait();
  }

 private:
  std::promise<void> ended_;
  std::unique_ptr<SessionStream> session_;
};

// A paused controller keeps its connections: who waits there for its answer goes on to the next
// leader as soon as that one has answered the session.
TEST(ControllerClient, CallsDoNotWaitAtAControllerThatIsNoLongerTheLeader) {
  PatientGroups paused;
  Running first({&paused});
  FakeBrokers brokers;
  PatientGroups patient;
  Running second({&brokers, &patient});
  ControllerClient client({first.address, second.address}, {.tool = "test"});
  std::promise<void> done;
  const CallHandle call = Leave(client, [&](const auto&) { done.set_value(); });
  while (paused.waiting == 0) std::this_thread::yield();
  const SecondSession session(client);
  while (patient.waiting == 0) std::this_thread::yield();
  while (paused.waiting != 0) std::this_thread::yield();
  EXPECT_EQ(paused.calls, 1);
  EXPECT_EQ(patient.calls, 1);
  call.Cancel();
  done.get_future().wait();
}

// Takes calls about groups and answers none.
class PatientGroupStreams final : public group::v1::GroupStreamService::CallbackService {
 public:
  using Stream = ServerSession<group::v1::GroupCallBatch, group::v1::GroupAnswerBatch>;
  grpc::ServerBidiReactor<group::v1::GroupCallBatch, group::v1::GroupAnswerBatch>* Calls(
      grpc::CallbackServerContext*) override {
    auto stream = Stream::Make();
    Stream::Events events;
    events.on_message = [this](const group::v1::GroupCallBatch&) { ++batches; };
    events.on_done = [this] { ++done; };
    stream->Start(std::move(events));
    return stream.get();
  }
  std::atomic<int> batches = 0;
  std::atomic<int> done = 0;
};

TEST(ControllerClient, AGroupStreamDoesNotStayAtAControllerThatIsNoLongerTheLeader) {
  PatientGroupStreams paused;
  Running first({&paused});
  FakeBrokers brokers;
  Running second({&brokers});
  ControllerClient client({first.address, second.address}, {.tool = "test"});
  std::promise<RpcError> cut;
  const auto stream = client.OpenGroupStream({[](const group::v1::GroupAnswerBatch&) {},
                                              [&](const RpcError& end) { cut.set_value(end); }});
  stream->Send({});
  while (paused.batches == 0) std::this_thread::yield();
  const SecondSession session(client);
  EXPECT_EQ(cut.get_future().get().error.code, ErrorCode::kNetworkException);
  while (paused.done == 0) std::this_thread::yield();
}

TEST(Streams, ASessionCarriesBothWaysAndEndsOnce) {
  Served<FakeBrokers> brokers;
  std::mutex mutex;
  std::vector<int64_t> epochs;
  std::promise<RpcError> ended;
  auto session =
      brokers.client.OpenSession({[&](broker::v1::SessionReply reply) {
                                    std::lock_guard lock(mutex);
                                    epochs.push_back(reply.broker_epoch());
                                  },
                                  [&](RpcError end) { ended.set_value(std::move(end)); }});
  for (int i = 1; i <= 10; ++i) {
    broker::v1::SessionRequest request;
    request.mutable_heartbeat()->set_broker_epoch(i);
    request.mutable_heartbeat()->set_stopped(i == 10);
    session->Send(request);
  }
  EXPECT_EQ(ended.get_future().get().error.code, ErrorCode::kNone);
  EXPECT_EQ(epochs, (std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(Streams, DroppingTheHandleEndsTheStreamAtBothEnds) {
  FakeBrokers brokers;
  std::promise<RpcError> ended;
  {
    Running running({&brokers});
    ControllerClient client({running.address}, {.tool = "test"});
    std::promise<void> answered;
    auto session =
        client.OpenSession({[&](const broker::v1::SessionReply&) { answered.set_value(); },
                            [&](RpcError end) { ended.set_value(std::move(end)); }});
    session->Send({});
    answered.get_future().wait();
    session.reset();
    EXPECT_EQ(ended.get_future().get().error.code, ErrorCode::kNetworkException);
  }
  EXPECT_EQ(brokers.done, 1);
}

TEST(Streams, AServerStreamComesInOrderAndItsErrorArrives) {
  Served<FakeBrokers> brokers;
  std::mutex mutex;
  std::vector<int64_t> offsets;
  std::promise<RpcError> ended;
  auto feed =
      brokers.client.FetchMetadata({}, {[&](broker::v1::FetchMetadataReply reply) {
                                          std::lock_guard lock(mutex);
                                          offsets.push_back(reply.batches().committed_offset());
                                        },
                                        [&](RpcError end) { ended.set_value(std::move(end)); }});
  EXPECT_EQ(ended.get_future().get().error, (Error{ErrorCode::kNotController, "enough"}));
  EXPECT_EQ(offsets, (std::vector<int64_t>{0, 1, 2, 3, 4}));
}

// A listener that accepts connections and never says a word: no call gets beyond its queue.
struct SilentListener {
  SilentListener() : fd(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    EXPECT_EQ(listen(fd, 8), 0);
    socklen_t size = sizeof(name);
    getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
    address = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  }
  ~SilentListener() { close(fd); }
  int fd;
  std::string address;
};

TEST(Streams, R57_AFullQueueDropsTheOldest) {
  const SilentListener silent;
  std::promise<grpc::Status> ended;
  auto stream = ByteStream::Open(
      ChannelTo(silent.address), "/weir.raft.v1.RaftService/Deliver", {.queue_messages_max = 3},
      {{}, [&](grpc::Status status) { ended.set_value(std::move(status)); }});
  size_t dropped = 0;
  for (int i = 0; i < 10; ++i) dropped += stream->Send(ToByteBuffer(admin::v1::RequestContext()));
  EXPECT_EQ(dropped, 7u);
  stream->Cancel();
  EXPECT_FALSE(ended.get_future().get().ok());
  EXPECT_EQ(stream->Send(ToByteBuffer(admin::v1::RequestContext())), 0u);
}

TEST(RpcServer, X19_AMessageOverTheLimitIsRefusedAndTheServerGoesOn) {
  Served<FakeAdmin> admin;
  admin::v1::CreateTopicsRequest large;
  large.add_topics()->set_name(std::string(limits::kRpcMessageBytesMax + 1, 'x'));
  EXPECT_FALSE(admin.client.CallSync(kCreateTopics, large, kPatience));
  EXPECT_TRUE(admin.client.CallSync(kListTopics, {}, kPatience));
}

}  // namespace
}  // namespace weir::rpc
