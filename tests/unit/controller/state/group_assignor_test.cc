#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "common/base/prng.h"
#include "controller/state/groups/assignor.h"

namespace weir::state {
namespace {

using Assign = std::vector<PartitionsByTopic> (*)(const std::vector<AssignableMember>&,
                                                  const AssignableTopics&);

Uuid TopicId(uint8_t number) {
  Uuid id;
  id.bytes[15] = number;
  return id;
}

AssignableTopics Topics(const std::vector<int32_t>& counts) {
  AssignableTopics topics;
  for (const int32_t count : counts) {
    topics[TopicId(static_cast<uint8_t>(topics.size() + 1))].partition_count = count;
  }
  return topics;
}

TopicList List(const std::vector<uint8_t>& topics) {
  std::vector<Uuid> ids;
  for (const uint8_t topic : topics) ids.push_back(TopicId(topic));
  return std::make_shared<const std::vector<Uuid>>(std::move(ids));
}

AssignableMember Member(const std::string& id, const std::vector<uint8_t>& topics) {
  AssignableMember member;
  member.member_id = id;
  member.topics = List(topics);
  return member;
}

// They own now what they were assigned.
void Settle(std::vector<AssignableMember>& members, const std::vector<PartitionsByTopic>& given) {
  for (size_t i = 0; i < members.size(); ++i) members[i].owned = given[i];
}

size_t Count(const PartitionsByTopic& given) {
  size_t count = 0;
  for (const auto& [topic, partitions] : given) count += partitions.size();
  return count;
}

// How many partitions changed hands, of those that the members owned.
size_t Lost(const std::vector<AssignableMember>& members,
            const std::vector<PartitionsByTopic>& given) {
  size_t lost = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    for (const auto& [topic, partitions] : members[i].owned) {
      const auto now = given[i].find(topic);
      for (const int32_t partition : partitions) {
        const bool kept = now != given[i].end() &&
                          std::binary_search(now->second.begin(), now->second.end(), partition);
        lost += kept ? 0 : 1;
      }
    }
  }
  return lost;
}

void CheckLegal(const std::vector<AssignableMember>& members, const AssignableTopics& topics,
                const std::vector<PartitionsByTopic>& given) {
  ASSERT_EQ(given.size(), members.size());
  std::set<std::pair<Uuid, int32_t>> seen;
  for (size_t i = 0; i < members.size(); ++i) {
    for (const auto& [topic, partitions] : given[i]) {
      EXPECT_TRUE(members[i].SubscribesTo(topic));
      EXPECT_TRUE(std::is_sorted(partitions.begin(), partitions.end()));
      for (const int32_t partition : partitions) {
        EXPECT_TRUE(partition >= 0 && partition < topics.at(topic).partition_count);
        EXPECT_TRUE(seen.emplace(topic, partition).second) << "two owners";
      }
    }
  }
  size_t wanted = 0;
  for (const auto& [id, topic] : topics) {
    const bool subscribed = std::any_of(members.begin(), members.end(), [&](const auto& member) {
      return member.SubscribesTo(id);
    });
    wanted += subscribed ? static_cast<size_t>(topic.partition_count) : 0;
  }
  EXPECT_EQ(seen.size(), wanted) << "a partition without an owner";
}

void CheckBalanced(const std::vector<AssignableMember>& members,
                   const std::vector<PartitionsByTopic>& given) {
  for (size_t owner = 0; owner < members.size(); ++owner) {
    for (const auto& [topic, partitions] : given[owner]) {
      for (size_t other = 0; other < members.size(); ++other) {
        if (!members[other].SubscribesTo(topic)) continue;
        EXPECT_LT(Count(given[owner]), Count(given[other]) + 2);
      }
    }
  }
}

class AssignorTest : public ::testing::TestWithParam<Assign> {};

INSTANTIATE_TEST_SUITE_P(Both, AssignorTest, ::testing::Values(&AssignUniformly, &AssignRanges));

// Members come and go, subscribe to other topics; topics come, go and grow.
TEST_P(AssignorTest, G01_G02_EveryPartitionHasOneOwnerThroughChanges) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Prng prng(seed);
    AssignableTopics topics;
    std::vector<AssignableMember> members;
    for (int round = 0; round < 12; ++round) {
      AssignableTopic& topic = topics[TopicId(static_cast<uint8_t>(prng.Between(1, 5)))];
      topic.partition_count = static_cast<int32_t>(prng.Between(0, 12));
      if (prng.Chance(1, 4)) topics.erase(TopicId(static_cast<uint8_t>(prng.Between(1, 5))));
      if (prng.Chance(2, 3)) {
        members.push_back(Member("m" + std::to_string(seed) + "-" + std::to_string(round), {}));
      } else if (!members.empty()) {
        members.erase(members.begin() + static_cast<int64_t>(prng.Below(members.size())));
      }
      for (AssignableMember& member : members) {
        if (!member.topics->empty() && prng.Chance(2, 3)) continue;
        // Some subscribe to what another does, and share its list.
        if (prng.Chance(1, 3)) {
          member.topics = members[prng.Below(members.size())].topics;
          continue;
        }
        std::vector<uint8_t> wanted;
        for (uint8_t id = 1; id <= 5; ++id) {
          if (topics.contains(TopicId(id)) && prng.Chance(1, 2)) wanted.push_back(id);
        }
        member.topics = List(wanted);
      }
      const std::vector<PartitionsByTopic> given = GetParam()(members, topics);
      CheckLegal(members, topics, given);
      if (GetParam() == &AssignUniformly) CheckBalanced(members, given);
      if (HasFailure()) FAIL() << "seed " << seed << " round " << round;
      Settle(members, given);
    }
  }
}

TEST_P(AssignorTest, WhatIsSettledStays) {
  const AssignableTopics topics = Topics({7, 4, 1});
  std::vector<AssignableMember> members = {Member("c", {1, 2, 3}), Member("a", {1, 2, 3}),
                                           Member("b", {1, 2, 3})};
  Settle(members, GetParam()(members, topics));
  EXPECT_EQ(Lost(members, GetParam()(members, topics)), 0u);
}

TEST_P(AssignorTest, ManyMembersAndPartitions) {
  const AssignableTopics topics = Topics({5000, 5000});
  std::vector<AssignableMember> members;
  for (int i = 0; i < 5000; ++i) members.push_back(Member("m" + std::to_string(i), {1, 2}));
  const std::vector<PartitionsByTopic> given = GetParam()(members, topics);
  for (const PartitionsByTopic& of_one : given) ASSERT_EQ(Count(of_one), 2u);
}

// Whether two members share a list or have equal ones changes nothing.
TEST_P(AssignorTest, EqualListsAreAssignedLikeASharedOne) {
  const AssignableTopics topics = Topics({3, 5, 5});
  std::vector<AssignableMember> members = {Member("a", {1, 2, 3}), Member("b", {1, 2, 3}),
                                           Member("c", {2, 3}), Member("d", {2, 3})};
  const std::vector<PartitionsByTopic> given = GetParam()(members, topics);
  members[1].topics = members[0].topics;
  members[3].topics = members[2].topics;
  EXPECT_EQ(GetParam()(members, topics), given);
}

// As long as the product of both is worked off, this takes minutes with the sanitizers.
TEST_P(AssignorTest, ManyMembersOfManyTopics) {
  AssignableTopics topics;
  std::vector<Uuid> ids;
  for (int i = 0; i < 10'000; ++i) {
    Uuid id;
    id.bytes[14] = static_cast<uint8_t>(i / 256);
    id.bytes[15] = static_cast<uint8_t>(i % 256);
    topics[id].partition_count = 1;
    ids.push_back(id);
  }
  std::vector<AssignableMember> members;
  const auto list = std::make_shared<const std::vector<Uuid>>(ids);
  for (int i = 0; i < 1'000; ++i) {
    members.push_back(Member("m" + std::to_string(i), {}));
    members.back().topics = list;
    // The first one is alone at first.
    if (i == 0) Settle(members, GetParam()(members, topics));
  }
  Settle(members, GetParam()(members, topics));
  CheckLegal(members, topics, GetParam()(members, topics));
}

TEST_P(AssignorTest, NobodyAndNothing) {
  EXPECT_TRUE(GetParam()({}, Topics({3})).empty());
  EXPECT_EQ(GetParam()({Member("a", {1})}, {}), std::vector<PartitionsByTopic>(1));
}

TEST(UniformAssignor, ANewcomerTakesItsShareAndNothingElseMoves) {
  const AssignableTopics topics = Topics({6, 6});
  std::vector<AssignableMember> members = {Member("a", {1, 2}), Member("b", {1, 2}),
                                           Member("c", {1, 2})};
  Settle(members, AssignUniformly(members, topics));
  members.push_back(Member("d", {1, 2}));
  const std::vector<PartitionsByTopic> given = AssignUniformly(members, topics);
  EXPECT_EQ(Count(given[3]), 3u);
  EXPECT_EQ(Lost(members, given), 3u);
}

TEST(UniformAssignor, WhoLeavesMovesOnlyWhatItOwned) {
  const AssignableTopics topics = Topics({10});
  std::vector<AssignableMember> members = {Member("a", {1}), Member("b", {1}), Member("c", {1})};
  Settle(members, AssignUniformly(members, topics));
  members.erase(members.begin());
  EXPECT_EQ(Lost(members, AssignUniformly(members, topics)), 0u);
}

TEST(UniformAssignor, TheFirstOfTwoOwnersKeepsThePartition) {
  std::vector<AssignableMember> members = {Member("a", {1}), Member("b", {1})};
  for (AssignableMember& member : members) member.owned[TopicId(1)] = {0, 9};
  const std::vector<PartitionsByTopic> given = AssignUniformly(members, Topics({2}));
  EXPECT_EQ(given[0].at(TopicId(1)), std::vector{0});
  EXPECT_EQ(given[1].at(TopicId(1)), std::vector{1});
}

TEST(UniformAssignor, MembersReadFromTheirOwnRackWhereThatIsFair) {
  AssignableTopics topics = Topics({6});
  for (int32_t partition = 0; partition < 6; ++partition) {
    topics[TopicId(1)].racks.push_back({partition % 3 == 0 ? "x" : partition % 3 == 1 ? "y" : "z"});
  }
  std::vector<AssignableMember> members = {Member("a", {1}), Member("b", {1}), Member("c", {1})};
  members[0].rack_id = "z";
  members[1].rack_id = "y";
  members[2].rack_id = "x";
  std::vector<PartitionsByTopic> given = AssignUniformly(members, topics);
  EXPECT_EQ(given[0].at(TopicId(1)), (std::vector{2, 5}));
  EXPECT_EQ(given[1].at(TopicId(1)), (std::vector{1, 4}));
  EXPECT_EQ(given[2].at(TopicId(1)), (std::vector{0, 3}));
  // All on one rack: fairness counts more.
  for (AssignableMember& member : members) member.rack_id = "x";
  given = AssignUniformly(members, topics);
  for (const PartitionsByTopic& of_one : given) EXPECT_EQ(Count(of_one), 2u);
}

TEST(RangeAssignor, EachTopicIsCutIntoRuns) {
  const std::vector<PartitionsByTopic> given =
      AssignRanges({Member("a", {1, 2}), Member("b", {1, 2}), Member("c", {2})}, Topics({3, 5}));
  EXPECT_EQ(given[0].at(TopicId(1)), (std::vector{0, 1}));
  EXPECT_EQ(given[1].at(TopicId(1)), (std::vector{2}));
  EXPECT_EQ(given[0].at(TopicId(2)), (std::vector{0, 1}));
  EXPECT_EQ(given[1].at(TopicId(2)), (std::vector{2, 3}));
  EXPECT_EQ(given[2].at(TopicId(2)), (std::vector{4}));
}

// What joins two topics by key finds both sides with one member.
TEST(RangeAssignor, TopicsOfOneSizeAreSplitAlikeAlsoAfterChanges) {
  const AssignableTopics topics = Topics({7, 7});
  std::vector<AssignableMember> members = {Member("b", {1, 2}), Member("c", {1, 2})};
  Settle(members, AssignRanges(members, topics));
  members.insert(members.begin(), Member("a", {1, 2}));
  const std::vector<PartitionsByTopic> given = AssignRanges(members, topics);
  for (const PartitionsByTopic& of_one : given) {
    EXPECT_EQ(of_one.at(TopicId(1)), of_one.at(TopicId(2)));
  }
  EXPECT_EQ(given[0].at(TopicId(1)), (std::vector{5, 6})) << "the newcomer comes last";
  EXPECT_EQ(given[1].at(TopicId(1)).front(), 0);
}

// Partition p of every topic has its only replica on rack p modulo 3, of "x", "y", "z".
AssignableTopics OnThreeRacks(const std::vector<int32_t>& counts) {
  AssignableTopics topics = Topics(counts);
  for (auto& [id, topic] : topics) {
    for (int32_t partition = 0; partition < topic.partition_count; ++partition) {
      topic.racks.push_back({std::string(1, static_cast<char>('x' + partition % 3))});
    }
  }
  return topics;
}

TEST(RangeAssignor, MembersReadFromTheirOwnRackWhereThatIsFair) {
  const AssignableTopics topics = OnThreeRacks({6, 6});
  std::vector<AssignableMember> members = {Member("a", {1, 2}), Member("b", {1, 2}),
                                           Member("c", {1, 2})};
  members[0].rack_id = "z";
  members[1].rack_id = "y";
  members[2].rack_id = "x";
  std::vector<PartitionsByTopic> given = AssignRanges(members, topics);
  for (const uint8_t topic : {1, 2}) {
    EXPECT_EQ(given[0].at(TopicId(topic)), (std::vector{2, 5}));
    EXPECT_EQ(given[1].at(TopicId(topic)), (std::vector{1, 4}));
    EXPECT_EQ(given[2].at(TopicId(topic)), (std::vector{0, 3}));
  }
  Settle(members, given);
  EXPECT_EQ(AssignRanges(members, topics), given);
  // One without a rack takes what is left.
  members[1].rack_id.clear();
  EXPECT_EQ(AssignRanges(members, topics), given);
  // All on one rack: fairness counts more, and what is near is shared by the first.
  for (AssignableMember& member : members) member = Member(member.member_id, {1, 2});
  for (AssignableMember& member : members) member.rack_id = "x";
  given = AssignRanges(members, topics);
  EXPECT_EQ(given[0].at(TopicId(1)), (std::vector{0, 3}));
  EXPECT_EQ(given[1].at(TopicId(1)), (std::vector{1, 2}));
  EXPECT_EQ(given[2].at(TopicId(1)), (std::vector{4, 5}));
}

TEST(RangeAssignor, RacksCountOnlyWhereAllTopicsThatAreSplitAlikeHaveThem) {
  AssignableTopics topics = OnThreeRacks({3, 3});
  topics[TopicId(2)].racks = {{"y"}, {"x"}, {"z"}};
  std::vector<AssignableMember> members = {Member("a", {1, 2}), Member("b", {1, 2}),
                                           Member("c", {1, 2})};
  members[0].rack_id = "z";
  members[1].rack_id = "y";
  members[2].rack_id = "x";
  const std::vector<PartitionsByTopic> given = AssignRanges(members, topics);
  EXPECT_EQ(given[0].at(TopicId(1)), (std::vector{2}));
  EXPECT_EQ(given[1].at(TopicId(1)), (std::vector{0}));
  EXPECT_EQ(given[2].at(TopicId(1)), (std::vector{1}));
  for (const PartitionsByTopic& of_one : given) {
    EXPECT_EQ(of_one.at(TopicId(1)), of_one.at(TopicId(2)));
  }
}

// Any racks of brokers and members: legal, fair by topic, and settled by one more assignment.
TEST(RangeAssignor, G01_G02_AnyRacks) {
  size_t moved = 0;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Prng prng(seed);
    const auto rack = [&] { return std::string(1, static_cast<char>('x' + prng.Below(3))); };
    AssignableTopics topics = Topics(
        {static_cast<int32_t>(prng.Between(1, 12)), static_cast<int32_t>(prng.Between(1, 12))});
    for (auto& [id, topic] : topics) {
      for (int32_t partition = 0; partition < topic.partition_count; ++partition) {
        std::vector<std::string>& racks = topic.racks.emplace_back();
        for (uint64_t replicas = prng.Between(1, 2); replicas > 0; --replicas) {
          racks.push_back(rack());
        }
      }
    }
    std::vector<AssignableMember> members;
    for (uint64_t count = prng.Between(1, 6); count > 0; --count) {
      members.push_back(
          Member("m" + std::to_string(prng.Below(1000)) + std::to_string(count), {1, 2}));
      if (!prng.Chance(1, 4)) members.back().rack_id = rack();
    }
    const std::vector<PartitionsByTopic> given = AssignRanges(members, topics);
    CheckLegal(members, topics, given);
    for (const auto& [id, topic] : topics) {
      for (const PartitionsByTopic& of_one : given) {
        const size_t owned = of_one.contains(id) ? of_one.at(id).size() : 0;
        const size_t quota = static_cast<size_t>(topic.partition_count) / members.size();
        EXPECT_TRUE(owned == quota || owned == quota + 1);
      }
    }
    if (HasFailure()) FAIL() << "seed " << seed;
    Settle(members, given);
    moved += Lost(members, AssignRanges(members, topics));
  }
  EXPECT_EQ(moved, 0u);
}

TEST(RangeAssignor, G19_AStaticMemberComesBackToItsPlaceUnderAnotherMemberId) {
  const AssignableTopics topics = Topics({4});
  std::vector<AssignableMember> members = {Member("p", {1}), Member("q", {1})};
  members[0].instance_id = "one";
  members[1].instance_id = "two";
  const std::vector<PartitionsByTopic> before = AssignRanges(members, topics);
  members[0].member_id = "z";
  EXPECT_EQ(AssignRanges(members, topics), before);
}

}  // namespace
}  // namespace weir::state
