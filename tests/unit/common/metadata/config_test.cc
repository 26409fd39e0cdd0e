// Options, their validation, and which value is in force.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/metadata/apply.h"
#include "common/metadata/broker_options.h"
#include "common/metadata/effective_config.h"
#include "common/metadata/throttled_replicas.h"
#include "common/metadata/topic_config.h"
#include "common/metadata/topic_options.h"
#include "tests/support/config_records.h"

namespace weir::metadata {
namespace {

void ExpectWellFormed(std::span<const ConfigOption> options) {
  EXPECT_TRUE(
      std::is_sorted(options.begin(), options.end(),
                     [](const ConfigOption& a, const ConfigOption& b) { return a.name < b.name; }));
  std::set<std::string_view> names;
  for (const ConfigOption& option : options) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_TRUE(option.doc.ends_with(".")) << option.name;
    if (!option.default_value) continue;
    const Status valid = ValidateConfig(option, *option.default_value);
    EXPECT_TRUE(valid) << ToString(valid.error());
  }
}

TEST(ConfigOptions, TablesAreWellFormed) {
  ExpectWellFormed(TopicOptions());
  ExpectWellFormed(BrokerOptions());
  EXPECT_EQ(TopicOptions().size(), 35u);
  EXPECT_EQ(BrokerOptions().size(), 361u);
}

TEST(ConfigOptions, SynonymsExistAndAgreeInTheirDefaults) {
  const MetadataImage image;
  for (const ConfigOption& option : TopicOptions()) {
    for (const std::string& key : SplitList(option.synonyms)) {
      EXPECT_NE(FindBrokerOption(key), nullptr) << key;
    }
    const EffectiveConfig config = DescribeTopicConfig({image}, "", option);
    EXPECT_EQ(config.source, admin::v1::CONFIG_SOURCE_DEFAULT);
    EXPECT_EQ(config.value.has_value(), option.default_value.has_value()) << option.name;
  }
}

TEST(ConfigOptions, ValuesAreValidated) {
  const auto valid = [](const char* key, const char* value) {
    return ValidateConfig(*FindTopicOption(key), value).has_value();
  };
  EXPECT_TRUE(valid("retention.ms", "-1"));
  EXPECT_FALSE(valid("retention.ms", "-2"));
  EXPECT_FALSE(valid("retention.ms", ""));
  EXPECT_FALSE(valid("retention.ms", "1.5"));
  EXPECT_FALSE(valid("retention.ms", "9223372036854775808"));
  EXPECT_TRUE(valid("retention.ms", "9223372036854775807"));
  EXPECT_TRUE(valid("retention.ms", " 5 "));
  EXPECT_FALSE(valid("max.message.bytes", "2147483648"));
  EXPECT_TRUE(valid("compression.gzip.level", "-1"));
  EXPECT_TRUE(valid("compression.gzip.level", "9"));
  EXPECT_FALSE(valid("compression.gzip.level", "0"));
  EXPECT_FALSE(valid("compression.gzip.level", "10"));
  EXPECT_TRUE(valid("preallocate", "TRUE"));
  EXPECT_FALSE(valid("preallocate", "yes"));
  EXPECT_TRUE(valid("cleanup.policy", "compact, delete"));
  EXPECT_FALSE(valid("cleanup.policy", "compact,shred"));
  EXPECT_TRUE(valid("min.cleanable.dirty.ratio", "0.25"));
  EXPECT_FALSE(valid("min.cleanable.dirty.ratio", "1.5"));
  EXPECT_FALSE(valid("min.cleanable.dirty.ratio", "nan"));
  EXPECT_TRUE(valid("durability", "os"));
  EXPECT_FALSE(valid("durability", "OS"));
  EXPECT_TRUE(valid("leader.replication.throttled.replicas", "0:1,1:2"));
  EXPECT_TRUE(valid("leader.replication.throttled.replicas", "*"));
  EXPECT_TRUE(valid("leader.replication.throttled.replicas", "none"));
  EXPECT_FALSE(valid("leader.replication.throttled.replicas", "0-1"));
  const Status refused = ValidateConfig(*FindTopicOption("segment.bytes"), "5");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidConfig);
  EXPECT_NE(refused.error().message.find("segment.bytes"), std::string::npos);
  EXPECT_NE(refused.error().message.find("1048576"), std::string::npos);
}

class EffectiveConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    v1::MetadataBatch batch;
    batch.add_records()->mutable_topic()->set_topic_id("topic-id-16bytes");
    batch.mutable_records(0)->mutable_topic()->set_name("t");
    v1::RegisterBrokerRecord* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(1);
    broker->set_incarnation_id("incarnation-16by");
    Apply(image_, batch, image_.offset() + 1);
  }
  void Set(const ConfigResource& resource, const std::string& key, const std::string& value) {
    v1::MetadataBatch batch;
    test::AddConfig(resource, key, value, &batch);
    Apply(image_, batch, image_.offset() + 1);
    ASSERT_EQ(image_.skipped_records(), 0u);
  }
  std::string Retention(const ConfigView& view) {
    return EffectiveTopicValue(view, "t", "retention.ms").value_or("(none)");
  }

  MetadataImage image_;
};

TEST_F(EffectiveConfigTest, TheNearestSourceWins) {
  StaticConfig own;
  const ConfigView view{image_, NodeId(1), &own};
  EXPECT_EQ(Retention(view), "604800000");
  own["log.retention.hours"] = "2";
  EXPECT_EQ(Retention(view), "7200000") << "hours become milliseconds";
  own["log.retention.minutes"] = "3";
  EXPECT_EQ(Retention(view), "180000") << "minutes go before hours";
  own["log.retention.ms"] = "4";
  EXPECT_EQ(Retention(view), "4");
  Set(ConfigResource::OfAllBrokers(), "log.retention.ms", "5");
  EXPECT_EQ(Retention(view), "5");
  Set(ConfigResource::OfBroker(NodeId(1)), "log.retention.ms", "6");
  EXPECT_EQ(Retention(view), "6");
  EXPECT_EQ(Retention({image_, NodeId(2), &own}), "5");
  Set(ConfigResource::OfTopic("t"), "retention.ms", "7");
  EXPECT_EQ(Retention(view), "7");

  const EffectiveConfig config = DescribeTopicConfig(view, "t", *FindTopicOption("retention.ms"));
  EXPECT_EQ(config.source, admin::v1::CONFIG_SOURCE_TOPIC);
  ASSERT_EQ(config.synonyms.size(), 7u);
  EXPECT_EQ(config.synonyms[0].key, "retention.ms");
  EXPECT_EQ(config.synonyms[1].source, admin::v1::CONFIG_SOURCE_DYNAMIC_BROKER);
  EXPECT_EQ(config.synonyms[2].source, admin::v1::CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER);
  EXPECT_EQ(config.synonyms[3].source, admin::v1::CONFIG_SOURCE_STATIC_BROKER);
  EXPECT_EQ(config.synonyms[6].source, admin::v1::CONFIG_SOURCE_DEFAULT);
  EXPECT_EQ(config.synonyms[6].key, "log.retention.hours");
}

TEST_F(EffectiveConfigTest, TypedConfigFollows) {
  EXPECT_EQ(EffectiveTopicConfig({image_}, "t"), TopicConfig());
  EXPECT_EQ(EffectiveTopicConfig({image_}, "absent"), TopicConfig());
  Set(ConfigResource::OfAllBrokers(), "message.max.bytes", "12345");
  Set(ConfigResource::OfTopic("t"), "cleanup.policy", "compact");
  Set(ConfigResource::OfTopic("t"), "durability", "os");
  Set(ConfigResource::OfTopic("t"), "message.timestamp.type", "LogAppendTime");
  Set(ConfigResource::OfTopic("t"), "compression.type", "zstd");
  Set(ConfigResource::OfTopic("t"), "retention.ms", "not a number");
  Set(ConfigResource::OfTopic("t"), "unclean.leader.election.enable", "True");
  const TopicConfig config = EffectiveTopicConfig({image_}, "t");
  EXPECT_EQ(config.max_message_bytes, 12345);
  EXPECT_TRUE(config.cleanup_compact);
  EXPECT_FALSE(config.cleanup_delete);
  EXPECT_EQ(config.durability, Durability::kOs);
  EXPECT_EQ(config.timestamp_type, TimestampType::kLogAppendTime);
  EXPECT_EQ(config.compression_type, CompressionType::kZstd);
  EXPECT_EQ(config.retention_ms, 604'800'000) << "what does not parse is the default";
  EXPECT_TRUE(config.unclean_leader_election);
}

admin::v1::ConfigSelector Selector(v1::ConfigResourceType type, const std::string& name) {
  admin::v1::ConfigSelector selector;
  selector.mutable_resource()->set_type(type);
  selector.mutable_resource()->set_name(name);
  return selector;
}

const admin::v1::ConfigEntry* EntryOf(const admin::v1::DescribedConfigs& described,
                                      const std::string& key) {
  for (const admin::v1::ConfigEntry& entry : described.entries()) {
    if (entry.key() == key) return &entry;
  }
  return nullptr;
}

TEST_F(EffectiveConfigTest, DescribesBrokers) {
  StaticConfig own{{"num.partitions", "3"}, {"ssl.key.password", "hunter2"}};
  const ConfigView view{image_, kNoNode, &own};
  const auto one =
      DescribeConfigResource(view, NodeId(1), Selector(v1::CONFIG_RESOURCE_BROKER, "1"));
  EXPECT_EQ(one.error().code(), 0);
  EXPECT_GT(one.entries_size(), 300);
  EXPECT_EQ(EntryOf(one, "num.partitions")->value(), "3");
  EXPECT_TRUE(EntryOf(one, "num.partitions")->read_only());
  EXPECT_FALSE(EntryOf(one, "log.retention.ms")->read_only());
  EXPECT_FALSE(EntryOf(one, "log.retention.ms")->has_value()) << "it has no default";
  EXPECT_TRUE(EntryOf(one, "ssl.key.password")->sensitive());
  EXPECT_FALSE(EntryOf(one, "ssl.key.password")->has_value());
  EXPECT_EQ(one.ShortDebugString().find("hunter2"), std::string::npos);

  const auto other =
      DescribeConfigResource(view, NodeId(2), Selector(v1::CONFIG_RESOURCE_BROKER, "1"));
  EXPECT_EQ(EntryOf(other, "num.partitions")->value(), "1") << "another node's file";

  Set(ConfigResource::OfAllBrokers(), "log.retention.ms", "5");
  const auto all =
      DescribeConfigResource(view, NodeId(1), Selector(v1::CONFIG_RESOURCE_BROKER, ""));
  ASSERT_EQ(all.entries_size(), 1);
  EXPECT_EQ(all.entries(0).source(), admin::v1::CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER);
}

TEST_F(EffectiveConfigTest, DescribesGroups) {
  StaticConfig own{{"group.consumer.session.timeout.ms", "46000"}};
  Set(ConfigResource::OfGroup("g"), "consumer.session.timeout.ms", "50000");
  const ConfigView view{image_, kNoNode, &own};
  const auto set =
      DescribeConfigResource(view, NodeId(1), Selector(v1::CONFIG_RESOURCE_GROUP, "g"));
  ASSERT_EQ(set.entries_size(), 3);
  const auto* session = EntryOf(set, "consumer.session.timeout.ms");
  EXPECT_EQ(session->value(), "50000");
  EXPECT_EQ(session->source(), admin::v1::CONFIG_SOURCE_GROUP);
  EXPECT_EQ(session->synonyms_size(), 3);
  EXPECT_EQ(EntryOf(set, "consumer.heartbeat.interval.ms")->value(), "5000");
  const auto unset =
      DescribeConfigResource(view, NodeId(1), Selector(v1::CONFIG_RESOURCE_GROUP, "other"));
  EXPECT_EQ(EntryOf(unset, "consumer.session.timeout.ms")->value(), "46000");
}

TEST_F(EffectiveConfigTest, RefusesWhatItCannotDescribe) {
  const auto code = [&](v1::ConfigResourceType type, const std::string& name) {
    return ErrorCodeFromNumber(
        DescribeConfigResource({image_}, kNoNode, Selector(type, name)).error().code());
  };
  EXPECT_EQ(code(v1::CONFIG_RESOURCE_TOPIC, "nope"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(code(v1::CONFIG_RESOURCE_BROKER, "x"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code(v1::CONFIG_RESOURCE_BROKER, "8"), ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(code(v1::CONFIG_RESOURCE_GROUP, ""), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code(v1::CONFIG_RESOURCE_CLIENT_METRICS, "m"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code(v1::CONFIG_RESOURCE_TOPIC, "t"), ErrorCode::kNone);
}

TEST(ThrottledReplicas, NamesPairsOrAllOrNone) {
  const ThrottledReplicas pairs("0:1, 12:3");
  EXPECT_TRUE(pairs.Contains(PartitionIndex(0), NodeId(1)));
  EXPECT_TRUE(pairs.Contains(PartitionIndex(12), NodeId(3)));
  EXPECT_FALSE(pairs.Contains(PartitionIndex(0), NodeId(3)));
  EXPECT_FALSE(pairs.Contains(PartitionIndex(1), NodeId(1)));
  EXPECT_TRUE(ThrottledReplicas("*").Contains(PartitionIndex(7), NodeId(9)));
  for (const char* value : {"", "none", "x", "0", "0:", ":1", "0:x", "-1:1", "99999999999:1"}) {
    for (const int32_t id : {-1, 0, 1}) {
      EXPECT_FALSE(ThrottledReplicas(value).Contains(PartitionIndex(id), NodeId(1))) << value;
    }
  }
}

}  // namespace
}  // namespace weir::metadata
