// OffsetCommit and OffsetFetch at a broker that does not coordinate the group, over a socket.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/messages/all.h"
#include "tests/unit/broker/handlers/group_fixture.h"

namespace weir::handlers {
namespace {

using wire::OffsetCommitRequest;
using wire::OffsetCommitResponse;
using wire::OffsetFetchRequest;
using wire::OffsetFetchResponse;

constexpr int32_t kCoordinator = 9;
// What the coordinator says, so that it is told from what this broker would.
constexpr ErrorCode kItsError = ErrorCode::kGroupAuthorizationFailed;
constexpr int64_t kItsOffset = 41;

// Longer than the client of these tests waits for an answer.
constexpr std::chrono::milliseconds kForever = std::chrono::hours(1);
constexpr std::chrono::milliseconds kShort{60};

// Broker 9: remembers what it is asked and answers at once, or closes. Any shard.
class Coordinator : public FrameDialer {
 public:
  explicit Coordinator(Executor& shard) : shard_(shard) {}

  std::unique_ptr<FrameConnection> Dial(const std::string& host, uint16_t port,
                                        FrameEvents events) override {
    EXPECT_EQ(host + ":" + std::to_string(port), "nine:99");
    auto connection = std::make_unique<Connection>(*this);
    auto shared = connection->events;
    *shared = std::move(events);
    shard_.Post([shared] { shared->on_open(); });
    return connection;
  }
  void RefuseFromNowOn() {
    const std::scoped_lock lock(mutex_);
    refuses_ = true;
  }
  void RefuseOnce() {
    const std::scoped_lock lock(mutex_);
    refuses_once_ = true;
  }
  // What the next fetches are answered with, before the offset.
  void SayToFetches(std::vector<ErrorCode> errors) {
    const std::scoped_lock lock(mutex_);
    fetch_errors_ = std::move(errors);
  }
  std::vector<std::string> asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

 private:
  class Connection : public FrameConnection {
   public:
    explicit Connection(Coordinator& owner) : owner_(owner) {}
    void Send(std::vector<SharedBytes> parts) override {
      const SharedBytes frame = wire::Frame{std::move(parts)}.Flatten();
      owner_.OnRequest(frame.Slice(wire::kFrameSizeBytes, frame.size() - wire::kFrameSizeBytes),
                       events);
    }
    std::shared_ptr<FrameEvents> events = std::make_shared<FrameEvents>();

   private:
    Coordinator& owner_;
  };

  void OnRequest(const SharedBytes& frame, std::shared_ptr<FrameEvents> to) {
    const std::scoped_lock lock(mutex_);
    if (refuses_ || std::exchange(refuses_once_, false)) {
      return shard_.Post([to] { to->on_close("refused"); });
    }
    const wire::RequestEnvelope envelope = wire::DecodeRequestHeader(frame).value();
    const SharedBytes answer =
        envelope.header.request_api_key == static_cast<int16_t>(wire::ApiKey::kOffsetCommit)
            ? OnCommit(envelope)
            : OnFetch(envelope);
    shard_.Post([to, answer] { to->on_frame(answer); });
  }
  SharedBytes OnCommit(const wire::RequestEnvelope& envelope) {
    const auto request =
        wire::Decode<OffsetCommitRequest>(envelope.body, envelope.version()).value();
    asked_.push_back("commit v" + std::to_string(envelope.version()) + " " + request.group_id +
                     " " + request.member_id);
    OffsetCommitResponse response;
    for (const auto& topic : request.topics) {
      auto& answered = response.topics.emplace_back();
      answered.name = topic.name;
      answered.topic_id = topic.topic_id;
      for (const auto& partition : topic.partitions) {
        answered.partitions.push_back(
            {.partition_index = partition.partition_index, .error_code = kItsError});
      }
    }
    return Encode(envelope, response);
  }
  SharedBytes OnFetch(const wire::RequestEnvelope& envelope) {
    const auto request =
        wire::Decode<OffsetFetchRequest>(envelope.body, envelope.version()).value();
    const int16_t version = envelope.version();
    asked_.push_back("fetch v" + std::to_string(version) + " " +
                     (version < 8 ? request.group_id : request.groups.at(0).group_id));
    ErrorCode error = ErrorCode::kNone;
    if (!fetch_errors_.empty()) {
      error = fetch_errors_.front();
      fetch_errors_.erase(fetch_errors_.begin());
    }
    OffsetFetchResponse response;
    if (version >= 8) {
      auto& group = response.groups.emplace_back();
      group.group_id = "g";
      group.error_code = error;
      AddTopic(group);
      return Encode(envelope, response);
    }
    AddTopic(response);
    // Version 1 has room for errors in partitions only.
    (version == 1 ? response.topics[0].partitions[0].error_code : response.error_code) = error;
    return Encode(envelope, response);
  }
  static void AddTopic(auto& to) {
    auto& topic = to.topics.emplace_back();
    topic.name = "t";
    topic.partitions.push_back(
        {.partition_index = 0, .committed_offset = kItsOffset, .metadata = ""});
  }
  template <class Response>
  static SharedBytes Encode(const wire::RequestEnvelope& envelope, const Response& response) {
    const SharedBytes frame =
        wire::EncodeResponse(envelope.version(), envelope.correlation_id(), response).Flatten();
    return frame.Slice(wire::kFrameSizeBytes, frame.size() - wire::kFrameSizeBytes);
  }

  Executor& shard_;
  std::mutex mutex_;
  bool refuses_ = false;
  bool refuses_once_ = false;
  std::vector<ErrorCode> fetch_errors_;
  std::vector<std::string> asked_;
};

class Forwarded : public GroupHandlers {
 protected:
  void SetUp() override {
    GroupHandlers::SetUp();
    CreateTopic("t");
    CreateTopic("__consumer_offsets");
    RegisterCoordinator(/*fenced=*/false);
    SetLeader(kCoordinator);
    CreateTopic("known");
  }
  void SetLeader(int32_t leader) {
    metadata::v1::MetadataBatch batch;
    auto* change = batch.add_records()->mutable_partition_change();
    change->set_topic_id(offsets_id_.ToBytes());
    change->set_leader(leader);
    controllers_->Append(std::move(batch));
  }
  void SetTimeout(std::chrono::milliseconds timeout) {
    AppendOffsetsTimeout(timeout);
    CreateTopic("timeout-known");
  }
  void RegisterCoordinator(bool fenced) {
    metadata::v1::MetadataBatch batch;
    auto* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(kCoordinator);
    broker->set_incarnation_id("incarnation-16by");
    broker->set_fenced(fenced);
    broker->set_inter_broker_listener("INTERNAL");
    broker->add_endpoints()->set_name("INTERNAL");
    broker->mutable_endpoints(0)->set_host("nine");
    broker->mutable_endpoints(0)->set_port(99);
    controllers_->Append(std::move(batch));
  }
  FrameDialer& PeerDialer(int shard) override {
    while (coordinators_.size() <= static_cast<size_t>(shard)) {
      coordinators_.push_back(
          std::make_unique<Coordinator>(shards_->at(static_cast<int>(coordinators_.size()))));
    }
    return *coordinators_[static_cast<size_t>(shard)];
  }

  void CreateTopic(const std::string& name) {
    wire::CreateTopicsRequest request;
    request.topics.push_back(
        {.name = name, .num_partitions = 1, .replication_factor = 1, .assignments = {}});
    const auto answer = Ask<wire::CreateTopicsResponse>(7, request);
    ASSERT_EQ(answer.topics.at(0).error_code, ErrorCode::kNone);
    if (name == "__consumer_offsets") offsets_id_ = answer.topics[0].topic_id;
    if (name == "t") topic_id_ = answer.topics[0].topic_id;
  }
  OffsetCommitRequest Commit(const std::string& group = "g") {
    OffsetCommitRequest request;
    request.group_id = group;
    request.member_id = "m";
    request.generation_id_or_member_epoch = 1;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.topic_id = topic_id_;
    topic.partitions.push_back({.partition_index = 0, .committed_offset = 7});
    return request;
  }
  ErrorCode CommitCode(int16_t version) {
    return Ask<OffsetCommitResponse>(version, Commit()).topics.at(0).partitions.at(0).error_code;
  }
  static OffsetFetchRequest FetchOf(int16_t version) {
    OffsetFetchRequest request;
    request.group_id = "g";
    if (version >= 8) request.groups.push_back({.group_id = "g", .member_id = {}, .topics = {}});
    if (version < 8) request.topics->push_back({.name = "t", .partition_indexes = {0}});
    return request;
  }
  static std::pair<ErrorCode, int64_t> Outcome(const OffsetFetchResponse& response) {
    if (response.error_code != ErrorCode::kNone) return {response.error_code, -1};
    if (!response.groups.empty() && response.groups[0].error_code != ErrorCode::kNone) {
      return {response.groups[0].error_code, -1};
    }
    const auto of = [](const auto& topics) {
      const auto& partition = topics.at(0).partitions.at(0);
      return std::pair(partition.error_code, partition.committed_offset);
    };
    return response.groups.empty() ? of(response.topics) : of(response.groups[0].topics);
  }
  std::pair<ErrorCode, int64_t> Fetch(int16_t version) {
    return Outcome(Ask<OffsetFetchResponse>(version, FetchOf(version)));
  }
  void TellFetches(const std::vector<ErrorCode>& errors) {
    for (const auto& each : coordinators_) each->SayToFetches(errors);
  }
  // On both shards together.
  std::vector<std::string> Asked() {
    std::vector<std::string> all;
    for (const auto& each : coordinators_) {
      const auto asked = each->asked();
      all.insert(all.end(), asked.begin(), asked.end());
    }
    return all;
  }

  Uuid offsets_id_;
  Uuid topic_id_;
  std::vector<std::unique_ptr<Coordinator>> coordinators_;
};

TEST_F(Forwarded, EveryVersionOfACommitIsHandedOn) {
  std::vector<std::string> expected;
  for (int16_t version = 2; version <= 10; ++version) {
    EXPECT_EQ(CommitCode(version), kItsError) << version;
    expected.push_back("commit v" + std::to_string(version) + " g m");
  }
  EXPECT_EQ(Asked(), expected);
}

TEST_F(Forwarded, AFetchOfOneGroupIsHandedOn) {
  std::vector<std::string> expected;
  for (int16_t version = 1; version <= 10; ++version) {
    EXPECT_EQ(Fetch(version), std::pair(ErrorCode::kNone, kItsOffset)) << version;
    expected.push_back("fetch v" + std::to_string(version) + " g");
  }
  EXPECT_EQ(Asked(), expected);
}

TEST_F(Forwarded, AFetchOfManyGroupsIsNeitherHandedOnNorTriedAgain) {
  SetTimeout(kForever);
  OffsetFetchRequest request = FetchOf(8);
  request.groups.push_back({.group_id = "other", .member_id = {}, .topics = {}});
  const auto answer = Ask<OffsetFetchResponse>(8, request);
  EXPECT_EQ(answer.groups.at(0).error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(answer.groups.at(1).error_code, ErrorCode::kNotCoordinator);
  EXPECT_TRUE(Asked().empty());
}

TEST_F(Forwarded, WhatABrokerAsksIsNeitherHandedOnNorTriedAgain) {
  SetTimeout(kForever);
  client_->SendBytes(wire::EncodeRequest(9, 77, "broker-3", Commit()).Flatten().view());
  const auto answer = client_->Receive<OffsetCommitResponse>(9);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->topics.at(0).partitions.at(0).error_code, ErrorCode::kNotCoordinator);
  client_->SendBytes(wire::EncodeRequest(9, 78, "broker-3", FetchOf(9)).Flatten().view());
  const auto fetched = client_->Receive<OffsetFetchResponse>(9);
  ASSERT_TRUE(fetched.has_value());
  EXPECT_EQ(Outcome(*fetched).first, ErrorCode::kNotCoordinator);
  EXPECT_TRUE(Asked().empty());
}

TEST_F(Forwarded, ACoordinatorThatDoesNotAnswerIsNotCoordinatorHere) {
  SetTimeout(kShort);
  for (const auto& each : coordinators_) each->RefuseFromNowOn();
  EXPECT_EQ(CommitCode(9), ErrorCode::kNotCoordinator);
  EXPECT_EQ(Fetch(5).first, ErrorCode::kNotCoordinator);
  EXPECT_EQ(Fetch(9).first, ErrorCode::kNotCoordinator);
}

TEST_F(Forwarded, AFetchIsTriedAgainWhileItsCoordinatorIsNot) {
  SetTimeout(kForever);
  const std::vector<ErrorCode> later = {ErrorCode::kNotCoordinator,
                                        ErrorCode::kCoordinatorNotAvailable,
                                        ErrorCode::kCoordinatorLoadInProgress};
  for (const int16_t version : {1, 2, 7, 8, 10}) {
    const size_t before = Asked().size();
    TellFetches(later);
    EXPECT_EQ(Fetch(version), std::pair(ErrorCode::kNone, kItsOffset)) << version;
    EXPECT_EQ(Asked().size(), before + later.size() + 1) << version;
  }
}

TEST_F(Forwarded, AFetchWhoseConnectionEndsIsTriedAgain) {
  SetTimeout(kForever);
  for (const auto& each : coordinators_) each->RefuseOnce();
  EXPECT_EQ(Fetch(9), std::pair(ErrorCode::kNone, kItsOffset));
}

TEST_F(Forwarded, AnErrorThatIsNotAboutTheCoordinatorIsAnAnswer) {
  SetTimeout(kForever);
  TellFetches({kItsError});
  EXPECT_EQ(Fetch(9).first, kItsError);
}

TEST_F(Forwarded, AFetchWaitsForWhoeverWillCoordinate) {
  SetTimeout(kForever);
  SetLeader(kNoNode.value());
  CreateTopic("nobody-known");
  client_->Send(9, FetchOf(9));
  // Asked by another client, who sees that the fetch of the first waits.
  BrokerClient other(port_);
  const auto commit = other.Ask<OffsetCommitResponse>(9, Commit());
  ASSERT_TRUE(commit.has_value());
  EXPECT_EQ(commit->topics.at(0).partitions.at(0).error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_TRUE(Asked().empty());
  SetLeader(kCoordinator);
  const auto fetched = client_->Receive<OffsetFetchResponse>(9);
  ASSERT_TRUE(fetched.has_value());
  EXPECT_EQ(Outcome(*fetched), std::pair(ErrorCode::kNone, kItsOffset));
}

TEST_F(Forwarded, AFencedCoordinatorIsNeitherAskedNorNamed) {
  RegisterCoordinator(/*fenced=*/true);
  CreateTopic("fenced");
  EXPECT_EQ(CommitCode(9), ErrorCode::kNotCoordinator);
  EXPECT_TRUE(Asked().empty());
  wire::FindCoordinatorRequest find;
  find.key = "g";
  const auto found = Ask<wire::FindCoordinatorResponse>(3, find);
  EXPECT_EQ(found.error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(found.node_id, -1) << "Metadata does not know it either";
}

}  // namespace
}  // namespace weir::handlers
