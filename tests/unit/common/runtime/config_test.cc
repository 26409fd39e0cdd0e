// LoadConfig: four places, one winner; and errors that name the key and the remedy.
#include "common/runtime/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/scratch_directory.h"

namespace weir::runtime {
namespace {

constexpr ConfigKey kKeys[] = {
    {"node.id", ConfigKind::kInt, nullptr, "Id of this node."},
    {"data.dir", ConfigKind::kString, "/var/lib/weir", "Where the data is."},
    {"cache.bytes", ConfigKind::kBytes, "64MiB", "Tail cache."},
    {"bootstrap", ConfigKind::kBool, "false", "Format an empty directory."},
    {"controllers", ConfigKind::kList, "", "Addresses."},
};

class ConfigTest : public testing::Test {
 protected:
  Result<LoadedConfig> Load(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "weir-test");
    return LoadConfig(kKeys, "weir-test", "1.2", static_cast<int>(arguments.size()),
                      arguments.data());
  }

  std::string File(const std::string& text) {
    const std::string path = scratch_.path() + "/config.yaml";
    std::ofstream(path) << text;
    return path;
  }

  void TearDown() override { unsetenv("WEIR_DATA_DIR"); }

  test::ScratchDirectory scratch_;
};

TEST_F(ConfigTest, DefaultsStandWhereNothingIsGiven) {
  const auto loaded = Load({"--node-id", "3"});
  ASSERT_TRUE(loaded) << ToString(loaded.error());
  EXPECT_EQ(loaded->config.GetInt("node.id"), 3);
  EXPECT_EQ(loaded->config.GetBytes("cache.bytes"), 64u << 20);
  EXPECT_FALSE(loaded->config.GetBool("bootstrap"));
  EXPECT_TRUE(loaded->config.GetList("controllers").empty());
  EXPECT_EQ(loaded->config.Get("data.dir").origin, ConfigOrigin::kDefault);
}

TEST_F(ConfigTest, FlagWinsOverEnvironmentOverFile) {
  const std::string path =
      File("node: {id: 1}\ndata.dir: /file\ncontrollers: [a:1, b:2]\nbootstrap: true\n");
  setenv("WEIR_DATA_DIR", "/environment", 1);
  auto loaded = Load({"--config", path.c_str()});
  ASSERT_TRUE(loaded) << ToString(loaded.error());
  EXPECT_EQ(loaded->config.GetInt("node.id"), 1);
  EXPECT_EQ(loaded->config.GetString("data.dir"), "/environment");
  EXPECT_TRUE(loaded->config.GetBool("bootstrap"));
  EXPECT_EQ(loaded->config.GetList("controllers"), (std::vector<std::string>{"a:1", "b:2"}));
  loaded = Load({"--config", path.c_str(), "--data.dir", "/flag"});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.GetString("data.dir"), "/flag");
}

TEST_F(ConfigTest, BareFlagOfABoolMeansTrue) {
  const auto loaded = Load({"--node-id=1", "--bootstrap"});
  ASSERT_TRUE(loaded) << ToString(loaded.error());
  EXPECT_TRUE(loaded->config.GetBool("bootstrap"));
}

TEST_F(ConfigTest, UnknownKeyNamesTheNearest) {
  const auto loaded = Load({"--config", File("node.id: 1\ndata.dri: /x\n").c_str()});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kInvalidConfig);
  EXPECT_NE(loaded.error().message.find("nearest key is data.dir"), std::string::npos);
}

TEST_F(ConfigTest, UnknownFlagNamesTheNearest) {
  for (const char* typo : {"--data-dri", "--data-dri=/x"}) {
    const auto loaded = Load({"--node-id", "1", typo, "/x"});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().message, "unknown flag --data-dri; the nearest flag is --data-dir");
  }
  EXPECT_EQ(Load({"--node-id=1", "stray"}).error().message, "unexpected argument stray");
}

TEST_F(ConfigTest, EmptyValueOfAFlagIsEmpty) {
  for (const char* empty : {"--data-dir=", "--data.dir="}) {
    const auto loaded = Load({empty, "--node-id", "1"});
    ASSERT_TRUE(loaded) << ToString(loaded.error());
    EXPECT_EQ(loaded->config.GetString("data.dir"), "");
    EXPECT_EQ(loaded->config.Get("data.dir").origin, ConfigOrigin::kFlag);
    EXPECT_EQ(loaded->config.GetInt("node.id"), 1);
  }
  EXPECT_FALSE(Load({"--node-id=1", "--bootstrap="})->config.GetBool("bootstrap"));
}

TEST_F(ConfigTest, MissingAndMalformedValuesAreRefused) {
  EXPECT_NE(Load({}).error().message.find("node.id is not set"), std::string::npos);
  EXPECT_NE(Load({"--node-id", "one"}).error().message.find("whole number"), std::string::npos);
  EXPECT_FALSE(Load({"--node-id", "1", "--cache-bytes", "9999999999GiB"}));
  EXPECT_FALSE(Load({"--node-id", "1", "--config", "/does/not/exist.yaml"}));
}

TEST_F(ConfigTest, CheckConfigAndVersionPrintAndExit) {
  EXPECT_EQ(*Load({"--node-id", "1", "--check-config"})->print_and_exit,
            "configuration is valid\n");
  EXPECT_EQ(*Load({"--version"})->print_and_exit, "weir-test 1.2\n");
  EXPECT_NE(Load({"--help"})->print_and_exit->find("Tail cache."), std::string::npos);
}

TEST(NearestName, CountsEdits) {
  constexpr std::string_view kNames[] = {"retention.ms", "retention.bytes", "cleanup.policy"};
  EXPECT_EQ(NearestName("retension.ms", kNames), "retention.ms");
  EXPECT_EQ(NearestName("clean.policy", kNames), "cleanup.policy");
}

}  // namespace
}  // namespace weir::runtime
