// Heartbeats of consumer groups (KIP-848) on the active controller: what is logged, what waits.
#include "common/base/limits.h"
#include "tests/support/config_records.h"
#include "tests/unit/controller/quorum/group_calls_harness.h"

namespace weir::quorum {
namespace {

using group::v1::ConsumerGroupHeartbeatReply;
using group::v1::ConsumerGroupHeartbeatRequest;

class ConsumerCallsTest : public GroupCallsTest {
 protected:
  void AddTopic(const std::string& name, int32_t partitions = 2) {
    Uuid id;
    id.bytes.fill(static_cast<uint8_t>(name.size()));
    metadata::v1::MetadataBatch batch;
    batch.add_records()->mutable_topic()->set_topic_id(id.ToBytes());
    batch.mutable_records(0)->mutable_topic()->set_name(name);
    for (int32_t i = 0; i < partitions; ++i) {
      auto* partition = batch.add_records()->mutable_partition();
      partition->set_topic_id(id.ToBytes());
      partition->set_partition(i);
      partition->add_replicas(1);
      partition->add_isr(1);
      partition->set_leader(1);
    }
    Write(batch);
  }

  static ConsumerGroupHeartbeatRequest BeatOf(const std::string& member_id, int32_t epoch) {
    ConsumerGroupHeartbeatRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_member_epoch(epoch);
    request.set_rebalance_timeout_ms(-1);
    return request;
  }
  Shared<ConsumerGroupHeartbeatReply> Beat(const ConsumerGroupHeartbeatRequest& request) {
    auto answer = std::make_shared<Answer<ConsumerGroupHeartbeatReply>>();
    answer->id = groups_.ConsumerHeartbeat(request, Into<ConsumerGroupHeartbeatReply>(answer));
    return answer;
  }
  Shared<ConsumerGroupHeartbeatReply> Join(const std::string& member_id,
                                           const std::string& instance_id = "") {
    ConsumerGroupHeartbeatRequest request = BeatOf(member_id, 0);
    if (!instance_id.empty()) request.set_instance_id(instance_id);
    request.set_rebalance_timeout_ms(60'000);
    request.mutable_topic_partitions();
    request.mutable_subscribed_topic_names()->add_names("orders");
    return Beat(request);
  }
};

TEST_F(ConsumerCallsTest, AnEpochIsToldWhenItIsCommitted) {
  AddTopic("orders");
  const auto join = Join("a");
  EXPECT_EQ(join->count, 0);
  CommitAll();
  EXPECT_EQ(join->code(), ErrorCode::kNone);
  EXPECT_EQ(join->reply().member_epoch(), 1);
  EXPECT_EQ(join->reply().assignment().topic_partitions(0).partitions_size(), 2);
  EXPECT_EQ(join->reply().metadata_offset(),
            static_cast<int64_t>(machine_.committed().offset().value()));
  EXPECT_EQ(groups_.call_count(), 0u);
}

// Its target assignment takes more than a change may: the group gets none. What is due of others at
// the same time must not be rejected with it for ever.
TEST_F(ConsumerCallsTest, D11_AGroupWhoseChangeIsTooLargeHoldsUpNoOther) {
  constexpr int kMembers = 4'500;
  AddTopic("orders", kMembers);
  Join("alone");
  CommitAll();
  const std::string large(limits::kGroupNameBytesMax, 'g');
  for (int i = 0; i < kMembers; ++i) {
    std::string member_id = "member-" + std::to_string(i) + "-";
    member_id.resize(limits::kGroupNameBytesMax, 'm');
    ConsumerGroupHeartbeatRequest request = BeatOf(member_id, 0);
    request.set_group_id(large);
    request.set_rebalance_timeout_ms(60'000);
    request.mutable_topic_partitions();
    request.mutable_subscribed_topic_names()->add_names("orders");
    const auto join = Beat(request);
    CommitAll();
    ASSERT_EQ(join->code(), ErrorCode::kNone) << i;
  }
  Advance(seconds(120));
  const metadata::Group& group = *machine_.committed().FindGroup(large);
  EXPECT_EQ(group.members.size(), static_cast<size_t>(kMembers));
  EXPECT_GT(group.generation, group.assignment_epoch) << "or the test is about nothing";
  EXPECT_TRUE(machine_.committed().FindGroup("g")->members.empty()) << "it has been silent";
}

TEST_F(ConsumerCallsTest, G08_AnIdleHeartbeatMakesNoLogEntry) {
  AddTopic("orders");
  Join("a");
  CommitAll();
  const size_t entries = raft_.log.size();
  for (int i = 0; i < 20; ++i) {
    Advance(seconds(5));
    const auto beat = Beat(BeatOf("a", 1));
    CommitAll();
    EXPECT_EQ(beat->code(), ErrorCode::kNone);
  }
  EXPECT_EQ(raft_.log.size(), entries);
  Advance(seconds(46));
  EXPECT_TRUE(Committed().members.empty()) << "silence ends its session";
}

TEST_F(ConsumerCallsTest, D7_AnAssignmentWaitsUntilTheOffsetsLeaderHasAppliedIt) {
  AddLiveBroker(1);
  AddOffsetsTopic();
  AddTopic("orders");
  const auto join = Join("a");
  CommitAll();
  EXPECT_EQ(join->count, 0);
  Applied(1, machine_.committed().offset().value());
  EXPECT_EQ(join->code(), ErrorCode::kNone);
  const auto beat = Beat(BeatOf("a", 1));
  CommitAll();
  EXPECT_EQ(beat->count, 1) << "told again: the leader has applied that already";
}

TEST_F(ConsumerCallsTest, ATopicThatIsCreatedIsAssigned) {
  const auto join = Join("a");
  CommitAll();
  EXPECT_TRUE(join->reply().assignment().topic_partitions().empty());
  AddTopic("orders");
  CommitAll();
  EXPECT_EQ(Committed().generation, 2);
  const auto beat = Beat(BeatOf("a", 1));
  CommitAll();
  EXPECT_EQ(beat->reply().assignment().topic_partitions_size(), 1);
  const size_t entries = raft_.log.size();
  AddTopic("other");
  CommitAll();
  EXPECT_EQ(raft_.log.size(), entries + 1) << "no group subscribes to it";
}

TEST_F(ConsumerCallsTest, ASessionThatIsConfiguredAnewCountsFromTheNextSignOfLife) {
  const auto configure = [&](const metadata::ConfigResource& resource, const std::string& key,
                             const std::string& value) {
    metadata::v1::MetadataBatch batch;
    test::AddConfig(resource, key, value, &batch);
    Write(batch);
    CommitAll();
  };
  Join("a");
  CommitAll();
  configure(metadata::ConfigResource::OfAllBrokers(), "group.consumer.session.timeout.ms", "60000");
  Report({"a"});
  Advance(seconds(59));
  EXPECT_EQ(Committed().members.size(), 1u);
  configure(metadata::ConfigResource::OfGroup("g"), "consumer.session.timeout.ms", "50000");
  Report({"a"});
  Advance(seconds(49));
  EXPECT_EQ(Committed().members.size(), 1u);
  Advance(seconds(2));
  EXPECT_TRUE(Committed().members.empty());
}

// A process was killed, and the next one is here before its gateway's report.
TEST_F(ConsumerCallsTest, G19_AStaticMembersSuccessorWaitsForTheEndOfItsConnection) {
  AddTopic("orders");
  Join("a", "i");
  CommitAll();
  const size_t entries = raft_.log.size();
  const auto refused = Join("b", "i");
  CommitAll();
  EXPECT_EQ(refused->count, 0);
  EXPECT_EQ(groups_.call_count(), 1u);
  Advance(state::kTakeoverPatience);
  EXPECT_EQ(refused->code(), ErrorCode::kUnreleasedInstanceId);
  const auto join = Join("c", "i");
  EXPECT_EQ(raft_.log.size(), entries) << "waiting makes no log entry";
  group::v1::LivenessReport report;
  report.add_groups()->set_group_id("g");
  report.mutable_groups(0)->add_lost()->set_member_id("a");
  groups_.Report(report, [](const auto& reply) { EXPECT_TRUE(reply); });
  Advance(milliseconds(10));
  CommitAll();
  EXPECT_EQ(join->code(), ErrorCode::kNone);
  EXPECT_EQ(join->reply().assignment().topic_partitions(0).partitions_size(), 2);
  EXPECT_EQ(Committed().generation, 1);
  EXPECT_EQ(Committed().members.size(), 1u);
  // Its own client is gone: nobody takes the place.
  const auto withdrawn = Join("d", "i");
  groups_.OnCallGone(withdrawn->id);
  Advance(seconds(2));
  EXPECT_EQ(withdrawn->count, 0);
  EXPECT_EQ(groups_.call_count(), 0u);
}

TEST_F(ConsumerCallsTest, FailoverKeepsMembersAndEndsCalls) {
  AddTopic("orders");
  Join("a");
  CommitAll();
  const auto lost = Join("b");
  FailOver();
  EXPECT_EQ(lost->code(), ErrorCode::kNotController);
  EXPECT_EQ(Committed().members.size(), 1u);
  EXPECT_EQ(Committed().generation, 1);
  const auto beat = Beat(BeatOf("a", 1));
  CommitAll();
  EXPECT_EQ(beat->code(), ErrorCode::kNone);
}

}  // namespace
}  // namespace weir::quorum
