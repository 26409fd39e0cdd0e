// Groups of the consumer protocol in the image (KIP-848): what each record does, what is ignored.
#include <gtest/gtest.h>

#include <vector>

#include "common/metadata/apply.h"
#include "common/metadata/dump.h"
#include "common/metadata/group.h"
#include "common/metadata/snapshot.h"
#include "tests/unit/common/metadata/group_support.h"

namespace weir::metadata {
namespace {

class ConsumerGroupTest : public testing::Test {
 protected:
  void ApplyAll(const std::vector<v1::MetadataRecord>& records) {
    v1::MetadataBatch batch;
    for (const v1::MetadataRecord& record : records) *batch.add_records() = record;
    Apply(image_, batch, image_.offset() + 1);
  }
  // Applies it and expects that it is ignored.
  void ExpectIgnored(const v1::MetadataRecord& record) {
    const Group before = Orders();
    const uint64_t skipped = image_.skipped_records();
    ApplyAll({record});
    EXPECT_EQ(image_.skipped_records(), skipped + 1) << record.ShortDebugString();
    EXPECT_EQ(Orders(), before);
  }
  const Group& Orders() { return *image_.FindGroup("orders"); }

  MetadataImage image_;
};

v1::MetadataRecord EpochRecordOf(const std::string& member_id, int32_t epoch,
                                 v1::ConsumerMemberState state) {
  v1::MetadataRecord record;
  record.mutable_group_member_epoch()->set_group_id("orders");
  record.mutable_group_member_epoch()->set_member_id(member_id);
  record.mutable_group_member_epoch()->set_member_epoch(epoch);
  record.mutable_group_member_epoch()->set_previous_member_epoch(epoch - 1);
  record.mutable_group_member_epoch()->set_state(state);
  return record;
}

// Of topic 1.
v1::MetadataRecord CurrentRecordOf(const std::string& member_id, std::vector<int32_t> assigned,
                                   std::vector<int32_t> pending) {
  Uuid topic;
  topic.bytes.back() = 1;
  v1::MetadataRecord record;
  auto* fields = record.mutable_group_current_assignment();
  fields->set_group_id("orders");
  fields->set_member_id(member_id);
  FillPartitions({{topic, std::move(assigned)}}, fields->mutable_assigned());
  FillPartitions({{topic, std::move(pending)}}, fields->mutable_pending_revocation());
  return record;
}

TEST_F(ConsumerGroupTest, G02_RecordsBuildAConsumerGroup) {
  v1::MetadataRecord group = GroupRecordOf("orders", v1::GROUP_STATE_RECONCILING, 4);
  group.mutable_group()->set_type(v1::GROUP_TYPE_CONSUMER);
  group.mutable_group()->set_assignment_epoch(3);
  group.mutable_group()->set_topics_hash(77);
  v1::MetadataRecord target;
  target.mutable_group_target_assignment()->set_group_id("orders");
  target.mutable_group_target_assignment()->set_member_id("m2");
  FillPartitions({{Uuid::FromBytes(std::string(16, 'a')).value(), {4, 5}}},
                 target.mutable_group_target_assignment()->mutable_partitions());
  ApplyAll({group, MemberRecordOf("orders", "m1", "i1"),
            EpochRecordOf("m1", 3, v1::CONSUMER_MEMBER_STATE_UNREVOKED_PARTITIONS),
            CurrentRecordOf("m1", {2, 0}, {1})});
  EXPECT_EQ(image_.skipped_records(), 0u);
  EXPECT_EQ(Orders().assignment_epoch, 3);
  EXPECT_EQ(Orders().FindMember("m1")->state, ConsumerMemberState::kUnrevokedPartitions);
  EXPECT_EQ(Get(Orders().FindMember("m1")->assigned).begin()->second, (std::vector<int32_t>{0, 2}));
  // A static member that is back takes over what its old id had.
  ApplyAll({MemberRecordOf("orders", "m2", "i1", "m1"), target});
  const GroupMember& back = *Orders().FindMember("m2");
  EXPECT_EQ(back.member_epoch, 3);
  EXPECT_EQ(CountPartitions(Get(back.assigned)), 2u);
  EXPECT_EQ(CountPartitions(Get(back.target)), 2u);
  const Result<MetadataImage> loaded = LoadSnapshot(WriteSnapshot(image_, 100), image_.offset());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(*loaded, image_);
  EXPECT_EQ(Dump(*loaded), Dump(image_));
}

TEST_F(ConsumerGroupTest, OfAConsumerGroupWhatDoesNotFitIsIgnored) {
  ApplyAll({GroupRecordOf("orders", v1::GROUP_STATE_STABLE, 4), MemberRecordOf("orders", "m1")});
  ExpectIgnored(EpochRecordOf("m2", 3, v1::CONSUMER_MEMBER_STATE_STABLE));
  ExpectIgnored(EpochRecordOf("m1", 3, v1::CONSUMER_MEMBER_STATE_UNKNOWN));
  ExpectIgnored(EpochRecordOf("m1", -3, v1::CONSUMER_MEMBER_STATE_STABLE));
  ExpectIgnored(CurrentRecordOf("m2", {1}, {}));
  ExpectIgnored(CurrentRecordOf("m1", {1, 1}, {}));
  ExpectIgnored(CurrentRecordOf("m1", {1}, {-1}));
}

TEST(TopicPartitions, SetsOfPartitions) {
  const Uuid a = Uuid::FromBytes(std::string(16, 'a')).value();
  const Uuid b = Uuid::FromBytes(std::string(16, 'b')).value();
  PartitionsByTopic set{{a, {1, 4}}};
  EXPECT_TRUE(Contains(set, a, 4));
  EXPECT_FALSE(Contains(set, a, 2));
  EXPECT_FALSE(Contains(set, b, 4));
  EXPECT_TRUE(IsSubset({{a, {4}}}, set));
  EXPECT_FALSE(IsSubset({{a, {4, 5}}}, set));
  EXPECT_FALSE(IsSubset({{b, {4}}}, set));
  EXPECT_TRUE(Intersect(set, {{a, {4, 5}}, {b, {1}}}));
  EXPECT_FALSE(Intersect(set, {{a, {5}}, {b, {1}}}));
  Merge({{a, {0, 2}}, {b, {7}}}, &set);
  EXPECT_EQ(set, (PartitionsByTopic{{a, {0, 1, 2, 4}}, {b, {7}}}));
  EXPECT_EQ(CountPartitions(set), 5u);
  EXPECT_EQ(Share({}), nullptr);
  EXPECT_TRUE(Get(nullptr).empty());
}

}  // namespace
}  // namespace weir::metadata
