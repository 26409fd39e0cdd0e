// A broker's data directories: which failures it starts with, and which end the start.
#include "broker/log/data_directory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/scratch_directory.h"

namespace weir::log {
namespace {

using Strings = std::vector<std::string>;

class DataDirectoriesTest : public testing::Test {
 protected:
  DataDirectoriesTest() { EXPECT_TRUE(Open({one, two}, true)); }

  Result<DataDirectories> Open(const Strings& paths, bool bootstrap = false, int node_id = 1,
                               std::vector<Uuid> forget = {}) {
    return OpenDataDirectories(paths, {.node_id = NodeId(node_id),
                                       .bootstrap = bootstrap,
                                       .forget = std::move(forget),
                                       .on_failed = [](uint32_t, const std::string&) {}});
  }
  Uuid IdOf(const std::string& path) {
    const auto all = Open({one, two});
    for (const auto& directory : all->opened) {
      if (directory->path() == path) return directory->id();
    }
    return {};
  }
  static bool Says(const Error& error, const std::string& text) {
    return error.code == ErrorCode::kInvalidConfig && error.message.find(text) != std::string::npos;
  }
  // Its identity is there, its store is not.
  static void BreakStore(const std::string& path) {
    std::filesystem::resize_file(path + "/log/CURRENT", 3);
  }
  // Not even its identity can be read.
  static void BreakDisk(const std::string& path) {
    std::filesystem::create_directories(path);
    std::filesystem::remove(path + "/.lock");
    std::filesystem::create_directory(path + "/.lock");
  }
  static void RepairDisk(const std::string& path) { std::filesystem::remove(path + "/.lock"); }

  test::ScratchDirectory scratch;
  const std::string one = scratch.path() + "/one";
  const std::string two = scratch.path() + "/two";
  const std::string three = scratch.path() + "/three";
};

TEST_F(DataDirectoriesTest, D13_OneThatCannotBeOpenedIsOfflineWhileAnotherOpens) {
  BreakStore(one);
  const auto opened = Open({one, two});
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_EQ(opened->opened.size(), 1u);
  EXPECT_EQ(opened->opened[0]->path(), two);
  ASSERT_EQ(opened->unopened.size(), 1u);
  EXPECT_EQ(opened->unopened[0].path, one);
  EXPECT_EQ(opened->ids.size(), 2u) << "the broker still has it";
  EXPECT_EQ(ViewOf(*opened).offline_count(), 1u);
}

TEST_F(DataDirectoriesTest, D13_OneThatCannotBeReadIsKnownByTheOthers) {
  for (const auto& [broken, left] : {std::pair(one, two), std::pair(two, one)}) {
    BreakDisk(broken);
    const auto opened = Open({one, two});
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->opened[0]->path(), left);
    EXPECT_EQ(opened->ids.size(), 2u);
    RepairDisk(broken);
  }
  EXPECT_TRUE(Open({one, two})->unopened.empty());
}

TEST_F(DataDirectoriesTest, OneAtLeastMustOpen) {
  BreakDisk(one);
  BreakStore(two);
  EXPECT_EQ(Open({one, two}).error().code, ErrorCode::kKafkaStorageError);
}

TEST_F(DataDirectoriesTest, ANewOneMustOpen) {
  BreakDisk(three);
  EXPECT_FALSE(Open({one, two, three}, true));
  RepairDisk(three);
  EXPECT_TRUE(Open({one, two, three}, true));
}

TEST_F(DataDirectoriesTest, AMissingOneIsNoFailedOne) {
  EXPECT_EQ(Open({one}).error().code, ErrorCode::kInvalidConfig);
  std::filesystem::remove_all(two);
  EXPECT_EQ(Open({one, two}).error().code, ErrorCode::kInvalidConfig) << "not mounted, perhaps";
  // A failed disk does not stand for a missing one beside it.
  EXPECT_TRUE(Open({one, three}, true).error().message.find("is missing") != std::string::npos);
}

TEST_F(DataDirectoriesTest, AMissingOneIsNamedWithTheFlagThatForgetsIt) {
  const std::string id = IdOf(two).ToString();
  EXPECT_TRUE(Says(Open({one}).error(), "--forget-directory " + id));
  std::filesystem::remove_all(two);
  std::filesystem::create_directory(two);
  for (const Strings& paths : {Strings{one, two}, Strings{two, one}}) {
    const Error error = Open(paths).error();
    EXPECT_TRUE(Says(error, "--bootstrap --forget-directory " + id)) << error.message;
    EXPECT_TRUE(Says(error, two + " is not formatted")) << error.message;
  }
}

TEST_F(DataDirectoriesTest, AForgottenOneIsForgottenForEver) {
  const Uuid lost = IdOf(two);
  std::filesystem::remove_all(two);
  {
    const auto opened = Open({one, three}, true, 1, {lost});
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->forgotten, std::vector{lost});
    EXPECT_EQ(opened->ids.size(), 2u);
  }
  EXPECT_TRUE(Open({one, three}, false, 1, {lost})) << "the flag may stay";
  const auto again = Open({one, three});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->forgotten, std::vector{lost}) << "what it held may not be back yet";
}

TEST_F(DataDirectoriesTest, OneThatWasBrokenWhenAnotherWasForgottenLearnsOfIt) {
  const Uuid lost = IdOf(two);
  ASSERT_TRUE(Open({one, two, three}, true));
  std::filesystem::remove_all(two);
  BreakDisk(three);
  ASSERT_TRUE(Open({one, three}, false, 1, {lost}));
  RepairDisk(three);
  const auto opened = Open({three, one});
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->ids.size(), 2u);
}

TEST_F(DataDirectoriesTest, OnlyWhatIsMissingCanBeForgotten) {
  const Uuid here = IdOf(two);
  EXPECT_TRUE(Says(Open({one, two}, false, 1, {here}).error(), two + ", which is there"));
  EXPECT_TRUE(Says(Open({one, two}, false, 1, {Uuid{{9}}}).error(), "none is missing"));
  EXPECT_TRUE(Says(Open({one}, false, 1, {Uuid{{9}}}).error(), "missing: " + here.ToString()));
  BreakStore(two);
  EXPECT_TRUE(Says(Open({one, two}, false, 1, {here}).error(), "take it out of data.dir"));
  EXPECT_TRUE(Open({one}, false, 1, {here}));
}

TEST_F(DataDirectoriesTest, AForeignOneEndsTheStart) {
  EXPECT_EQ(Open({one, two}, false, 2).error().code, ErrorCode::kInvalidConfig);
  std::ofstream(two + "/node.properties") << "version=1\nkind=broker\nnode.id=1\ndirectory.id=?\n";
  EXPECT_FALSE(Open({one, two})) << "what it is cannot be told";
}

TEST_F(DataDirectoriesTest, OneThatAnotherProcessHasEndsTheStart) {
  const auto first = Open({one, two});
  ASSERT_TRUE(first);
  EXPECT_EQ(Open({one, two}).error().code, ErrorCode::kInvalidConfig);
}

}  // namespace
}  // namespace weir::log
