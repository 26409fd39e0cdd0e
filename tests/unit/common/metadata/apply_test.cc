// Apply: what each record does to the image, and that nothing can break it.
#include "common/metadata/apply.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/limits.h"
#include "common/metadata/dump.h"
#include "tests/unit/common/metadata/random_history_support.h"

namespace weir::metadata {
namespace {

const Uuid kTopicId = *Uuid::FromBytes("topic-id-16bytes");

v1::MetadataRecord TopicRecordOf(const std::string& name, const Uuid& id = kTopicId) {
  v1::MetadataRecord record;
  record.mutable_topic()->set_topic_id(id.ToBytes());
  record.mutable_topic()->set_name(name);
  return record;
}

v1::MetadataRecord PartitionRecordOf(int32_t index, std::initializer_list<int32_t> replicas,
                                     const Uuid& id = kTopicId) {
  v1::MetadataRecord record;
  record.mutable_partition()->set_topic_id(id.ToBytes());
  record.mutable_partition()->set_partition(index);
  for (const int32_t replica : replicas) {
    record.mutable_partition()->add_replicas(replica);
    record.mutable_partition()->add_isr(replica);
  }
  record.mutable_partition()->set_leader(*replicas.begin());
  return record;
}

v1::MetadataRecord RegistrationOf(int32_t id) {
  v1::MetadataRecord record;
  record.mutable_register_broker()->set_broker_id(id);
  record.mutable_register_broker()->set_incarnation_id("incarnation-16by");
  record.mutable_register_broker()->set_fenced(true);
  return record;
}

class ApplyTest : public testing::Test {
 protected:
  void ApplyOne(const v1::MetadataRecord& record) { ApplyAll({record}); }
  void ApplyAll(const std::vector<v1::MetadataRecord>& records) {
    v1::MetadataBatch batch;
    for (const v1::MetadataRecord& record : records) *batch.add_records() = record;
    ApplyAndTrack(image_, batch, image_.offset() + 1, &delta_);
  }
  v1::PartitionChangeRecord ChangeOf(int32_t index) {
    v1::PartitionChangeRecord change;
    change.set_topic_id(kTopicId.ToBytes());
    change.set_partition(index);
    return change;
  }
  void ApplyChange(const v1::PartitionChangeRecord& change) {
    v1::MetadataRecord record;
    *record.mutable_partition_change() = change;
    ApplyOne(record);
  }
  const Partition& PartitionAt(int32_t index) {
    return *image_.FindPartition(kTopicId, PartitionIndex(index));
  }

  MetadataImage image_;
  Delta delta_;
};

TEST_F(ApplyTest, CreatesAndRemovesTopics) {
  ApplyAll({TopicRecordOf("orders"), PartitionRecordOf(0, {1}), PartitionRecordOf(1, {2, 1})});
  ASSERT_NE(image_.FindTopic("orders"), nullptr);
  EXPECT_EQ(image_.FindTopic("orders")->id, kTopicId);
  EXPECT_EQ(image_.partition_count(), 2u);
  EXPECT_EQ(PartitionAt(1).leader, NodeId(2));
  EXPECT_EQ(delta_.changed_partitions[kTopicId],
            (std::set<PartitionIndex>{PartitionIndex(0), PartitionIndex(1)}));

  v1::MetadataRecord config;
  config.mutable_config()->set_resource_type(v1::CONFIG_RESOURCE_TOPIC);
  config.mutable_config()->set_resource_name("orders");
  config.mutable_config()->set_key("retention.ms");
  config.mutable_config()->set_value("1");
  ApplyOne(config);
  EXPECT_EQ(*image_.FindConfig(ConfigResource::OfTopic("orders"), "retention.ms"), "1");

  v1::MetadataRecord remove;
  remove.mutable_remove_topic()->set_topic_id(kTopicId.ToBytes());
  ApplyOne(remove);
  EXPECT_EQ(image_.FindTopic("orders"), nullptr);
  EXPECT_EQ(image_.FindTopic(kTopicId), nullptr);
  EXPECT_EQ(image_.partition_count(), 0u);
  EXPECT_EQ(image_.FindConfigs(ConfigResource::OfTopic("orders")), nullptr);
  EXPECT_TRUE(delta_.changed_partitions.empty());
  EXPECT_EQ(delta_.removed_topics.at(kTopicId), "orders");
  EXPECT_EQ(image_.skipped_records(), 0u);
}

TEST_F(ApplyTest, ChangeOfLeaderBumpsBothEpochs) {
  ApplyAll({TopicRecordOf("t"), PartitionRecordOf(0, {1, 2, 3})});
  v1::PartitionChangeRecord change = ChangeOf(0);
  change.set_leader(2);
  ApplyChange(change);
  EXPECT_EQ(PartitionAt(0).leader, NodeId(2));
  EXPECT_EQ(PartitionAt(0).leader_epoch, LeaderEpoch(1));
  EXPECT_EQ(PartitionAt(0).partition_epoch, PartitionEpoch(1));

  v1::PartitionChangeRecord shrink = ChangeOf(0);
  shrink.mutable_isr()->add_ids(2);
  ApplyChange(shrink);
  EXPECT_EQ(PartitionAt(0).isr, NodeIdList{NodeId(2)});
  EXPECT_EQ(PartitionAt(0).leader_epoch, LeaderEpoch(1));
  EXPECT_EQ(PartitionAt(0).partition_epoch, PartitionEpoch(2));

  v1::PartitionChangeRecord bump = ChangeOf(0);
  bump.set_bump_leader_epoch(true);
  bump.mutable_isr();
  ApplyChange(bump);
  EXPECT_TRUE(PartitionAt(0).isr.empty()) << "present and empty differs from absent";
  EXPECT_EQ(PartitionAt(0).leader, NodeId(2));
  EXPECT_EQ(PartitionAt(0).leader_epoch, LeaderEpoch(2));
}

TEST_F(ApplyTest, EpochsStopInsteadOfWrapping) {
  v1::MetadataRecord partition = PartitionRecordOf(0, {1});
  partition.mutable_partition()->set_leader_epoch(INT32_MAX);
  partition.mutable_partition()->set_partition_epoch(INT32_MAX);
  ApplyAll({TopicRecordOf("t"), partition});
  v1::PartitionChangeRecord change = ChangeOf(0);
  change.set_leader(-1);
  ApplyChange(change);
  EXPECT_EQ(PartitionAt(0).leader_epoch, LeaderEpoch(INT32_MAX));
  EXPECT_EQ(PartitionAt(0).partition_epoch, PartitionEpoch(INT32_MAX));
}

TEST_F(ApplyTest, I16_BrokerEpochIsTheRegistrationsOffset) {
  ApplyOne(TopicRecordOf("t"));
  ApplyOne(RegistrationOf(4));
  EXPECT_EQ(image_.FindBroker(NodeId(4))->epoch, BrokerEpoch(2));
  v1::MetadataRecord stale;
  stale.mutable_broker_change()->set_broker_id(4);
  stale.mutable_broker_change()->set_broker_epoch(1);
  stale.mutable_broker_change()->set_fenced(false);
  ApplyOne(stale);
  EXPECT_TRUE(image_.FindBroker(NodeId(4))->fenced);
  EXPECT_EQ(image_.skipped_records(), 1u);
  stale.mutable_broker_change()->set_broker_epoch(2);
  ApplyOne(stale);
  EXPECT_FALSE(image_.FindBroker(NodeId(4))->fenced);
  EXPECT_EQ(image_.LiveBrokers(), std::vector<NodeId>{NodeId(4)});
}

TEST_F(ApplyTest, WhatDoesNotFitIsIgnoredAndCounted) {
  ApplyAll({TopicRecordOf("t"), PartitionRecordOf(0, {1})});
  const MetadataImage before = image_;
  const Uuid other = *Uuid::FromBytes("another-id-16byt");
  ApplyAll({
      TopicRecordOf("t", other),         // name taken
      TopicRecordOf("u", kTopicId),      // id taken
      TopicRecordOf("", other),          // no name
      TopicRecordOf("u", Uuid()),        // no id
      PartitionRecordOf(0, {1}),         // there already
      PartitionRecordOf(2, {1}),         // a gap
      PartitionRecordOf(-1, {1}),        // no index
      PartitionRecordOf(0, {1}, other),  // no topic
      v1::MetadataRecord(),              // nothing
  });
  EXPECT_EQ(image_.skipped_records(), 9u);
  EXPECT_EQ(image_.topics(), before.topics());
  EXPECT_EQ(image_.topic_ids(), before.topic_ids());
}

TEST_F(ApplyTest, BatchesThatWereAppliedAreIgnored) {
  v1::MetadataBatch batch;
  *batch.add_records() = TopicRecordOf("t");
  Apply(image_, batch, LogIndex(5));
  const MetadataImage once = image_;
  Apply(image_, batch, LogIndex(5));
  Apply(image_, batch, LogIndex(3));
  EXPECT_EQ(image_, once);
  EXPECT_EQ(image_.skipped_records(), 0u);
}

TEST_F(ApplyTest, RemembersTheFirstAnswerOfEachRequest) {
  v1::MetadataBatch batch;
  batch.mutable_cause()->set_request_id("r1");
  batch.mutable_cause()->set_method("CreateTopics");
  batch.set_reply("first");
  Apply(image_, batch, LogIndex(1));
  batch.set_reply("second");
  Apply(image_, batch, LogIndex(2));
  ASSERT_NE(image_.FindCompleted("r1"), nullptr);
  EXPECT_EQ(*image_.FindCompleted("r1")->reply, "first");
  EXPECT_EQ(image_.FindCompleted("r2"), nullptr);
  EXPECT_EQ(image_.FindCompleted(""), nullptr);
}

TEST_F(ApplyTest, ForgetsTheOldestAnswers) {
  const int count = static_cast<int>(limits::kCompletedRequestsMax) + 10;
  for (int i = 0; i < count; ++i) {
    v1::MetadataBatch batch;
    batch.mutable_cause()->set_request_id("r" + std::to_string(i));
    Apply(image_, batch, image_.offset() + 1);
  }
  EXPECT_EQ(image_.completed_requests().size(), limits::kCompletedRequestsMax);
  EXPECT_EQ(image_.FindCompleted("r9"), nullptr);
  EXPECT_NE(image_.FindCompleted("r10"), nullptr);
}

TEST_F(ApplyTest, BoundsTheBytesOfRememberedAnswers) {
  for (int i = 0; i < 10; ++i) {
    v1::MetadataBatch batch;
    batch.mutable_cause()->set_request_id("r" + std::to_string(i));
    batch.set_reply(std::string(limits::kCompletedReplyBytesMax / 4, 'x'));
    Apply(image_, batch, image_.offset() + 1);
  }
  EXPECT_EQ(image_.completed_requests().size(), 4u);
  EXPECT_NE(image_.FindCompleted("r9"), nullptr);
  EXPECT_EQ(image_.FindCompleted("r5"), nullptr);
}

TEST_F(ApplyTest, CollidingNamesAreFound) {
  ApplyOne(TopicRecordOf("a.b"));
  ASSERT_NE(image_.FindCollidingTopic("a_b"), nullptr);
  EXPECT_EQ(*image_.FindCollidingTopic("a_b"), "a.b");
  EXPECT_EQ(image_.FindCollidingTopic("a.b"), nullptr);
  EXPECT_EQ(image_.FindCollidingTopic("ab"), nullptr);
  v1::MetadataRecord remove;
  remove.mutable_remove_topic()->set_topic_id(kTopicId.ToBytes());
  ApplyOne(remove);
  EXPECT_EQ(image_.FindCollidingTopic("a_b"), nullptr);
}

TEST_F(ApplyTest, BytesThatAreNoBatchOnlyMoveTheOffset) {
  EXPECT_TRUE(ApplyBytes(image_, "", LogIndex(1), nullptr));
  EXPECT_EQ(image_.offset(), LogIndex(1));
  EXPECT_EQ(image_.skipped_records(), 0u);
  EXPECT_FALSE(ApplyBytes(image_, "\xff\xff\xff", LogIndex(2), nullptr));
  EXPECT_EQ(image_.offset(), LogIndex(2));
  EXPECT_EQ(image_.skipped_records(), 1u);
}

// Serialized batches with flipped, cut and inserted bytes: Apply takes them all.
TEST(ApplyFuzz, NeverFailsOnAnyBytes) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    RandomHistory history(seed);
    Prng& prng = history.prng();
    MetadataImage image;
    for (int i = 0; i < 200; ++i) {
      std::string bytes = history.Next(image).SerializeAsString();
      const uint64_t damages = prng.Below(4);
      for (uint64_t d = 0; d < damages && !bytes.empty(); ++d) {
        const size_t at = prng.Below(bytes.size());
        if (prng.Chance(1, 3)) {
          bytes[at] = static_cast<char>(prng.Next());
        } else if (prng.Chance(1, 2)) {
          bytes.erase(at, prng.Below(8));
        } else {
          bytes.insert(at, std::string(prng.Below(5), static_cast<char>(prng.Next())));
        }
      }
      Delta delta;
      ApplyBytes(image, bytes, image.offset() + 1 + prng.Below(3), &delta);
      size_t partitions = 0;
      for (const auto& [id, topic] : image.topics()) {
        partitions += topic.partitions.size();
        ASSERT_EQ(*image.topic_ids().Find(topic.name), id);
      }
      ASSERT_EQ(partitions, image.partition_count());
      ASSERT_EQ(image.topics().size(), image.topic_ids().size());
    }
    EXPECT_FALSE(Dump(image).empty());
  }
}

TEST(ApplyFuzz, RandomBytesAreTaken) {
  Prng prng(99);
  MetadataImage image;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes(prng.Below(60), '\0');
    for (char& c : bytes) c = static_cast<char>(prng.Next());
    ApplyBytes(image, bytes, image.offset() + 1, nullptr);
  }
  EXPECT_GT(image.skipped_records(), 0u);
}

}  // namespace
}  // namespace weir::metadata
