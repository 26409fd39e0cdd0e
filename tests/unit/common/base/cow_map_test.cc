// CowMap against std::map: random operations, with copies that must not notice each other.
#include "common/base/cow_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "common/base/prng.h"

namespace weir {
namespace {

using Map = CowMap<int, std::string>;
using Model = std::map<int, std::string>;

void ExpectSame(const Map& map, const Model& model) {
  ASSERT_EQ(map.size(), model.size());
  auto expected = model.begin();
  for (const auto& [key, value] : map) {
    ASSERT_EQ(key, expected->first);
    ASSERT_EQ(value, expected->second);
    ++expected;
  }
}

TEST(CowMap, EmptyMapFindsNothing) {
  const Map map;
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.Find(1), nullptr);
  EXPECT_TRUE(map.begin() == map.end());
  EXPECT_TRUE(map.LowerBound(1) == map.end());
}

TEST(CowMap, RandomOperationsAgreeWithAnOrderedMap) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Prng prng(seed);
    Map map;
    Model model;
    for (int step = 0; step < 2'000; ++step) {
      const int key = static_cast<int>(prng.Below(500));
      if (prng.Chance(2, 3)) {
        const std::string value = std::to_string(prng.Next());
        map.Put(key, value);
        model[key] = value;
      } else {
        EXPECT_EQ(map.Erase(key), model.erase(key) == 1);
      }
      const int probe = static_cast<int>(prng.Below(500));
      const auto expected = model.lower_bound(probe);
      const auto found = map.LowerBound(probe);
      ASSERT_EQ(found == map.end(), expected == model.end());
      if (expected != model.end()) {
        ASSERT_EQ(found->first, expected->first);
      }
      ASSERT_EQ(map.Contains(probe), model.contains(probe));
    }
    ExpectSame(map, model);
  }
}

TEST(CowMap, CopiesChangeApart) {
  Prng prng(7);
  std::vector<std::pair<Map, Model>> versions(1);
  for (int step = 0; step < 500; ++step) {
    auto [map, model] = versions[prng.Below(versions.size())];
    for (int change = 0; change < 20; ++change) {
      const int key = static_cast<int>(prng.Below(300));
      if (prng.Chance(1, 4)) {
        map.Erase(key);
        model.erase(key);
      } else if (std::string* value = map.Mutable(key); value != nullptr) {
        *value += "x";
        model[key] += "x";
      } else {
        map.Put(key, std::to_string(step));
        model[key] = std::to_string(step);
      }
    }
    if (versions.size() < 50) {
      versions.emplace_back(map, model);
    } else {
      versions[prng.Below(versions.size())] = {map, model};
    }
  }
  for (const auto& [map, model] : versions) ExpectSame(map, model);
}

TEST(CowMap, EqualityIsByContent) {
  Map a;
  Map b;
  for (int i = 0; i < 200; ++i) a.Put(i, "v");
  for (int i = 199; i >= 0; --i) b.Put(i, "v");
  EXPECT_TRUE(a == b);
  b.Put(5, "other");
  EXPECT_FALSE(a == b);
}

}  // namespace
}  // namespace weir
