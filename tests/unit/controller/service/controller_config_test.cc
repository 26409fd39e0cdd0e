// What the controller's configuration becomes. Keys and the sample are tested by
// tests/integration/test_deployment.py.
#include "controller/service/controller_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace weir::service {
namespace {

Result<LoadedControllerConfig> Load(std::vector<const char*> flags) {
  std::vector<const char*> argv{"weir-controller", "--node-id", "1", "--data-dir", "/nowhere"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  return LoadControllerConfig(static_cast<int>(argv.size()), argv.data());
}

state::GroupConfig GroupsOf(const LoadedControllerConfig& loaded) {
  const metadata::MetadataImage image;
  return state::ReadGroupConfig({image, kNoNode, &loaded.config.node.defaults.static_config});
}

TEST(ControllerConfig, GroupsHaveKafkasDefaults) {
  const auto loaded = Load({});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const state::GroupConfig config = GroupsOf(*loaded);
  EXPECT_EQ(config.initial_rebalance_delay, std::chrono::seconds(3));
  EXPECT_EQ(config.session_timeout_ms_min, 6'000);
  EXPECT_EQ(config.session_timeout_ms_max, 1'800'000);
  EXPECT_EQ(config.size_max, INT32_MAX);
}

TEST(ControllerConfig, GroupsAreConfigured) {
  const auto loaded =
      Load({"--group-initial-rebalance-delay-ms", "0", "--group-min-session-timeout-ms", "10",
            "--group-max-session-timeout-ms", "20", "--group-max-size", "7"});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const state::GroupConfig config = GroupsOf(*loaded);
  EXPECT_EQ(config.initial_rebalance_delay, Duration::zero());
  EXPECT_EQ(config.session_timeout_ms_min, 10);
  EXPECT_EQ(config.session_timeout_ms_max, 20);
  EXPECT_EQ(config.size_max, 7);
}

TEST(ControllerConfig, GroupsKnowHowLongABrokerMayBeSilent) {
  const auto loaded = Load({"--broker-session-timeout-ms", "9000"});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(GroupsOf(*loaded).SessionTimeout(6'000), std::chrono::seconds(9));
  EXPECT_EQ(GroupsOf(*loaded).SessionTimeout(10'000), std::chrono::seconds(10));
}

TEST(ControllerConfig, GroupSettingsOutOfRangeAreNamed) {
  const std::vector<std::vector<const char*>> wrong = {
      {"--group-initial-rebalance-delay-ms", "3600001"},
      {"--group-min-session-timeout-ms", "0"},
      {"--group-min-session-timeout-ms", "21", "--group-max-session-timeout-ms", "20"},
      {"--group-max-size", "0"}};
  for (const auto& flags : wrong) {
    const auto loaded = Load(flags);
    ASSERT_FALSE(loaded) << flags[0];
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalidConfig);
    std::string key = flags[0] + 2;
    std::replace(key.begin(), key.end(), '-', '.');
    EXPECT_NE(loaded.error().message.find(key), std::string::npos) << loaded.error().message;
  }
}

}  // namespace
}  // namespace weir::service
