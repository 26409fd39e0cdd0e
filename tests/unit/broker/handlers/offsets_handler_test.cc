// OffsetCommit, OffsetFetch and OffsetDelete over a socket, in every version, against a real
// partition of __consumer_offsets.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/group_offsets.h"
#include "broker/wire/messages/all.h"
#include "broker/wire/record_batch_builder.h"
#include "tests/unit/broker/handlers/broker_fixture.h"
#include "tests/unit/common/metadata/group_support.h"

namespace weir::handlers {
namespace {

using wire::OffsetCommitRequest;
using wire::OffsetCommitResponse;
using wire::OffsetDeleteRequest;
using wire::OffsetDeleteResponse;
using wire::OffsetFetchRequest;
using wire::OffsetFetchResponse;

constexpr int16_t kCommitFirst = 2;
constexpr int16_t kFetchFirst = 1;
constexpr int16_t kLast = 10;

class Offsets : public BrokerFixture {
 protected:
  void SetUp() override {
    BrokerFixture::SetUp();
    Create("t", 3);
  }

  void Create(const std::string& name, int partitions = 1) {
    BrokerClient client(port_);
    wire::CreateTopicsRequest request;
    request.topics.push_back(
        {.name = name, .num_partitions = partitions, .replication_factor = 1, .assignments = {}});
    const auto answer = client.Ask<wire::CreateTopicsResponse>(7, request);
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->topics[0].error_code, ErrorCode::kNone);
    topic_ids_[name] = answer->topics[0].topic_id;
  }
  void CreateOffsetsTopic() { Create("__consumer_offsets", 4); }
  void Delete(const std::string& name) {
    BrokerClient client(port_);
    wire::DeleteTopicsRequest request;
    request.topic_names = {name};
    const auto answer = client.Ask<wire::DeleteTopicsResponse>(4, request);
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->responses.at(0).error_code, ErrorCode::kNone);
  }
  // What controllers decided about groups, once every shard knows it.
  void Know(const std::vector<metadata::v1::MetadataRecord>& records) {
    metadata::v1::MetadataBatch batch;
    for (const auto& record : records) *batch.add_records() = record;
    controllers_->Append(batch);
    Create("known-" + std::to_string(topic_ids_.size()));
  }
  void KnowMember(const std::string& group, const std::string& member, int32_t generation,
                  metadata::v1::GroupState state = metadata::v1::GROUP_STATE_STABLE) {
    Know({metadata::GroupRecordOf(group, state, generation),
          metadata::MemberRecordOf(group, member)});
  }

  OffsetCommitRequest Commit(const std::string& group, const std::string& topic, int32_t partition,
                             int64_t offset, const std::string& text = "") {
    OffsetCommitRequest request;
    request.group_id = group;
    auto& asked = request.topics.emplace_back();
    asked.name = topic;
    asked.topic_id = topic_ids_[topic];
    asked.partitions.push_back({.partition_index = partition,
                                .committed_offset = offset,
                                .committed_leader_epoch = 5,
                                .committed_metadata = text});
    return request;
  }
  // The error of the only partition.
  ErrorCode Ask(int16_t version, const OffsetCommitRequest& request) {
    BrokerClient client(port_);
    const auto answer = client.Ask<OffsetCommitResponse>(version, request);
    if (!answer) return ErrorCode::kNetworkException;
    return answer->topics.at(0).partitions.at(0).error_code;
  }
  ErrorCode AskAsMember(OffsetCommitRequest request, const std::string& member, int32_t generation,
                        std::optional<std::string> instance = std::nullopt) {
    request.member_id = member;
    request.generation_id_or_member_epoch = generation;
    request.group_instance_id = std::move(instance);
    return Ask(kLast - 1, request);
  }

  struct Found {
    int64_t offset = -2;
    int32_t leader_epoch = -2;
    std::string metadata;
    ErrorCode error = ErrorCode::kNone;
  };
  Found Fetch(int16_t version, const std::string& group, const std::string& topic,
              int32_t partition) {
    BrokerClient client(port_);
    OffsetFetchRequest request;
    if (version < 8) {
      request.group_id = group;
      request.topics->push_back({.name = topic, .partition_indexes = {partition}});
    } else {
      OffsetFetchRequest::Group asked;
      asked.group_id = group;
      asked.topics->push_back(
          {.topic_id = topic_ids_[topic], .name = topic, .partition_indexes = {partition}});
      request.groups.push_back(std::move(asked));
    }
    const auto answer = client.Ask<OffsetFetchResponse>(version, request);
    EXPECT_TRUE(answer.has_value());
    if (!answer) return {};
    if (version < 8) {
      if (answer->error_code != ErrorCode::kNone) return {.error = answer->error_code};
      const auto& found = answer->topics.at(0).partitions.at(0);
      return {found.committed_offset, found.committed_leader_epoch, found.metadata.value_or("null"),
              found.error_code};
    }
    const auto& of_group = answer->groups.at(0);
    if (of_group.error_code != ErrorCode::kNone) return {.error = of_group.error_code};
    const auto& found = of_group.topics.at(0).partitions.at(0);
    return {found.committed_offset, found.committed_leader_epoch, found.metadata.value_or("null"),
            found.error_code};
  }
  // "topic:partition=offset" of all that a group has.
  std::vector<std::string> FetchAll(int16_t version, const std::string& group) {
    BrokerClient client(port_);
    OffsetFetchRequest request;
    request.group_id = group;
    request.topics.reset();
    request.groups.push_back({.group_id = group, .member_id = {}, .topics = std::nullopt});
    const auto answer = client.Ask<OffsetFetchResponse>(version, request);
    EXPECT_TRUE(answer.has_value());
    std::vector<std::string> texts;
    const auto add = [&](const auto& topics) {
      for (const auto& topic : topics) {
        for (const auto& partition : topic.partitions) {
          texts.push_back(topic.name + ":" + std::to_string(partition.partition_index) + "=" +
                          std::to_string(partition.committed_offset));
        }
      }
    };
    if (answer) add(answer->topics);
    if (answer && !answer->groups.empty()) add(answer->groups.at(0).topics);
    return texts;
  }
  struct Deleted {
    ErrorCode error = ErrorCode::kNone;
    std::vector<ErrorCode> partitions;
  };
  Deleted DeleteOffsets(const std::string& group,
                        const std::vector<std::pair<std::string, int32_t>>& which) {
    BrokerClient client(port_);
    OffsetDeleteRequest request;
    request.group_id = group;
    for (const auto& [topic, partition] : which) {
      request.topics.push_back({.name = topic, .partitions = {{.partition_index = partition}}});
    }
    const auto answer = client.Ask<OffsetDeleteResponse>(0, request);
    EXPECT_TRUE(answer.has_value());
    if (!answer) return {.error = ErrorCode::kNetworkException, .partitions = {}};
    Deleted deleted{.error = answer->error_code, .partitions = {}};
    for (const auto& topic : answer->topics) {
      deleted.partitions.push_back(topic.partitions.at(0).error_code);
    }
    return deleted;
  }

  std::map<std::string, Uuid> topic_ids_;
};
using Strings = std::vector<std::string>;

// ---- OffsetCommit and OffsetFetch -------------------------------------------------------

TEST_F(Offsets, WithoutTheTopicThereIsNoCoordinator) {
  AppendOffsetsTimeout(std::chrono::milliseconds(60));
  Know({});
  EXPECT_EQ(Ask(9, Commit("g", "t", 0, 1)), ErrorCode::kCoordinatorNotAvailable);
  for (int16_t version = kFetchFirst; version <= kLast; ++version) {
    EXPECT_EQ(Fetch(version, "g", "t", 0).error, ErrorCode::kCoordinatorNotAvailable) << version;
  }
  EXPECT_EQ(DeleteOffsets("g", {{"t", 0}}).error, ErrorCode::kCoordinatorNotAvailable);
}

TEST_F(Offsets, G16_EveryVersionCommitsAndFetches) {
  CreateOffsetsTopic();
  for (int16_t commit = kCommitFirst; commit <= kLast; ++commit) {
    const std::string group = "group-" + std::to_string(commit);
    ASSERT_EQ(Ask(commit, Commit(group, "t", 1, 40 + commit, "text")), ErrorCode::kNone) << commit;
    for (int16_t fetch = kFetchFirst; fetch <= kLast; ++fetch) {
      SCOPED_TRACE("commit " + std::to_string(commit) + " fetch " + std::to_string(fetch));
      const Found found = Fetch(fetch, group, "t", 1);
      EXPECT_EQ(found.error, ErrorCode::kNone);
      EXPECT_EQ(found.offset, 40 + commit);
      EXPECT_EQ(found.metadata, "text");
      if (fetch >= 5) {
        EXPECT_EQ(found.leader_epoch, commit >= 6 ? 5 : -1);
      }
      const Found absent = Fetch(fetch, group, "t", 2);
      EXPECT_EQ(absent.error, ErrorCode::kNone);
      EXPECT_EQ(absent.offset, -1);
      EXPECT_EQ(absent.metadata, "");
    }
  }
}

TEST_F(Offsets, AllThereAreComeSorted) {
  CreateOffsetsTopic();
  Create("a", 1);
  ASSERT_EQ(Ask(9, Commit("g", "t", 2, 1)), ErrorCode::kNone);
  ASSERT_EQ(Ask(9, Commit("g", "t", 0, 2)), ErrorCode::kNone);
  ASSERT_EQ(Ask(9, Commit("g", "a", 0, 3)), ErrorCode::kNone);
  ASSERT_EQ(Ask(9, Commit("h", "a", 0, 4)), ErrorCode::kNone);
  for (int16_t version = 2; version < kLast; ++version) {
    EXPECT_EQ(FetchAll(version, "g"), (Strings{"a:0=3", "t:0=2", "t:2=1"})) << version;
    EXPECT_EQ(FetchAll(version, "nobody"), Strings{}) << version;
  }
  // Named by id only.
  EXPECT_EQ(FetchAll(kLast, "g"), (Strings{":0=3", ":0=2", ":2=1"}));
}

TEST_F(Offsets, ManyGroupsAreAnsweredInOrder) {
  CreateOffsetsTopic();
  OffsetFetchRequest request;
  for (int i = 0; i < 12; ++i) {
    const std::string group = "group-" + std::to_string(i);
    ASSERT_EQ(Ask(9, Commit(group, "t", 0, i)), ErrorCode::kNone);
    OffsetFetchRequest::Group asked;
    asked.group_id = group;
    asked.topics->push_back({.topic_id = {}, .name = "t", .partition_indexes = {0}});
    request.groups.push_back(std::move(asked));
  }
  BrokerClient client(port_);
  const auto answer = client.Ask<OffsetFetchResponse>(8, request);
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->groups.size(), 12u);
  for (int i = 0; i < 12; ++i) {
    const auto& group = answer->groups[static_cast<size_t>(i)];
    EXPECT_EQ(group.group_id, "group-" + std::to_string(i));
    EXPECT_EQ(group.topics.at(0).partitions.at(0).committed_offset, i);
  }
}

// A few bytes ask for a partition, and KiBs answer.
TEST_F(Offsets, X05_WhatIsNamedOftenIsAnsweredOnce) {
  CreateOffsetsTopic();
  ASSERT_EQ(Ask(9, Commit("g", "t", 0, 7, std::string(4'000, 'x'))), ErrorCode::kNone);
  ASSERT_EQ(Ask(9, Commit("g", "t", 1, 8)), ErrorCode::kNone);
  OffsetFetchRequest request;
  OffsetFetchRequest::Group asked;
  asked.group_id = "g";
  asked.topics->push_back(
      {.topic_id = {}, .name = "t", .partition_indexes = std::vector<int32_t>(10'000, 0)});
  request.groups.assign(100, asked);
  request.groups[50].topics->at(0).partition_indexes[5'000] = 1;
  BrokerClient client(port_);
  const auto answer = client.Ask<OffsetFetchResponse>(8, request);
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->groups.size(), 1u);
  std::vector<int64_t> offsets;
  for (const auto& topic : answer->groups[0].topics) {
    for (const auto& partition : topic.partitions) offsets.push_back(partition.committed_offset);
  }
  EXPECT_EQ(offsets, (std::vector<int64_t>{7, 8}));

  OffsetFetchRequest old;
  old.group_id = "g";
  old.topics->push_back({.name = "t", .partition_indexes = std::vector<int32_t>(10'000, 1)});
  const auto only = client.Ask<OffsetFetchResponse>(7, old);
  ASSERT_TRUE(only.has_value());
  ASSERT_EQ(only->topics.at(0).partitions.size(), 1u);
  EXPECT_EQ(only->topics[0].partitions[0].committed_offset, 8);
}

TEST_F(Offsets, WhatCannotBeCommittedIsRefusedAloneTheRestGoesThrough) {
  CreateOffsetsTopic();
  OffsetCommitRequest request = Commit("g", "t", 0, 1, std::string(4'097, 'x'));
  request.topics[0].partitions.push_back(
      {.partition_index = 1, .committed_offset = 2, .committed_metadata = std::string(4'096, 'x')});
  request.topics[0].partitions.push_back({.partition_index = 3, .committed_offset = 3});
  request.topics.push_back(Commit("g", "unknown", 0, 4).topics[0]);
  BrokerClient client(port_);
  const auto by_name = client.Ask<OffsetCommitResponse>(9, request);
  ASSERT_TRUE(by_name.has_value());
  const auto& t = by_name->topics.at(0).partitions;
  EXPECT_EQ(t.at(0).error_code, ErrorCode::kOffsetMetadataTooLarge);
  EXPECT_EQ(t.at(1).error_code, ErrorCode::kNone);
  EXPECT_EQ(t.at(2).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(by_name->topics.at(1).partitions.at(0).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(FetchAll(9, "g"), Strings{"t:1=2"});
  request.topics[1].topic_id = Uuid{{9, 9}};
  const auto by_id = client.Ask<OffsetCommitResponse>(10, request);
  ASSERT_TRUE(by_id.has_value());
  EXPECT_EQ(by_id->topics.at(1).partitions.at(0).error_code, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(by_id->topics.at(1).topic_id, request.topics[1].topic_id);
}

// Each record holds the group's id, whatever the request's size.
TEST_F(Offsets, X05_ACommitIsNoLargerThanABatchMayBe) {
  CreateOffsetsTopic();
  OffsetCommitRequest request = Commit(std::string(30'000, 'g'), "t", 0, 1);
  request.topics[0].partitions.resize(300, request.topics[0].partitions[0]);
  BrokerClient client(port_);
  const auto refused = client.Ask<OffsetCommitResponse>(9, request);
  ASSERT_TRUE(refused.has_value());
  ASSERT_EQ(refused->topics.at(0).partitions.size(), 300u);
  for (const auto& partition : refused->topics[0].partitions) {
    EXPECT_EQ(partition.error_code, ErrorCode::kInvalidCommitOffsetSize);
  }
  wire::IncrementalAlterConfigsRequest raise;
  raise.resources.push_back(
      {.resource_type = 2,
       .resource_name = "__consumer_offsets",
       .configs = {{.name = "max.message.bytes", .config_operation = 0, .value = "20000000"}}});
  ASSERT_EQ(client.Ask<wire::IncrementalAlterConfigsResponse>(1, raise)->responses.at(0).error_code,
            ErrorCode::kNone);
  // Every shard knows by then.
  Create("known");
  const auto taken = client.Ask<OffsetCommitResponse>(9, request);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->topics.at(0).partitions.at(299).error_code, ErrorCode::kNone);
}

TEST_F(Offsets, AnUnknownTopicIdIsAnErrorOfItsPartitions) {
  CreateOffsetsTopic();
  topic_ids_["gone"] = Uuid{{9, 9}};
  const Found found = Fetch(kLast, "g", "gone", 0);
  EXPECT_EQ(found.error, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(found.offset, -1);
}

// ---- Members ------------------------------------------------------------------------------

TEST_F(Offsets, G17_OnlyMembersOfTheGenerationCommit) {
  CreateOffsetsTopic();
  KnowMember("g", "m", 3);
  group_calls_->heartbeats.answer = [](const group::v1::HeartbeatRequest& request) {
    group::v1::HeartbeatReply reply;
    const bool known = request.member_id() == "m" && request.instance_id().empty();
    reply.set_error_code(
        static_cast<int32_t>(known ? ErrorCode::kIllegalGeneration : ErrorCode::kUnknownMemberId));
    return reply;
  };
  const OffsetCommitRequest commit = Commit("g", "t", 0, 1);
  EXPECT_EQ(AskAsMember(commit, "m", 3), ErrorCode::kNone);
  EXPECT_EQ(AskAsMember(commit, "m", 2), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(AskAsMember(commit, "m", 4), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(AskAsMember(commit, "other", 3), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(AskAsMember(commit, "", -1), ErrorCode::kUnknownMemberId)
      << "a commit without a group, while the group has members";
  EXPECT_EQ(AskAsMember(commit, "m", 3, "instance"), ErrorCode::kUnknownMemberId);
}

TEST_F(Offsets, CommitsWithoutAGroupAreTakenWhileItHasNoMembers) {
  CreateOffsetsTopic();
  EXPECT_EQ(Ask(9, Commit("nobody", "t", 0, 1)), ErrorCode::kNone);
  EXPECT_EQ(Ask(9, Commit("", "t", 0, 1)), ErrorCode::kNone);
  Know({metadata::GroupRecordOf("empty", metadata::v1::GROUP_STATE_EMPTY, 3)});
  EXPECT_EQ(Ask(9, Commit("empty", "t", 0, 1)), ErrorCode::kNone);
  group_calls_->heartbeats.answer = [](const group::v1::HeartbeatRequest&) {
    group::v1::HeartbeatReply reply;
    reply.set_error_code(static_cast<int32_t>(ErrorCode::kUnknownMemberId));
    return reply;
  };
  EXPECT_EQ(AskAsMember(Commit("nobody", "t", 0, 1), "m", 1), ErrorCode::kGroupIdNotFound);
  OffsetCommitRequest older = Commit("nobody", "t", 0, 1);
  older.member_id = "m";
  older.generation_id_or_member_epoch = 1;
  EXPECT_EQ(Ask(8, older), ErrorCode::kIllegalGeneration);
}

// GROUP_ID_NOT_FOUND ends a Java client; who is told UNKNOWN_MEMBER_ID joins again.
TEST_F(Offsets, AMemberPutOutOfAGroupThatLivesIsNotToldThatTheGroupIsGone) {
  CreateOffsetsTopic();
  KnowMember("g", "m", 3);
  group_calls_->heartbeats.answer = [](const group::v1::HeartbeatRequest&) {
    group::v1::HeartbeatReply reply;
    reply.set_error_code(static_cast<int32_t>(ErrorCode::kUnknownMemberId));
    return reply;
  };
  EXPECT_EQ(AskAsMember(Commit("g", "t", 0, 1), "m", 2), ErrorCode::kUnknownMemberId)
      << "the image has it still";
  EXPECT_EQ(AskAsMember(Commit("gone", "t", 0, 1), "m", 2), ErrorCode::kGroupIdNotFound);
}

// ---- Members of groups of the consumer protocol (KIP-848) ------------------------------------

TEST_F(Offsets, G17_MembersOfConsumerGroupsCommitAndFetchInTheirEpochOnly) {
  CreateOffsetsTopic();
  metadata::v1::MetadataRecord group =
      metadata::GroupRecordOf("g", metadata::v1::GROUP_STATE_STABLE, 5);
  group.mutable_group()->set_type(metadata::v1::GROUP_TYPE_CONSUMER);
  metadata::v1::MetadataRecord epoch;
  epoch.mutable_group_member_epoch()->set_group_id("g");
  epoch.mutable_group_member_epoch()->set_member_id("m");
  epoch.mutable_group_member_epoch()->set_member_epoch(5);
  epoch.mutable_group_member_epoch()->set_previous_member_epoch(4);
  epoch.mutable_group_member_epoch()->set_state(metadata::v1::CONSUMER_MEMBER_STATE_STABLE);
  Know({group, metadata::MemberRecordOf("g", "m"), epoch});
  group_calls_->heartbeats.answer = [](const group::v1::HeartbeatRequest& request) {
    group::v1::HeartbeatReply reply;
    reply.set_error_code(static_cast<int32_t>(
        request.member_id() == "m" ? ErrorCode::kStaleMemberEpoch : ErrorCode::kUnknownMemberId));
    return reply;
  };
  const OffsetCommitRequest commit = Commit("g", "t", 0, 7);
  EXPECT_EQ(AskAsMember(commit, "m", 5), ErrorCode::kNone);
  EXPECT_EQ(AskAsMember(commit, "m", 4), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(AskAsMember(commit, "other", 5), ErrorCode::kUnknownMemberId);
  OffsetCommitRequest older = commit;
  older.member_id = "m";
  older.generation_id_or_member_epoch = 5;
  EXPECT_EQ(Ask(8, older), ErrorCode::kUnsupportedVersion) << "that version has no epochs";

  const auto fetch = [&](std::optional<std::string> member, int32_t member_epoch) {
    OffsetFetchRequest request;
    auto& asked = request.groups.emplace_back();
    asked.group_id = "g";
    asked.member_id = std::move(member);
    asked.member_epoch = member_epoch;
    BrokerClient client(port_);
    const auto answer = client.Ask<OffsetFetchResponse>(9, request);
    EXPECT_TRUE(answer.has_value());
    return answer->groups.at(0).error_code;
  };
  EXPECT_EQ(fetch("m", 5), ErrorCode::kNone);
  EXPECT_EQ(fetch("m", 4), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(fetch("other", 5), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(fetch(std::nullopt, -1), ErrorCode::kNone) << "an administrator";
}

TEST_F(Offsets, RebalancesAreToldAndStaticMembersFenced) {
  CreateOffsetsTopic();
  KnowMember("prepares", "m", 1, metadata::v1::GROUP_STATE_PREPARING_REBALANCE);
  EXPECT_EQ(AskAsMember(Commit("prepares", "t", 0, 1), "m", 1), ErrorCode::kNone);
  KnowMember("completes", "m", 1, metadata::v1::GROUP_STATE_COMPLETING_REBALANCE);
  EXPECT_EQ(AskAsMember(Commit("completes", "t", 0, 1), "m", 1), ErrorCode::kRebalanceInProgress);
  group_calls_->heartbeats.answer = [](const group::v1::HeartbeatRequest&) {
    group::v1::HeartbeatReply reply;
    reply.set_error_code(static_cast<int32_t>(ErrorCode::kFencedInstanceId));
    return reply;
  };
  Know({metadata::GroupRecordOf("static", metadata::v1::GROUP_STATE_STABLE, 1),
        metadata::MemberRecordOf("static", "new", "instance")});
  EXPECT_EQ(AskAsMember(Commit("static", "t", 0, 1), "old", 1, "instance"),
            ErrorCode::kFencedInstanceId);
  EXPECT_EQ(AskAsMember(Commit("static", "t", 0, 1), "new", 1, "instance"), ErrorCode::kNone);
}

TEST_F(Offsets, ARefusalThatTheControllerDoesNotConfirmIsRetried) {
  CreateOffsetsTopic();
  KnowMember("g", "m", 3);
  // The controllers know the member already; nobody can be asked.
  group_calls_->heartbeats.answer = [](const group::v1::HeartbeatRequest& request) {
    group::v1::HeartbeatReply reply;
    EXPECT_EQ(request.group_id(), "g");
    if (request.member_id() == "nobody knows") {
      reply.set_error_code(static_cast<int32_t>(ErrorCode::kUnknownMemberId));
    }
    return reply;
  };
  EXPECT_EQ(AskAsMember(Commit("g", "t", 0, 1), "new", 4), ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(AskAsMember(Commit("g", "t", 0, 1), "nobody knows", 4), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(FetchAll(9, "g"), Strings{});
}

// ---- What ends offsets --------------------------------------------------------------------

TEST_F(Offsets, OffsetsOfADeletedTopicEndAndDoNotComeBackWithItsName) {
  CreateOffsetsTopic();
  Create("u", 1);
  ASSERT_EQ(Ask(9, Commit("g", "u", 0, 7)), ErrorCode::kNone);
  ASSERT_EQ(Ask(9, Commit("g", "t", 0, 8)), ErrorCode::kNone);
  Delete("u");
  EXPECT_EQ(FetchAll(9, "g"), Strings{"t:0=8"});
  Create("u", 1);
  EXPECT_EQ(Fetch(9, "g", "u", 0).offset, -1);
  ASSERT_EQ(Ask(9, Commit("g", "u", 0, 1)), ErrorCode::kNone);
  EXPECT_EQ(Fetch(9, "g", "u", 0).offset, 1);
}

TEST_F(Offsets, OffsetDeleteForgets) {
  CreateOffsetsTopic();
  for (int32_t partition : {0, 1}) {
    ASSERT_EQ(Ask(9, Commit("g", "t", partition, 7)), ErrorCode::kNone);
  }
  const Deleted deleted = DeleteOffsets("g", {{"t", 0}, {"t", 2}, {"unknown", 0}});
  EXPECT_EQ(deleted.error, ErrorCode::kNone);
  EXPECT_EQ(deleted.partitions, (std::vector<ErrorCode>{ErrorCode::kNone, ErrorCode::kNone,
                                                        ErrorCode::kUnknownTopicOrPartition}));
  EXPECT_EQ(FetchAll(9, "g"), Strings{"t:1=7"});
  EXPECT_EQ(DeleteOffsets("nobody", {{"t", 0}}).error, ErrorCode::kGroupIdNotFound);
}

TEST_F(Offsets, OffsetDeleteRefusesWhatMembersSubscribeTo) {
  CreateOffsetsTopic();
  Create("u", 1);
  KnowMember("g", "m", 1);
  for (const char* topic : {"t", "u"}) {
    ASSERT_EQ(AskAsMember(Commit("g", topic, 0, 7), "m", 1), ErrorCode::kNone);
  }
  std::atomic<bool> stable = true;
  group_calls_->describes.answer = [&stable](const group::v1::DescribeGroupsRequest& request) {
    group::v1::DescribeGroupsReply reply;
    auto* group = reply.add_groups();
    group->set_group_id(request.group_ids(0));
    // Version 1: topics ["t"], no user data, no owned partitions.
    const std::string says("\0\1\0\0\0\1\0\1t\0\0\0\0\0\0\0\0", 17);
    group->add_members()->set_metadata(stable ? says : "");
    return reply;
  };
  const Deleted deleted = DeleteOffsets("g", {{"t", 0}, {"u", 0}});
  EXPECT_EQ(deleted.error, ErrorCode::kNone);
  EXPECT_EQ(deleted.partitions,
            (std::vector<ErrorCode>{ErrorCode::kGroupSubscribedToTopic, ErrorCode::kNone}));
  EXPECT_EQ(FetchAll(9, "g"), Strings{"t:0=7"});
  stable = false;
  EXPECT_EQ(DeleteOffsets("g", {{"u", 0}}).partitions,
            std::vector<ErrorCode>{ErrorCode::kGroupSubscribedToTopic})
      << "nobody knows what it will subscribe to";
  metadata::v1::MetadataRecord connect =
      metadata::GroupRecordOf("connect", metadata::v1::GROUP_STATE_STABLE, 1);
  connect.mutable_group()->set_protocol_type("connect");
  Know({connect, metadata::MemberRecordOf("connect", "m")});
  EXPECT_EQ(DeleteOffsets("connect", {{"t", 0}}).error, ErrorCode::kNonEmptyGroup);
}

// ---- The topic itself ---------------------------------------------------------------------

TEST_F(Offsets, G15_ClientsDoNotProduceToIt) {
  CreateOffsetsTopic();
  wire::RecordBatchBuilder batch;
  batch.Add(1, "key", "value");
  wire::ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 5'000;
  auto& data = request.topic_data.emplace_back();
  data.name = "__consumer_offsets";
  data.partition_data.push_back({.index = 0, .records = wire::Records(batch.Build())});
  BrokerClient client(port_);
  const auto answer = client.Ask<wire::ProduceResponse>(9, request);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->responses.at(0).partition_responses.at(0).error_code,
            ErrorCode::kInvalidTopicException);
}

// A log that is kept by key would lose keys, and the offsets that are made from it again.
TEST_F(Offsets, RecordsAreDeletedOnlyWhereTheyAreKeptByAge) {
  CreateOffsetsTopic();
  BrokerClient client(port_);
  wire::CreateTopicsRequest create;
  for (const char* policy : {"compact", "compact,delete"}) {
    create.topics.push_back({.name = std::string("kept-by-") + (policy[7] == ',' ? "both" : "key"),
                             .num_partitions = 1,
                             .replication_factor = 1,
                             .assignments = {},
                             .configs = {{.name = "cleanup.policy", .value = policy}}});
  }
  ASSERT_TRUE(client.Ask<wire::CreateTopicsResponse>(7, create).has_value());
  wire::DeleteRecordsRequest request;
  for (const char* topic : {"__consumer_offsets", "kept-by-key", "kept-by-both", "unknown"}) {
    request.topics.push_back({.name = topic, .partitions = {{.partition_index = 0, .offset = -1}}});
  }
  const auto answer = client.Ask<wire::DeleteRecordsResponse>(2, request);
  ASSERT_TRUE(answer.has_value());
  std::vector<ErrorCode> errors;
  for (const auto& topic : answer->topics) errors.push_back(topic.partitions.at(0).error_code);
  EXPECT_EQ(errors,
            (std::vector<ErrorCode>{ErrorCode::kInvalidTopicException, ErrorCode::kPolicyViolation,
                                    ErrorCode::kNone, ErrorCode::kUnknownTopicOrPartition}));
}

TEST_F(Offsets, AnotherBrokerIsTheCoordinatorOfPartitionsItLeads) {
  CreateOffsetsTopic();
  metadata::v1::MetadataBatch batch;
  for (int32_t partition = 0; partition < 4; ++partition) {
    auto* change = batch.add_records()->mutable_partition_change();
    change->set_topic_id(topic_ids_["__consumer_offsets"].ToBytes());
    change->set_partition(partition);
    change->set_leader(9);
  }
  controllers_->Append(batch);
  AppendOffsetsTimeout(std::chrono::milliseconds(60));
  Know({});
  EXPECT_EQ(Ask(9, Commit("g", "t", 0, 1)), ErrorCode::kNotCoordinator);
  EXPECT_EQ(Fetch(9, "g", "t", 0).error, ErrorCode::kNotCoordinator);
  EXPECT_EQ(DeleteOffsets("g", {{"t", 0}}).error, ErrorCode::kNotCoordinator);
}

}  // namespace
}  // namespace weir::handlers
