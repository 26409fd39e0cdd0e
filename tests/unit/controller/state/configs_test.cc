#include "controller/state/configs.h"

#include <gtest/gtest.h>

#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

using metadata::ConfigResource;
using metadata::v1::CONFIG_RESOURCE_BROKER;
using metadata::v1::CONFIG_RESOURCE_GROUP;
using metadata::v1::CONFIG_RESOURCE_TOPIC;

class ConfigsTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster_.AddBroker(1);
    cluster_.CreateTopic("t", 1, 1);
  }

  admin::v1::AlteredResource* Resource(metadata::v1::ConfigResourceType type,
                                       const std::string& name) {
    admin::v1::AlteredResource* resource = request_.add_resources();
    resource->mutable_resource()->set_type(type);
    resource->mutable_resource()->set_name(name);
    return resource;
  }
  static void Change(admin::v1::AlteredResource* resource, const std::string& key,
                     admin::v1::ConfigOperation operation,
                     const std::optional<std::string>& value = std::nullopt) {
    admin::v1::ConfigChange* change = resource->add_changes();
    change->set_key(key);
    change->set_operation(operation);
    if (value) change->set_value(*value);
  }
  admin::v1::AlterConfigsReply Alter() {
    const auto reply = cluster_.Commit(AlterConfigs(cluster_.context(), request_));
    request_.Clear();
    return reply;
  }
  ErrorCode AlterOne() { return CodeOf(Alter().resources(0).error()); }
  ErrorCode AlterTopic(const std::string& key, admin::v1::ConfigOperation operation,
                       const std::optional<std::string>& value = std::nullopt) {
    Change(Resource(CONFIG_RESOURCE_TOPIC, "t"), key, operation, value);
    return AlterOne();
  }
  std::string TopicValue(const std::string& key) {
    const std::string* value = cluster_.image.FindConfig(ConfigResource::OfTopic("t"), key);
    return value == nullptr ? "(none)" : *value;
  }

  StateHarness cluster_;
  admin::v1::AlterConfigsRequest request_;
};

TEST_F(ConfigsTest, SetsAndDeletes) {
  EXPECT_EQ(AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_SET, "5"), ErrorCode::kNone);
  EXPECT_EQ(TopicValue("retention.ms"), "5");
  EXPECT_EQ(AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_DELETE), ErrorCode::kNone);
  EXPECT_EQ(TopicValue("retention.ms"), "(none)");
  EXPECT_EQ(AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_DELETE), ErrorCode::kNone);
}

TEST_F(ConfigsTest, NoRecordForWhatIsSoAlready) {
  AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_SET, "5");
  Change(Resource(CONFIG_RESOURCE_TOPIC, "t"), "retention.ms", admin::v1::CONFIG_OPERATION_SET,
         "5");
  EXPECT_TRUE(AlterConfigs(cluster_.context(), request_)->records.empty());
}

TEST_F(ConfigsTest, AppendsToAndSubtractsFromLists) {
  EXPECT_EQ(AlterTopic("cleanup.policy", admin::v1::CONFIG_OPERATION_APPEND, "compact"),
            ErrorCode::kNone);
  EXPECT_EQ(TopicValue("cleanup.policy"), "delete,compact") << "the default counts as present";
  EXPECT_EQ(AlterTopic("cleanup.policy", admin::v1::CONFIG_OPERATION_APPEND, "compact"),
            ErrorCode::kNone);
  EXPECT_EQ(TopicValue("cleanup.policy"), "delete,compact");
  EXPECT_EQ(AlterTopic("cleanup.policy", admin::v1::CONFIG_OPERATION_SUBTRACT, "delete"),
            ErrorCode::kNone);
  EXPECT_EQ(TopicValue("cleanup.policy"), "compact");
  EXPECT_EQ(AlterTopic("cleanup.policy", admin::v1::CONFIG_OPERATION_APPEND, "shred"),
            ErrorCode::kInvalidConfig);
  EXPECT_EQ(AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_APPEND, "5"),
            ErrorCode::kInvalidConfig);
}

TEST_F(ConfigsTest, RefusesBadKeysAndValues) {
  EXPECT_EQ(AlterTopic("nope", admin::v1::CONFIG_OPERATION_SET, "5"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(AlterTopic("nope", admin::v1::CONFIG_OPERATION_DELETE), ErrorCode::kInvalidConfig);
  EXPECT_EQ(AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_SET, "-2"),
            ErrorCode::kInvalidConfig);
  EXPECT_EQ(AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_SET), ErrorCode::kInvalidConfig);
  EXPECT_EQ(AlterTopic("min.compaction.lag.ms", admin::v1::CONFIG_OPERATION_SET, "9"),
            ErrorCode::kNone);
  EXPECT_EQ(AlterTopic("max.compaction.lag.ms", admin::v1::CONFIG_OPERATION_SET, "8"),
            ErrorCode::kInvalidConfig);
}

TEST_F(ConfigsTest, AllKeysOfAResourceOrNone) {
  admin::v1::AlteredResource* resource = Resource(CONFIG_RESOURCE_TOPIC, "t");
  Change(resource, "retention.ms", admin::v1::CONFIG_OPERATION_SET, "5");
  Change(resource, "retention.bytes", admin::v1::CONFIG_OPERATION_SET, "much");
  Change(Resource(CONFIG_RESOURCE_BROKER, ""), "log.retention.ms", admin::v1::CONFIG_OPERATION_SET,
         "7");
  const admin::v1::AlterConfigsReply reply = Alter();
  EXPECT_EQ(CodeOf(reply.resources(0).error()), ErrorCode::kInvalidConfig);
  EXPECT_EQ(TopicValue("retention.ms"), "(none)");
  EXPECT_EQ(CodeOf(reply.resources(1).error()), ErrorCode::kNone);
  EXPECT_EQ(*cluster_.image.FindConfig(ConfigResource::OfAllBrokers(), "log.retention.ms"), "7");
}

TEST_F(ConfigsTest, RefusesWhatIsNamedTwice) {
  admin::v1::AlteredResource* resource = Resource(CONFIG_RESOURCE_TOPIC, "t");
  Change(resource, "retention.ms", admin::v1::CONFIG_OPERATION_SET, "5");
  Change(resource, "retention.ms", admin::v1::CONFIG_OPERATION_SET, "6");
  EXPECT_EQ(AlterOne(), ErrorCode::kInvalidRequest);
  for (int i = 0; i < 2; ++i) {
    Change(Resource(CONFIG_RESOURCE_TOPIC, "t"), "retention.ms", admin::v1::CONFIG_OPERATION_SET,
           "5");
  }
  const admin::v1::AlterConfigsReply reply = Alter();
  EXPECT_EQ(CodeOf(reply.resources(0).error()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf(reply.resources(1).error()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(TopicValue("retention.ms"), "(none)");
}

TEST_F(ConfigsTest, ReplaceAllDeletesTheRest) {
  AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_SET, "5");
  AlterTopic("segment.ms", admin::v1::CONFIG_OPERATION_SET, "6");
  admin::v1::AlteredResource* resource = Resource(CONFIG_RESOURCE_TOPIC, "t");
  resource->set_replace_all(true);
  Change(resource, "segment.ms", admin::v1::CONFIG_OPERATION_SET, "7");
  EXPECT_EQ(AlterOne(), ErrorCode::kNone);
  EXPECT_EQ(TopicValue("retention.ms"), "(none)");
  EXPECT_EQ(TopicValue("segment.ms"), "7");
  resource = Resource(CONFIG_RESOURCE_TOPIC, "t");
  resource->set_replace_all(true);
  EXPECT_EQ(AlterOne(), ErrorCode::kNone);
  EXPECT_EQ(cluster_.image.FindConfigs(ConfigResource::OfTopic("t")), nullptr);
}

TEST_F(ConfigsTest, ChecksTheResource) {
  const auto code_of = [&](metadata::v1::ConfigResourceType type, const std::string& name,
                           const std::string& key, const std::string& value) {
    Change(Resource(type, name), key, admin::v1::CONFIG_OPERATION_SET, value);
    return AlterOne();
  };
  EXPECT_EQ(code_of(CONFIG_RESOURCE_TOPIC, "nope", "retention.ms", "5"),
            ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(code_of(CONFIG_RESOURCE_BROKER, "9", "log.retention.ms", "5"),
            ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(code_of(CONFIG_RESOURCE_BROKER, "01", "log.retention.ms", "5"),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(code_of(CONFIG_RESOURCE_GROUP, "", "consumer.session.timeout.ms", "50000"),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(code_of(metadata::v1::CONFIG_RESOURCE_CLIENT_METRICS, "m", "interval.ms", "5"),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(code_of(CONFIG_RESOURCE_BROKER, "1", "num.partitions", "5"), ErrorCode::kInvalidConfig)
      << "needs a restart";
  EXPECT_EQ(code_of(CONFIG_RESOURCE_BROKER, "1", "log.retention.ms", "5"), ErrorCode::kNone);
}

TEST_F(ConfigsTest, GroupsHaveTimesOfTheirOwnWithinBounds) {
  const auto code_of = [&](const std::string& key, const std::string& value) {
    Change(Resource(CONFIG_RESOURCE_GROUP, "g"), key, admin::v1::CONFIG_OPERATION_SET, value);
    return AlterOne();
  };
  EXPECT_EQ(code_of("consumer.session.timeout.ms", "50000"), ErrorCode::kNone)
      << "nobody has to be in the group";
  EXPECT_EQ(*cluster_.image.FindConfig(ConfigResource::OfGroup("g"), "consumer.session.timeout.ms"),
            "50000");
  EXPECT_EQ(code_of("consumer.session.timeout.ms", "44999"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(code_of("consumer.session.timeout.ms", "60001"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(code_of("consumer.session.timeout.ms", "long"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(code_of("consumer.heartbeat.interval.ms", "15000"), ErrorCode::kNone);
  EXPECT_EQ(code_of("consumer.assignment.interval.ms", "0"), ErrorCode::kNone);
  EXPECT_EQ(code_of("group.consumer.session.timeout.ms", "50000"), ErrorCode::kInvalidConfig)
      << "a key of brokers";
  EXPECT_EQ(code_of("retention.ms", "5"), ErrorCode::kInvalidConfig);
}

TEST_F(ConfigsTest, AGroupsHeartbeatsAreMoreFrequentThanItsSessionIsLong) {
  cluster_.defaults.static_config["group.consumer.max.heartbeat.interval.ms"] = "60000";
  admin::v1::AlteredResource* group = Resource(CONFIG_RESOURCE_GROUP, "g");
  Change(group, "consumer.session.timeout.ms", admin::v1::CONFIG_OPERATION_SET, "50000");
  Change(group, "consumer.heartbeat.interval.ms", admin::v1::CONFIG_OPERATION_SET, "50000");
  EXPECT_EQ(AlterOne(), ErrorCode::kInvalidConfig);
  group = Resource(CONFIG_RESOURCE_GROUP, "g");
  Change(group, "consumer.heartbeat.interval.ms", admin::v1::CONFIG_OPERATION_SET, "45000");
  EXPECT_EQ(AlterOne(), ErrorCode::kInvalidConfig) << "as long as the session of all groups";
  group = Resource(CONFIG_RESOURCE_GROUP, "g");
  Change(group, "consumer.session.timeout.ms", admin::v1::CONFIG_OPERATION_SET, "50000");
  Change(group, "consumer.heartbeat.interval.ms", admin::v1::CONFIG_OPERATION_SET, "49999");
  EXPECT_EQ(AlterOne(), ErrorCode::kNone);
}

TEST_F(ConfigsTest, WhatHoldsForAllGroupsIsSetForAllBrokers) {
  const auto change = [&](const std::string& broker, const std::string& key,
                          const std::string& value) {
    Change(Resource(CONFIG_RESOURCE_BROKER, broker), key, admin::v1::CONFIG_OPERATION_SET, value);
    return Alter().resources(0).error();
  };
  const std::vector<std::pair<std::string, std::string>> good = {
      {"group.consumer.min.session.timeout.ms", "6000"},
      {"group.consumer.max.session.timeout.ms", "70000"},
      {"group.consumer.session.timeout.ms", "30000"},
      {"group.consumer.min.heartbeat.interval.ms", "1000"},
      {"group.consumer.max.heartbeat.interval.ms", "20000"},
      {"group.consumer.heartbeat.interval.ms", "3000"},
      {"group.consumer.min.assignment.interval.ms", "100"},
      {"group.consumer.max.assignment.interval.ms", "20000"},
      {"group.consumer.assignment.interval.ms", "500"},
      {"group.consumer.max.size", "5"},
      {"group.consumer.assignors", "range"},
      {"group.consumer.migration.policy", "disabled"}};
  for (const auto& [key, value] : good) {
    EXPECT_EQ(CodeOf(change("1", key, value)), ErrorCode::kInvalidConfig) << key;
    EXPECT_EQ(CodeOf(change("", key, value)), ErrorCode::kNone) << key;
    EXPECT_EQ(*cluster_.image.FindConfig(ConfigResource::OfAllBrokers(), key), value);
  }
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"group.consumer.session.timeout.ms", "5999"},
      {"group.consumer.min.session.timeout.ms", "30001"},
      {"group.consumer.max.session.timeout.ms", "29999"},
      {"group.consumer.heartbeat.interval.ms", "0"},
      {"group.consumer.max.size", "0"},
      {"group.consumer.assignors", "sticky"},
      {"group.consumer.assignors", "range,range"},
      {"group.consumer.assignors", ""},
      {"group.consumer.migration.policy", "sideways"},
      {"group.consumer.regex.refresh.interval.ms", "20000"}};
  for (const auto& [key, value] : bad) {
    const admin::v1::AdminError error = change("", key, value);
    EXPECT_EQ(CodeOf(error), ErrorCode::kInvalidConfig) << key;
    EXPECT_NE(error.message().find(key), std::string::npos) << error.message();
  }
}

TEST_F(ConfigsTest, AGroupAndItsBoundsMayBeSetInOneRequest) {
  Change(Resource(CONFIG_RESOURCE_BROKER, ""), "group.consumer.min.session.timeout.ms",
         admin::v1::CONFIG_OPERATION_SET, "6000");
  Change(Resource(CONFIG_RESOURCE_GROUP, "g"), "consumer.session.timeout.ms",
         admin::v1::CONFIG_OPERATION_SET, "6000");
  const admin::v1::AlterConfigsReply reply = Alter();
  EXPECT_EQ(CodeOf(reply.resources(0).error()), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(reply.resources(1).error()), ErrorCode::kNone);
}

TEST_F(ConfigsTest, NothingIsSetForAllGroupsThatWouldRemoveOnesMembers) {
  Change(Resource(CONFIG_RESOURCE_GROUP, "g"), "consumer.heartbeat.interval.ms",
         admin::v1::CONFIG_OPERATION_SET, "15000");
  EXPECT_EQ(AlterOne(), ErrorCode::kNone);
  const auto shorten = [&] {
    admin::v1::AlteredResource* all = Resource(CONFIG_RESOURCE_BROKER, "");
    Change(all, "group.consumer.min.session.timeout.ms", admin::v1::CONFIG_OPERATION_SET, "6000");
    Change(all, "group.consumer.session.timeout.ms", admin::v1::CONFIG_OPERATION_SET, "10000");
    return Alter().resources(0).error();
  };
  const admin::v1::AdminError error = shorten();
  EXPECT_EQ(CodeOf(error), ErrorCode::kInvalidConfig);
  EXPECT_NE(error.message().find("group 'g'"), std::string::npos) << error.message();
  Change(Resource(CONFIG_RESOURCE_BROKER, ""), "log.retention.ms", admin::v1::CONFIG_OPERATION_SET,
         "7");
  EXPECT_EQ(AlterOne(), ErrorCode::kNone);
  Change(Resource(CONFIG_RESOURCE_GROUP, "g"), "consumer.heartbeat.interval.ms",
         admin::v1::CONFIG_OPERATION_DELETE);
  EXPECT_EQ(AlterOne(), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(shorten()), ErrorCode::kNone);
}

TEST_F(ConfigsTest, WhatCommitsOfOffsetsGoByCanBeSet) {
  const auto code_of = [&](const std::string& key, const std::string& value) {
    Change(Resource(CONFIG_RESOURCE_BROKER, ""), key, admin::v1::CONFIG_OPERATION_SET, value);
    return AlterOne();
  };
  for (const auto& [key, good, bad] :
       {std::tuple{"offset.metadata.max.bytes", "0", "-1"},
        std::tuple{"offset.metadata.max.bytes", "32767", "32768"},
        std::tuple{"offsets.commit.timeout.ms", "1", "0"},
        std::tuple{"offsets.topic.segment.bytes", "1048576", "1048575"}}) {
    EXPECT_EQ(code_of(key, good), ErrorCode::kNone) << key;
    EXPECT_EQ(code_of(key, bad), ErrorCode::kInvalidConfig) << key;
  }
}

TEST_F(ConfigsTest, I08_WhatControllersCountWithIsNoBrokersOwn) {
  const auto code_of = [&](const std::string& broker, const std::string& key,
                           const std::string& value) {
    Change(Resource(CONFIG_RESOURCE_BROKER, broker), key, admin::v1::CONFIG_OPERATION_SET, value);
    return AlterOne();
  };
  for (const auto& [key, value] : {std::pair{"min.insync.replicas", "2"},
                                   std::pair{"unclean.leader.election.enable", "true"}}) {
    EXPECT_EQ(code_of("1", key, value), ErrorCode::kInvalidConfig) << key;
    EXPECT_EQ(code_of("", key, value), ErrorCode::kNone) << key;
  }
}

TEST_F(ConfigsTest, ValidateOnlyChangesNothing) {
  request_.set_validate_only(true);
  Change(Resource(CONFIG_RESOURCE_TOPIC, "t"), "retention.ms", admin::v1::CONFIG_OPERATION_SET,
         "5");
  EXPECT_EQ(AlterOne(), ErrorCode::kNone);
  EXPECT_EQ(TopicValue("retention.ms"), "(none)");
}

TEST_F(ConfigsTest, DescribesWithSourceAndDefault) {
  AlterTopic("retention.ms", admin::v1::CONFIG_OPERATION_SET, "5");
  cluster_.defaults.static_config["message.max.bytes"] = "2000";
  admin::v1::DescribeConfigsRequest request;
  admin::v1::ConfigSelector* selector = request.add_resources();
  selector->mutable_resource()->set_type(CONFIG_RESOURCE_TOPIC);
  selector->mutable_resource()->set_name("t");
  selector->add_keys("retention.ms");
  selector->add_keys("max.message.bytes");
  selector->add_keys("no.such.key");
  const admin::v1::DescribeConfigsReply reply =
      DescribeConfigs(cluster_.image, cluster_.defaults, request);
  ASSERT_EQ(reply.resources(0).entries_size(), 2);
  const admin::v1::ConfigEntry& bytes = reply.resources(0).entries(0);
  EXPECT_EQ(bytes.key(), "max.message.bytes");
  EXPECT_EQ(bytes.value(), "2000");
  EXPECT_EQ(bytes.source(), admin::v1::CONFIG_SOURCE_STATIC_BROKER);
  EXPECT_EQ(bytes.type(), "INT");
  EXPECT_FALSE(bytes.documentation().empty());
  const admin::v1::ConfigEntry& retention = reply.resources(0).entries(1);
  EXPECT_EQ(retention.source(), admin::v1::CONFIG_SOURCE_TOPIC);
  ASSERT_EQ(retention.synonyms_size(), 2);
  EXPECT_EQ(retention.synonyms(1).source(), admin::v1::CONFIG_SOURCE_DEFAULT);
}

}  // namespace
}  // namespace weir::state
