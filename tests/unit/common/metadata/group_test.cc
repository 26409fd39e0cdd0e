// Groups in the image: what each record does, what is ignored, what brokers get.
#include "common/metadata/group.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/crc32c.h"
#include "common/metadata/apply.h"
#include "common/metadata/broker_records.h"
#include "common/metadata/dump.h"
#include "common/metadata/snapshot.h"
#include "tests/unit/common/metadata/group_support.h"
#include "tests/unit/common/metadata/random_history_support.h"

namespace weir::metadata {
namespace {

class GroupTest : public testing::Test {
 protected:
  void ApplyAll(const std::vector<v1::MetadataRecord>& records) {
    v1::MetadataBatch batch;
    for (const v1::MetadataRecord& record : records) *batch.add_records() = record;
    ApplyAndTrack(image_, batch, image_.offset() + 1, &delta_);
  }
  // Applies it and expects that it is ignored.
  void ExpectIgnored(const v1::MetadataRecord& record) {
    const std::string before = Dump(image_).substr(Dump(image_).find('\n'));
    const uint64_t skipped = image_.skipped_records();
    ApplyAll({record});
    EXPECT_EQ(image_.skipped_records(), skipped + 1) << record.ShortDebugString();
    EXPECT_EQ(Dump(image_).substr(Dump(image_).find('\n')), before);
  }
  static std::string Digest(std::string_view bytes) {
    return std::to_string(bytes.size()) + "B/" + std::to_string(Crc32c(bytes));
  }
  const Group& Orders() { return *image_.FindGroup("orders"); }

  MetadataImage image_;
  Delta delta_;
};

TEST_F(GroupTest, RecordsBuildAGroup) {
  ApplyAll({GroupRecordOf("orders", v1::GROUP_STATE_STABLE, 3), MemberRecordOf("orders", "m1"),
            MemberRecordOf("orders", "m2", "i2"), SubscriptionRecordOf("orders", "m1", "topics"),
            AssignmentRecordOf("orders", "m1", "p0")});
  EXPECT_EQ(image_.skipped_records(), 0u);
  EXPECT_EQ(Orders().generation, 3);
  EXPECT_EQ(*Orders().FindMember("m1")->subscription->FindMetadata("range"), "topics");
  EXPECT_EQ(Orders().FindMember("m1")->subscription->FindMetadata("sticky"), nullptr);
  EXPECT_EQ(*Orders().FindMember("m1")->assignment, "p0");
  EXPECT_EQ(*Orders().FindStaticMember("i2"), "m2");
  EXPECT_EQ(delta_.changed_groups, std::set<std::string>{"orders"});
  ApplyAll({GroupRecordOf("orders", v1::GROUP_STATE_PREPARING_REBALANCE, 3)});
  EXPECT_EQ(Orders().members.size(), 2u) << "a change of the group keeps its members";
  EXPECT_EQ(Dump("orders", Orders()),
            "group \"orders\" classic PreparingRebalance generation=3 protocol_type=\"consumer\" "
            "protocol_name=\"\" leader=\"\"\n"
            "  member \"m1\" session_timeout_ms=10000 rebalance_timeout_ms=0 client_id=\"\" "
            "client_host=\"\" \"range\"=" +
                Digest("topics") + " assignment=" + Digest("p0") +
                "\n"
                "  member \"m2\" instance_id=\"i2\" session_timeout_ms=10000 "
                "rebalance_timeout_ms=0\n");
}

// KIP-345: the restarted process has a new member id and everything else of the old one.
TEST_F(GroupTest, G19_AReplacedStaticMemberKeepsWhatItHad) {
  ApplyAll({GroupRecordOf("orders", v1::GROUP_STATE_STABLE, 3),
            MemberRecordOf("orders", "old", "i1"), SubscriptionRecordOf("orders", "old", "topics"),
            AssignmentRecordOf("orders", "old", "p0")});
  ApplyAll({MemberRecordOf("orders", "new", "i1", "old")});
  EXPECT_EQ(image_.skipped_records(), 0u);
  EXPECT_EQ(Orders().members.size(), 1u);
  EXPECT_EQ(*Orders().FindMember("new")->assignment, "p0");
  EXPECT_EQ(*Orders().FindMember("new")->subscription->FindMetadata("range"), "topics");
  EXPECT_EQ(*Orders().FindStaticMember("i1"), "new");
}

TEST_F(GroupTest, MembersAndGroupsAreRemoved) {
  ApplyAll({GroupRecordOf("orders", v1::GROUP_STATE_STABLE, 3), MemberRecordOf("orders", "m1"),
            MemberRecordOf("orders", "m2", "i2")});
  v1::MetadataRecord remove;
  remove.mutable_remove_group()->set_group_id("orders");
  ExpectIgnored(remove);
  ApplyAll({RemovalRecordOf("orders", {"m2", "unknown"})});
  EXPECT_EQ(Orders().FindStaticMember("i2"), nullptr);
  ApplyAll({RemovalRecordOf("orders", {"m1"}), remove});
  EXPECT_EQ(image_.FindGroup("orders"), nullptr);
  ExpectIgnored(remove);
}

// Kafka's strings are not checked: a batch with them must be readable on every node.
TEST_F(GroupTest, NamesNeedNotBeUtf8) {
  const std::string name = "g\xff\xfe";
  v1::MetadataBatch batch;
  *batch.add_records() = GroupRecordOf(name, v1::GROUP_STATE_STABLE, 3);
  *batch.add_records() = MemberRecordOf(name, name, name);
  *batch.add_records() = SubscriptionRecordOf(name, name, name);
  batch.mutable_records(0)->mutable_group()->set_protocol_type(name);
  batch.mutable_records(0)->mutable_group()->set_leader(name);
  batch.mutable_records(2)->mutable_group_subscription()->set_client_id(name);
  batch.mutable_records(2)->mutable_group_subscription()->mutable_protocols(0)->set_name(name);
  ASSERT_TRUE(ApplyBytes(image_, batch.SerializeAsString(), LogIndex(1), nullptr));
  EXPECT_EQ(image_.skipped_records(), 0u);
  const auto loaded = LoadSnapshot(WriteSnapshot(image_), LogIndex(1));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(*loaded, image_);
}

TEST_F(GroupTest, WhatDoesNotFitIsIgnored) {
  ExpectIgnored(MemberRecordOf("orders", "m1"));
  ExpectIgnored(GroupRecordOf("", v1::GROUP_STATE_EMPTY, 0));
  ExpectIgnored(GroupRecordOf("orders", v1::GROUP_STATE_UNKNOWN, 0));
  ExpectIgnored(GroupRecordOf("orders", v1::GROUP_STATE_EMPTY, -1));
  ApplyAll({GroupRecordOf("orders", v1::GROUP_STATE_STABLE, 3),
            MemberRecordOf("orders", "m1", "i1"), MemberRecordOf("orders", "m2")});
  ExpectIgnored(GroupRecordOf("orders", v1::GROUP_STATE_UNKNOWN, 4));
  ExpectIgnored(MemberRecordOf("orders", ""));
  ExpectIgnored(MemberRecordOf("orders", "m3", "i1"));
  ExpectIgnored(MemberRecordOf("orders", "m3", "i1", "m2"));
  ExpectIgnored(MemberRecordOf("orders", "m3", "i3", "unknown"));
  ExpectIgnored(MemberRecordOf("orders", "m2", "i1", "m1"));
  ExpectIgnored(MemberRecordOf("orders", "m1", "i1", "m1"));
  ExpectIgnored(SubscriptionRecordOf("orders", "m3", "x"));
  ExpectIgnored(AssignmentRecordOf("orders", "m3", "x"));
  ExpectIgnored(RemovalRecordOf("orders", {"m3"}));
}

void ClearWhatBrokersLack(v1::SnapshotChunk* chunk) {
  for (int i = chunk->records_size() - 1; i >= 0; --i) {
    if (!IsForBrokers(chunk->records(i).kind_case()))
      chunk->mutable_records()->DeleteSubrange(i, 1);
  }
}

// A broker's image is the controllers' without subscriptions and assignments, whatever happens:
// fed by batches or begun from a snapshot.
TEST(BrokerRecords, BrokersHaveTheSameGroupsWithoutWhatMembersSay) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    RandomHistory history(seed);
    MetadataImage controller;
    MetadataImage broker;
    for (int step = 0; step < 400; ++step) {
      const v1::MetadataBatch batch = history.Next(controller);
      const LogIndex offset = controller.offset() + 1;
      const std::string bytes = batch.SerializeAsString();
      ASSERT_TRUE(ApplyBytes(controller, bytes, offset, nullptr));
      ASSERT_TRUE(ApplyBytes(broker, BatchForBrokers(bytes), offset, nullptr));
      if (step % 20 != 0) continue;
      const std::string chunk = WriteSnapshot(controller, 1 << 30).at(0);
      v1::SnapshotChunk expected;
      ASSERT_TRUE(expected.ParseFromString(chunk));
      ClearWhatBrokersLack(&expected);
      v1::SnapshotChunk found;
      ASSERT_TRUE(found.ParseFromString(WriteSnapshot(broker, 1 << 30).at(0)));
      ASSERT_EQ(found.SerializeAsString(), expected.SerializeAsString());
      const auto loaded = LoadSnapshot({ChunkForBrokers(chunk)}, controller.offset());
      ASSERT_TRUE(loaded);
      ASSERT_EQ(*loaded, broker);
    }
  }
}

TEST(BrokerRecords, OtherBytesPass) {
  EXPECT_EQ(BatchForBrokers("no batch"), "no batch");
  EXPECT_EQ(BatchForBrokers(""), "");
  v1::MetadataBatch batch;
  batch.add_records()->mutable_topic()->set_name("orders");
  EXPECT_EQ(BatchForBrokers(batch.SerializeAsString()), batch.SerializeAsString());
}

// What is cut off anywhere is handed on as it is, and nothing is read behind it.
TEST(BrokerRecords, DamagedBytesPass) {
  v1::MetadataBatch batch;
  batch.mutable_cause()->set_principal("Controller:1");
  batch.add_records()->mutable_group_assignment()->set_group_id("orders");
  batch.add_records()->mutable_group()->set_group_id("orders");
  const std::string whole = batch.SerializeAsString();
  EXPECT_LT(BatchForBrokers(whole).size(), whole.size());
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    v1::MetadataBatch parsed;
    if (parsed.ParseFromString(cut)) continue;
    EXPECT_EQ(BatchForBrokers(cut), cut) << size;
  }
}

}  // namespace
}  // namespace weir::metadata
