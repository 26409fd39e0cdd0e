// What groups of the consumer protocol (KIP-848) are configured with, and what does not agree.
#include "common/metadata/consumer_group_config.h"

#include <gtest/gtest.h>

#include <map>

#include "common/metadata/apply.h"
#include "common/metadata/broker_options.h"
#include "tests/support/config_records.h"

namespace weir::metadata {
namespace {

using Values = std::map<std::string, std::string>;

class ConsumerGroupConfigTest : public testing::Test {
 protected:
  void Set(const ConfigResource& resource, const Values& values) {
    v1::MetadataBatch batch;
    for (const auto& [key, value] : values) test::AddConfig(resource, key, value, &batch);
    Apply(image_, batch, image_.offset() + 1);
    ASSERT_EQ(image_.skipped_records(), 0u);
  }
  // Why these do not agree; empty: they do.
  static std::string Refusal(const Values& set) {
    const MetadataImage empty;
    const StaticConfig config(set.begin(), set.end());
    const Status status = CheckConsumerConfigOfAll({empty, kNoNode, &config});
    EXPECT_TRUE(status || status.error().code == ErrorCode::kInvalidConfig);
    return status ? std::string() : status.error().message;
  }

  MetadataImage image_;
};

TEST_F(ConsumerGroupConfigTest, HasKafkasDefaults) {
  const ConfigView view{image_};
  EXPECT_EQ(ConsumerHeartbeatIntervalMs(view, "g"), 5'000);
  EXPECT_EQ(ConsumerSessionTimeoutMs(view, "g"), 45'000);
  EXPECT_EQ(ConsumerAssignmentIntervalMs(view, "g"), 1'000);
  EXPECT_EQ(ConsumerGroupSizeMax(view), INT32_MAX);
  EXPECT_EQ(ConsumerAssignors(view), (std::vector<std::string>{"uniform", "range"}));
  EXPECT_TRUE(AllowedConsumerMigration(view).upgrade);
  EXPECT_TRUE(AllowedConsumerMigration(view).downgrade);
  EXPECT_EQ(BoundsOfGroupConfig(view, "consumer.session.timeout.ms").min, 45'000);
  EXPECT_EQ(BoundsOfGroupConfig(view, "consumer.session.timeout.ms").max, 60'000);
  EXPECT_TRUE(CheckConsumerConfigOfAll(view));
}

TEST_F(ConsumerGroupConfigTest, IsReadFromWhatIsSetForAllBrokers) {
  Set(ConfigResource::OfAllBrokers(), {{"group.consumer.heartbeat.interval.ms", "2000"},
                                       {"group.consumer.min.heartbeat.interval.ms", "1000"},
                                       {"group.consumer.max.heartbeat.interval.ms", "3000"},
                                       {"group.consumer.session.timeout.ms", "8000"},
                                       {"group.consumer.min.session.timeout.ms", "6000"},
                                       {"group.consumer.max.session.timeout.ms", "9000"},
                                       {"group.consumer.assignment.interval.ms", "20"},
                                       {"group.consumer.min.assignment.interval.ms", "10"},
                                       {"group.consumer.max.assignment.interval.ms", "30"},
                                       {"group.consumer.max.size", "17"},
                                       {"group.consumer.assignors", " range "},
                                       {"group.consumer.migration.policy", "UpGrade"}});
  const ConfigView view{image_};
  EXPECT_EQ(ConsumerHeartbeatIntervalMs(view, "g"), 2'000);
  EXPECT_EQ(ConsumerSessionTimeoutMs(view, "g"), 8'000);
  EXPECT_EQ(ConsumerAssignmentIntervalMs(view, "g"), 20);
  EXPECT_EQ(ConsumerGroupSizeMax(view), 17);
  EXPECT_EQ(ConsumerAssignors(view), std::vector<std::string>{"range"});
  EXPECT_TRUE(AllowedConsumerMigration(view).upgrade);
  EXPECT_FALSE(AllowedConsumerMigration(view).downgrade);
  for (const auto& [key, min, max] : {std::tuple{"consumer.heartbeat.interval.ms", 1'000, 3'000},
                                      std::tuple{"consumer.session.timeout.ms", 6'000, 9'000},
                                      std::tuple{"consumer.assignment.interval.ms", 10, 30}}) {
    EXPECT_EQ(BoundsOfGroupConfig(view, key).min, min) << key;
    EXPECT_EQ(BoundsOfGroupConfig(view, key).max, max) << key;
  }
  EXPECT_TRUE(CheckConsumerConfigOfAll(view));
}

// One that nobody can set is worse than none: tools show it as if it were there.
TEST_F(ConsumerGroupConfigTest, EveryKeyCanBeSetWhileBrokersRun) {
  size_t count = 0;
  for (const ConfigOption& option : BrokerOptions()) {
    if (!option.name.starts_with("group.consumer.")) continue;
    EXPECT_TRUE(option.dynamic) << option.name;
    ++count;
  }
  EXPECT_EQ(count, 12u);
}

TEST_F(ConsumerGroupConfigTest, PoliciesAreOneWayOrBothOrNone) {
  for (const auto& [policy, upgrade, downgrade] :
       {std::tuple{"disabled", false, false}, std::tuple{"upgrade", true, false},
        std::tuple{"downgrade", false, true}, std::tuple{"bidirectional", true, true}}) {
    Set(ConfigResource::OfAllBrokers(), {{"group.consumer.migration.policy", policy}});
    EXPECT_EQ(AllowedConsumerMigration({image_}).upgrade, upgrade) << policy;
    EXPECT_EQ(AllowedConsumerMigration({image_}).downgrade, downgrade) << policy;
  }
}

TEST_F(ConsumerGroupConfigTest, WhatDoesNotAgreeIsNamed) {
  EXPECT_EQ(Refusal({{"group.consumer.min.session.timeout.ms", "60001"}}),
            "group.consumer.min.session.timeout.ms (60001) is more than "
            "group.consumer.max.session.timeout.ms (60000)");
  EXPECT_EQ(Refusal({{"group.consumer.session.timeout.ms", "44999"}}),
            "group.consumer.session.timeout.ms (44999) is less than "
            "group.consumer.min.session.timeout.ms (45000)");
  EXPECT_EQ(Refusal({{"group.consumer.assignment.interval.ms", "15001"}}),
            "group.consumer.assignment.interval.ms (15001) is more than "
            "group.consumer.max.assignment.interval.ms (15000)");
  EXPECT_EQ(Refusal({{"group.consumer.max.heartbeat.interval.ms", "45000"},
                     {"group.consumer.heartbeat.interval.ms", "45000"}}),
            "group.consumer.heartbeat.interval.ms (45000) is not less than "
            "group.consumer.session.timeout.ms (45000)");
  EXPECT_EQ(Refusal({{"group.consumer.assignors", "range,uniform,range"}}),
            "group.consumer.assignors names range twice");
  EXPECT_EQ(Refusal({{"group.consumer.assignors", " , "}}),
            "group.consumer.assignors names no assignor");
}

TEST_F(ConsumerGroupConfigTest, AGroupsTimesInForceAreWithinTheBounds) {
  Set(ConfigResource::OfGroup("g"),
      {{"consumer.session.timeout.ms", "6000"}, {"consumer.heartbeat.interval.ms", "15000"}});
  EXPECT_EQ(ConsumerSessionTimeoutMs({image_}, "g"), 45'000) << "set before the bound was raised";
  EXPECT_TRUE(CheckConsumerConfigOf({image_}, "g"));
  Set(ConfigResource::OfAllBrokers(), {{"group.consumer.min.session.timeout.ms", "6000"}});
  EXPECT_EQ(ConsumerSessionTimeoutMs({image_}, "g"), 6'000);
  const Status status = CheckConsumerConfigOf({image_}, "g");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message,
            "consumer.heartbeat.interval.ms (15000) of group 'g' is not less than its "
            "consumer.session.timeout.ms (6000)");
}

}  // namespace
}  // namespace weir::metadata
