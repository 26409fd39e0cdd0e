// A group of 5,000 members: what a join costs does not grow with the group, and what a rebalance
// writes is what changed.
#include <gtest/gtest.h>

#include "common/metadata/effective_config.h"
#include "tests/unit/controller/state/group_support.h"

namespace weir::state {
namespace {

constexpr int kMembers = 5'000;

size_t BytesOf(const Records& records) {
  size_t bytes = 0;
  for (const MetadataRecord& record : records) bytes += record.ByteSizeLong();
  return bytes;
}

// No harness: its checks look at every member after every event.
struct Plain {
  GroupOutcome Apply(GroupOutcome outcome) {
    metadata::v1::MetadataBatch batch;
    for (const MetadataRecord& record : outcome.records) *batch.add_records() = record;
    metadata::Apply(image, batch, image.offset() + 1);
    bytes_max = std::max(bytes_max, BytesOf(outcome.records));
    records_max = std::max(records_max, outcome.records.size());
    return outcome;
  }
  GroupContext context() { return {image, now, &prng}; }

  GroupCoordinator coordinator{GroupConfig()};
  MetadataImage image;
  Prng prng{1};
  MonoTime now{std::chrono::hours(1)};
  size_t bytes_max = 0;
  size_t records_max = 0;
};

TEST(GroupScale, FiveThousandMembersFormOneGeneration) {
  Plain p;
  GroupCallId call = 0;
  for (int i = 0; i < kMembers; ++i) {
    JoinGroupRequest request = GroupHarness::JoinOf("g");
    request.set_requires_known_member_id(false);
    p.Apply(p.coordinator.Join(p.context(), ++call, request));
  }
  EXPECT_LE(p.records_max, 3u) << "the group, the member, its subscription";
  EXPECT_LE(p.bytes_max, 400u);
  GroupOutcome formed;
  while (formed.answers.empty()) {
    p.now = *p.coordinator.NextDeadline();
    formed = p.Apply(p.coordinator.OnTime(p.context()));
  }
  EXPECT_EQ(formed.records.size(), 1u) << "a generation is one record";
  ASSERT_EQ(formed.answers.size(), static_cast<size_t>(kMembers));
  const Group group = *p.image.FindGroup("g");
  SyncGroupRequest assign = GroupHarness::SyncOf("g", group.leader, 1);
  for (const auto& [id, member] : group.members) {
    assign.add_assignments()->set_member_id(id);
    assign.mutable_assignments(assign.assignments_size() - 1)->set_assignment(std::string(60, 'a'));
  }
  p.Apply(p.coordinator.Sync(p.context(), ++call, assign));
  EXPECT_EQ(p.image.FindGroup("g")->state, GroupState::kStable);
  EXPECT_LE(p.bytes_max, kMembers * 200u);

  // All silent at once: worked off in batches of bounded size.
  p.bytes_max = 0;
  p.now += std::chrono::hours(1);
  for (int i = 0; i < 100 && !p.image.FindGroup("g")->members.empty(); ++i) {
    p.Apply(p.coordinator.OnTime(p.context()));
  }
  EXPECT_EQ(p.image.FindGroup("g")->state, GroupState::kEmpty);
  EXPECT_EQ(p.image.skipped_records(), 0u);
  EXPECT_LE(p.bytes_max, 100'000u);
}

TEST(GroupConfig, IsReadFromBrokerSettings) {
  const MetadataImage image;
  const GroupConfig defaults = ReadGroupConfig({image});
  EXPECT_EQ(defaults.initial_rebalance_delay, std::chrono::seconds(3));
  EXPECT_EQ(defaults.session_timeout_ms_min, 6'000);
  EXPECT_EQ(defaults.session_timeout_ms_max, 1'800'000);
  EXPECT_EQ(defaults.broker_session_timeout, std::chrono::seconds(3));
  EXPECT_EQ(defaults.size_max, INT32_MAX);
  const metadata::StaticConfig set{{"broker.session.timeout.ms", "9000"},
                                   {"group.initial.rebalance.delay.ms", "0"},
                                   {"group.min.session.timeout.ms", "1"},
                                   {"group.max.session.timeout.ms", " 60000 "},
                                   {"group.max.size", "17"}};
  const GroupConfig config = ReadGroupConfig({image, kNoNode, &set});
  EXPECT_EQ(config.initial_rebalance_delay, Duration::zero());
  EXPECT_EQ(config.session_timeout_ms_min, 1);
  EXPECT_EQ(config.session_timeout_ms_max, 60'000);
  EXPECT_EQ(config.broker_session_timeout, std::chrono::seconds(9));
  EXPECT_EQ(config.size_max, 17);
}

}  // namespace
}  // namespace weir::state
