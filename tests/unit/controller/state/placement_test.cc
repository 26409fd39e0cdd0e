#include "controller/state/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

std::vector<PlacementBroker> Brokers(int32_t count, int32_t racks) {
  std::vector<PlacementBroker> brokers;
  for (int32_t id = 1; id <= count; ++id) {
    const std::string rack = racks == 0 ? "" : "rack" + std::to_string(id % racks);
    brokers.push_back({NodeId(id), rack, 0, 0});
  }
  return brokers;
}

template <class Field>
int64_t Spread(const Placement& placement, Field field) {
  const auto [low, high] = std::minmax_element(
      placement.brokers().begin(), placement.brokers().end(),
      [&](const PlacementBroker& a, const PlacementBroker& b) { return a.*field < b.*field; });
  return *high.*field - *low.*field;
}

TEST(Placement, IsBalancedByCount) {
  for (const int32_t brokers : {1, 3, 5, 12}) {
    for (const int32_t factor : {1, 2, 3}) {
      if (factor > brokers) continue;
      Prng prng(7);
      Placement placement(Brokers(brokers, 0));
      for (int i = 0; i < 1000; ++i) {
        const metadata::NodeIdList replicas = placement.Place(factor, &prng);
        EXPECT_EQ(std::set<NodeId>(replicas.begin(), replicas.end()).size(), replicas.size());
      }
      EXPECT_LE(Spread(placement, &PlacementBroker::leader_count), 1) << brokers << " " << factor;
      EXPECT_LE(Spread(placement, &PlacementBroker::replica_count), 2) << brokers << " " << factor;
    }
  }
}

TEST(Placement, SpreadsOverRacks) {
  Prng prng(3);
  const std::vector<PlacementBroker> brokers = Brokers(9, 3);
  Placement placement(brokers);
  for (int i = 0; i < 500; ++i) {
    std::set<std::string> racks;
    for (const NodeId id : placement.Place(3, &prng)) {
      racks.insert(brokers[static_cast<size_t>(id.value() - 1)].rack);
    }
    EXPECT_EQ(racks.size(), 3u);
  }
  EXPECT_LE(Spread(placement, &PlacementBroker::leader_count), 1);
  EXPECT_LE(Spread(placement, &PlacementBroker::replica_count), 2);
}

TEST(Placement, UsesRacksTwiceWhenThereAreTooFew) {
  Prng prng(3);
  Placement placement(Brokers(6, 2));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(placement.Place(3, &prng).size(), 3u);
}

TEST(Placement, FillsUpBrokersThatHaveLess) {
  std::vector<PlacementBroker> brokers = Brokers(3, 0);
  brokers[0].leader_count = brokers[0].replica_count = 100;
  brokers[1].leader_count = brokers[1].replica_count = 100;
  Placement placement(brokers);
  Prng prng(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(placement.Place(1, &prng), metadata::NodeIdList{NodeId(3)});
  }
}

TEST(Placement, SameSeedSamePlacementAndPartnersMix) {
  std::set<std::vector<NodeId>> pairs;
  for (const uint64_t seed : {1, 1}) {
    Prng prng(seed);
    Placement placement(Brokers(6, 0));
    std::set<std::vector<NodeId>> now;
    for (int i = 0; i < 300; ++i) {
      const metadata::NodeIdList replicas = placement.Place(2, &prng);
      now.insert(std::vector<NodeId>(replicas.begin(), replicas.end()));
    }
    EXPECT_TRUE(pairs.empty() || pairs == now);
    pairs = now;
  }
  EXPECT_GT(pairs.size(), 20u) << "of 30 ordered pairs";
}

TEST(Placement, CountsWhatTheClusterHolds) {
  StateHarness cluster;
  for (int32_t id = 1; id <= 3; ++id) cluster.AddBroker(id);
  cluster.CreateTopic("first", 9, 1);
  cluster.AddBroker(4);
  cluster.CreateTopic("second", 3, 1);
  for (int32_t i = 0; i < 3; ++i) EXPECT_EQ(cluster.PartitionAt("second", i).leader, NodeId(4));
}

// Goal: 10,000 partitions in 20 ms in a release build; debug builds get room.
TEST(Placement, TenThousandPartitionsAreQuick) {
  StateHarness cluster;
  for (int32_t id = 1; id <= 6; ++id) cluster.AddBroker(id, "rack" + std::to_string(id % 3));
  admin::v1::CreateTopicsRequest request;
  request.add_topics()->set_name("big");
  request.mutable_topics(0)->set_partitions(10'000);
  request.mutable_topics(0)->set_replication_factor(3);
  const auto begin = std::chrono::steady_clock::now();
  const auto decision = CreateTopics(cluster.context(), request);
  const auto took = std::chrono::steady_clock::now() - begin;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->records.size(), 10'001u);
  EXPECT_LT(ms, 2000);
  RecordProperty("create_10000_partitions_ms", static_cast<int>(ms));
  size_t bytes = 0;
  for (const MetadataRecord& record : decision->records) bytes += record.ByteSizeLong() + 6;
  EXPECT_LT(bytes, 1'000'000u);
}

}  // namespace
}  // namespace weir::state
