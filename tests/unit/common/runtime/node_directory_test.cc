// NodeDirectory: who may format, who may open, and what a foreign cluster's directory says.
#include "common/runtime/node_directory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace weir::runtime {
namespace {

class NodeDirectoryTest : public testing::Test {
 protected:
  NodeDirectoryTest() : path_(testing::TempDir() + "node_directory_" + std::to_string(getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~NodeDirectoryTest() override { std::filesystem::remove_all(path_); }

  auto Open(bool bootstrap, NodeKind kind = NodeKind::kBroker, int id = 1) {
    return NodeDirectory::Open(path_, kind, NodeId(id), bootstrap);
  }

  std::string path_;
};

TEST_F(NodeDirectoryTest, OnlyBootstrapFormats) {
  EXPECT_EQ(Open(false).error().code, ErrorCode::kInvalidConfig);
  Uuid id;
  {
    const auto first = Open(true);
    ASSERT_TRUE(first) << ToString(first.error());
    EXPECT_TRUE((*first)->formatted_now());
    id = (*first)->identity().directory_id;
    EXPECT_FALSE(id.IsZero());
  }
  const auto again = Open(false);
  ASSERT_TRUE(again) << ToString(again.error());
  EXPECT_FALSE((*again)->formatted_now());
  EXPECT_EQ((*again)->identity().directory_id, id);
}

TEST_F(NodeDirectoryTest, ForeignContentIsNeverFormatted) {
  std::filesystem::create_directories(path_);
  std::ofstream(path_ + "/somebody's file") << "x";
  EXPECT_NE(Open(true).error().message.find("not empty"), std::string::npos);
}

TEST_F(NodeDirectoryTest, AnotherNodeOrKindIsRefused) {
  ASSERT_TRUE(Open(true));
  EXPECT_NE(Open(true, NodeKind::kController).error().message.find("belongs to broker 1"),
            std::string::npos);
  EXPECT_NE(Open(true, NodeKind::kBroker, 2).error().message.find("not to broker 2"),
            std::string::npos);
}

TEST_F(NodeDirectoryTest, AClusterIsAdoptedOnceAndAnotherNamesBothIds) {
  Uuid ours;
  ours.bytes[0] = 1;
  Uuid theirs;
  theirs.bytes[0] = 2;
  ASSERT_TRUE((*Open(true))->AdoptCluster(ours));
  auto again = Open(false);
  ASSERT_TRUE(again);
  EXPECT_TRUE((*again)->AdoptCluster(ours));
  const auto refused = (*again)->AdoptCluster(theirs);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInconsistentClusterId);
  EXPECT_NE(refused.error().message.find(ours.ToString()), std::string::npos);
  EXPECT_NE(refused.error().message.find(theirs.ToString()), std::string::npos);
}

TEST_F(NodeDirectoryTest, ASecondProcessIsKeptOut) {
  const auto first = Open(true);
  ASSERT_TRUE(first);
  EXPECT_NE(Open(true).error().message.find("in use"), std::string::npos);
}

TEST_F(NodeDirectoryTest, SiblingsAreRemembered) {
  Uuid other;
  other.bytes[0] = 1;
  std::vector<Uuid> siblings;
  {
    const auto first = Open(true);
    ASSERT_TRUE(first);
    EXPECT_TRUE((*first)->identity().siblings.empty());
    siblings = {(*first)->identity().directory_id, other};
    ASSERT_TRUE((*first)->RecordSiblings(siblings, {}));
  }
  EXPECT_EQ((*Open(false))->identity().siblings, siblings);
  siblings.pop_back();
  ASSERT_TRUE((*Open(false))->RecordSiblings(siblings, {other}));
  const auto again = Open(false);
  EXPECT_EQ((*again)->identity().siblings, siblings);
  EXPECT_EQ((*again)->identity().forgotten, std::vector{other});
}

}  // namespace
}  // namespace weir::runtime
