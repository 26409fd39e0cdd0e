// How a cluster begins: who founds, who waits, who only observes.
#include "controller/quorum/founding.h"

#include <gtest/gtest.h>

#include "common/base/prng.h"
#include "controller/quorum/conversions.h"
#include "tests/unit/controller/quorum/mem_disk.h"

namespace weir::quorum {
namespace {

class FoundingTest : public ::testing::Test {
 protected:
  FoundingTest() {
    Prng prng(5);
    for (auto& id : directories_) id = Uuid::Random(prng);
    voters_ = *ParseInitialVoters({"3@c:3", "1@a:1", "2@b:2"});
  }

  raft::v1::IdentifyReply Blank(int id) const {
    raft::v1::IdentifyReply reply;
    reply.set_controller_id(id);
    reply.set_directory_id(directories_[static_cast<size_t>(id)].ToBytes());
    reply.set_bootstrapping(true);
    reply.set_initial_voters(ToString(voters_));
    return reply;
  }
  raft::v1::IdentifyReply FounderOf(int id, const Founding& founding) const {
    raft::v1::IdentifyReply reply = Blank(id);
    reply.set_bootstrapping(false);
    reply.set_cluster_id(founding.cluster_id.ToBytes());
    *reply.mutable_founding_configuration() = ToProto(founding.configuration);
    return reply;
  }
  FoundingView View(int self) const {
    FoundingView view;
    view.self = {NodeId(self), directories_[static_cast<size_t>(self)]};
    view.voters = voters_;
    for (int id = 1; id <= 3; ++id) {
      if (id != self) view.answers[NodeId(id)] = Blank(id);
    }
    return view;
  }

  Uuid directories_[4];
  std::vector<InitialVoter> voters_;
};

TEST_F(FoundingTest, AllBlankVotersFoundTheSameCluster) {
  const auto first = DecideFounding(View(1));
  ASSERT_TRUE(first.found);
  EXPECT_FALSE(first.found->cluster_id.IsZero());
  EXPECT_EQ(first.found->configuration.voter_count(), 3u);
  for (int id = 2; id <= 3; ++id) EXPECT_EQ(DecideFounding(View(id)).found, first.found);
}

TEST_F(FoundingTest, R24_ABlankMajorityAloneFoundsNothing) {
  FoundingView view = View(2);
  view.answers.erase(NodeId(1));
  const auto decision = DecideFounding(view);
  EXPECT_FALSE(decision.found);
  EXPECT_FALSE(decision.observe);
  EXPECT_NE(decision.waiting_for.find("1@a:1"), std::string::npos);
}

TEST_F(FoundingTest, ALateFounderTakesTheConfigurationThatNamesIt) {
  const auto founded = DecideFounding(View(1));
  FoundingView late = View(3);
  late.answers[NodeId(1)] = FounderOf(1, *founded.found);
  late.answers.erase(NodeId(2));
  EXPECT_EQ(DecideFounding(late).found, founded.found);
}

TEST_F(FoundingTest, R39_AWipedVoterOnlyObserves) {
  const auto founded = DecideFounding(View(1));
  FoundingView wiped = View(3);
  Prng prng(77);
  wiped.self.directory_id = Uuid::Random(prng);
  wiped.answers[NodeId(1)] = FounderOf(1, *founded.found);
  const auto decision = DecideFounding(wiped);
  EXPECT_FALSE(decision.found);
  EXPECT_EQ(decision.observe, founded.found->cluster_id);
}

TEST_F(FoundingTest, DifferentVoterListsDoNotMeet) {
  FoundingView view = View(1);
  view.answers[NodeId(2)].set_initial_voters("1@a:1,2@b:2");
  const auto decision = DecideFounding(view);
  EXPECT_FALSE(decision.found);
  EXPECT_NE(decision.waiting_for.find("differ"), std::string::npos);
}

TEST_F(FoundingTest, AConfiguredClusterIdIsUsed) {
  FoundingView view = View(1);
  view.cluster_id = directories_[0];
  EXPECT_EQ(DecideFounding(view).found->cluster_id, directories_[0]);
}

TEST_F(FoundingTest, TheFileComesBackAndDamageIsNoticed) {
  MemDisk disk;
  EXPECT_FALSE(LoadFounding(disk)->has_value());
  const auto founded = DecideFounding(View(1));
  ASSERT_TRUE(SaveFounding(disk, *founded.found));
  EXPECT_EQ(*LoadFounding(disk), founded.found);
  for (size_t at = 0; at < disk.Bytes("founding").size(); ++at) {
    auto damaged = disk.Clone();
    damaged->Bytes("founding")[at] ^= 1;
    EXPECT_FALSE(LoadFounding(*damaged)) << at;
  }
}

TEST(InitialVoters, MalformedOnesAreNamed) {
  for (const char* text : {"", "1", "@a:1", "x@a:1", "1@a", "-1@a:1"}) {
    const auto parsed = ParseInitialVoters({text});
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidConfig);
  }
  EXPECT_FALSE(ParseInitialVoters({"1@a:1", "1@b:2"}));
}

}  // namespace
}  // namespace weir::quorum
