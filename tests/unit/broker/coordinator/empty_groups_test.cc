// EmptyGroups: which groups a broker asks away, and when.
#include "broker/coordinator/empty_groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/uuid.h"
#include "common/metadata/apply.h"
#include "common/metadata/group_partition.h"
#include "tests/support/manual_executor.h"
#include "tests/unit/broker/coordinator/scripted_group_port.h"
#include "tests/unit/common/metadata/group_support.h"

namespace weir::coordinator {
namespace {

using Strings = std::vector<std::string>;

constexpr NodeId kSelf{1};
constexpr NodeId kOther{2};
constexpr auto kEmpty = metadata::v1::GROUP_STATE_EMPTY;
constexpr auto kStable = metadata::v1::GROUP_STATE_STABLE;

class EmptyGroupsTest : public testing::Test {
 protected:
  EmptyGroupsTest() {
    Lead(kSelf);
    empty_groups_.Start();
  }

  void Publish(const std::vector<metadata::v1::MetadataRecord>& records) {
    metadata::v1::MetadataBatch batch;
    for (const auto& record : records) *batch.add_records() = record;
    metadata::Apply(image_, batch, LogIndex(++offset_));
    images_.Publish(std::make_shared<const metadata::MetadataImage>(image_), [] {});
    thread_->Run();
  }
  // One partition of committed offsets, led by that broker.
  void Lead(NodeId leader) {
    std::vector<metadata::v1::MetadataRecord> records(2);
    if (image_.FindTopic(metadata::kOffsetsTopic) == nullptr) {
      records[0].mutable_topic()->set_topic_id(topic_.ToBytes());
      records[0].mutable_topic()->set_name(std::string(metadata::kOffsetsTopic));
      auto* partition = records[1].mutable_partition();
      partition->set_topic_id(topic_.ToBytes());
      partition->set_partition(0);
      partition->add_replicas(leader.value());
      partition->add_isr(leader.value());
      partition->set_leader(leader.value());
    } else {
      records.pop_back();
      auto* change = records[0].mutable_partition_change();
      change->set_topic_id(topic_.ToBytes());
      change->set_partition(0);
      change->set_leader(leader.value());
    }
    Publish(records);
  }
  void PublishGroup(const std::string& group_id, int32_t generation = 2) {
    Publish({metadata::GroupRecordOf(group_id, kEmpty, generation)});
  }
  // What was asked of the controllers until now, and what has not been looked at before.
  Strings AskedAfterLook() {
    thread_->Advance(kEmptyGroupsInterval);
    return Asked();
  }
  Strings Asked() {
    Strings asked;
    for (; seen_ < port_.deletes.requests.size(); ++seen_) {
      const auto& ids = port_.deletes.requests[seen_].group_ids();
      asked.insert(asked.end(), ids.begin(), ids.end());
    }
    std::sort(asked.begin(), asked.end());
    return asked;
  }
  void AnswerDelete(Result<group::v1::DeleteGroupsReply> reply) {
    port_.deletes.Answer(std::move(reply));
    thread_->Run();
  }

  // As PartitionTable answers.
  void Query(const std::vector<replica::OffsetQuery>& queries, replica::OffsetQueryDone done) {
    std::vector<replica::OffsetQueryOutcome> outcomes;
    largest_query_ = std::max(largest_query_, queries.size());
    for (const replica::OffsetQuery& query : queries) {
      EXPECT_EQ(query.partition, (replica::TopicPartition{topic_, PartitionIndex(0)}));
      EXPECT_FALSE(query.topics) << "all there are";
      replica::OffsetQueryOutcome& outcome = outcomes.emplace_back();
      if (with_offsets_.contains(query.group)) outcome.offsets.emplace_back();
      if (with_reset_.contains(query.group)) outcome.last_reset.emplace();
      if (cannot_tell_.contains(query.group)) {
        outcome.error = ErrorCode::kCoordinatorLoadInProgress;
      }
    }
    thread_->Post([done = std::move(done), outcomes = std::move(outcomes)]() mutable {
      done(std::move(outcomes));
    });
  }

  const Uuid topic_{{1, 2, 3}};
  std::set<std::string> with_offsets_;
  std::set<std::string> with_reset_;
  std::set<std::string> cannot_tell_;
  size_t largest_query_ = 0;
  std::shared_ptr<test::ManualExecutor> thread_ = std::make_shared<test::ManualExecutor>();
  ScriptedGroupPort port_;
  size_t seen_ = 0;
  broker::ImageHolder images_{*thread_, {thread_.get()}};
  metadata::MetadataImage image_;
  uint64_t offset_ = 0;
  EmptyGroups empty_groups_{kSelf, thread_, images_, port_,
                            [this](auto queries, auto done) { Query(queries, std::move(done)); }};
};

TEST_F(EmptyGroupsTest, AGroupWithoutMembersAndOffsetsEndsAtTheSecondLook) {
  PublishGroup("console-consumer-1");
  EXPECT_EQ(AskedAfterLook(), Strings{}) << "it may have been empty for a moment only";
  EXPECT_EQ(AskedAfterLook(), Strings{"console-consumer-1"});
  AnswerDelete(group::v1::DeleteGroupsReply());
  metadata::v1::MetadataRecord removal;
  removal.mutable_remove_group()->set_group_id("console-consumer-1");
  Publish({removal});
  EXPECT_EQ(AskedAfterLook(), Strings{});
  EXPECT_EQ(AskedAfterLook(), Strings{});
}

TEST_F(EmptyGroupsTest, GroupsWithOffsetsOrMembersAreNeverAskedAway) {
  for (const char* id : {"offsets", "reset", "loads", "none"}) PublishGroup(id);
  Publish(
      {metadata::GroupRecordOf("members", kStable, 2), metadata::MemberRecordOf("members", "m")});
  with_offsets_ = {"offsets"};
  with_reset_ = {"reset"};
  cannot_tell_ = {"loads"};
  AskedAfterLook();
  EXPECT_EQ(AskedAfterLook(), Strings{"none"});
}

TEST_F(EmptyGroupsTest, AGroupThatWasJoinedBetweenTwoLooksStays) {
  PublishGroup("g", 2);
  AskedAfterLook();
  Publish({metadata::GroupRecordOf("g", kStable, 3)});
  PublishGroup("g", 4);
  EXPECT_EQ(AskedAfterLook(), Strings{}) << "it has been empty for less than an interval";
  EXPECT_EQ(AskedAfterLook(), Strings{"g"});
}

TEST_F(EmptyGroupsTest, OnlyTheLeaderOfTheirOffsetsLooksAfterGroups) {
  PublishGroup("g");
  AskedAfterLook();
  Lead(kOther);
  EXPECT_EQ(AskedAfterLook(), Strings{});
  EXPECT_EQ(largest_query_, 0u);
  Lead(kSelf);
  EXPECT_EQ(AskedAfterLook(), Strings{}) << "what it knew is old";
  EXPECT_EQ(AskedAfterLook(), Strings{"g"});
}

TEST_F(EmptyGroupsTest, WhatNoControllerTakesIsAskedAgainInTheNextRound) {
  PublishGroup("g");
  AskedAfterLook();
  EXPECT_EQ(AskedAfterLook(), Strings{"g"});
  EXPECT_EQ(AskedAfterLook(), Strings{}) << "one round at a time";
  AnswerDelete(Fail(ErrorCode::kRequestTimedOut, "no controller"));
  EXPECT_EQ(AskedAfterLook(), Strings{"g"});
}

TEST_F(EmptyGroupsTest, D11_ManyGroupsGoInBatches) {
  std::vector<metadata::v1::MetadataRecord> records;
  for (size_t i = 0; i < 2 * kEmptyGroupsBatchMax + 1; ++i) {
    records.push_back(metadata::GroupRecordOf("g" + std::to_string(i), kEmpty, 2));
  }
  Publish(records);
  AskedAfterLook();
  size_t asked = AskedAfterLook().size();
  EXPECT_EQ(asked, kEmptyGroupsBatchMax);
  AnswerDelete(group::v1::DeleteGroupsReply());
  asked += Asked().size();
  EXPECT_EQ(asked, 2 * kEmptyGroupsBatchMax);
  AnswerDelete(group::v1::DeleteGroupsReply());
  asked += Asked().size();
  EXPECT_EQ(asked, 2 * kEmptyGroupsBatchMax + 1);
  EXPECT_EQ(largest_query_, kEmptyGroupsBatchMax);
  EXPECT_EQ(thread_->timers(), 0u) << "the next look comes after the round";
  AnswerDelete(group::v1::DeleteGroupsReply());
  EXPECT_EQ(thread_->timers(), 1u);
}

}  // namespace
}  // namespace weir::coordinator
