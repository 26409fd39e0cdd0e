// What heartbeats and commits hear, in every state.
#include "common/metadata/group_checks.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/metadata/apply.h"
#include "tests/unit/common/metadata/group_support.h"

namespace weir::metadata {
namespace {

MetadataImage ImageOf(const std::vector<v1::MetadataRecord>& records) {
  MetadataImage image;
  v1::MetadataBatch batch;
  for (const v1::MetadataRecord& record : records) *batch.add_records() = record;
  Apply(image, batch, LogIndex(1));
  return image;
}

MetadataImage ImageWith(v1::GroupState state) {
  if (state == v1::GROUP_STATE_EMPTY) return ImageOf({GroupRecordOf("g", state, 5)});
  return ImageOf(
      {GroupRecordOf("g", state, 5), MemberRecordOf("g", "m"), MemberRecordOf("g", "s", "i")});
}

constexpr v1::GroupState kEmpty = v1::GROUP_STATE_EMPTY;
constexpr v1::GroupState kPreparing = v1::GROUP_STATE_PREPARING_REBALANCE;
constexpr v1::GroupState kCompleting = v1::GROUP_STATE_COMPLETING_REBALANCE;
constexpr v1::GroupState kStable = v1::GROUP_STATE_STABLE;

struct Case {
  const char* what;
  v1::GroupState state;
  const char* member_id;
  const char* instance_id;
  int32_t generation;
  ErrorCode heartbeat;
  ErrorCode commit;
};

constexpr ErrorCode kNone = ErrorCode::kNone;
constexpr ErrorCode kUnknown = ErrorCode::kUnknownMemberId;
constexpr ErrorCode kFenced = ErrorCode::kFencedInstanceId;
constexpr ErrorCode kIllegal = ErrorCode::kIllegalGeneration;
constexpr ErrorCode kRebalance = ErrorCode::kRebalanceInProgress;

const Case kCases[] = {
    {"stable", kStable, "m", "", 5, kNone, kNone},
    {"static", kStable, "s", "i", 5, kNone, kNone},
    {"static that does not name its instance", kStable, "s", "", 5, kNone, kNone},
    {"rebalance: commits go through", kPreparing, "m", "", 5, kRebalance, kNone},
    {"generation formed: heartbeats go through", kCompleting, "m", "", 5, kNone, kRebalance},
    {"G-17 older generation", kStable, "m", "", 4, kIllegal, kIllegal},
    {"G-17 older generation during rebalance", kPreparing, "m", "", 4, kIllegal, kIllegal},
    {"newer generation: the image lags", kStable, "m", "", 6, kIllegal, kIllegal},
    {"removed", kStable, "x", "", 5, kUnknown, kUnknown},
    {"replaced static", kStable, "x", "i", 5, kFenced, kFenced},
    {"unknown static", kStable, "m", "x", 5, kUnknown, kUnknown},
    {"fencing is told before the generation", kStable, "x", "i", 1, kFenced, kFenced},
    {"nobody left", kEmpty, "m", "", 5, kUnknown, kUnknown},
    {"nobody left, no member", kEmpty, "", "", -1, kUnknown, kNone},
    {"self-assigned beside members", kStable, "", "", -1, kUnknown, kUnknown},
    {"member without generation", kStable, "m", "", -1, kIllegal, kIllegal},
};

TEST(GroupChecks, G03_G17_EveryStateAndClaim) {
  for (const Case& c : kCases) {
    const MetadataImage image = ImageWith(c.state);
    const MemberIdentity who{c.member_id, c.instance_id};
    EXPECT_EQ(CheckHeartbeat(image, "g", who, c.generation), c.heartbeat) << c.what;
    EXPECT_EQ(CheckCommit(image, "g", who, c.generation), c.commit) << c.what;
  }
}

TEST(GroupChecks, AGroupThatIsNotThere) {
  const MetadataImage image = ImageWith(kStable);
  EXPECT_EQ(CheckHeartbeat(image, "x", {"m", ""}, 5), kUnknown);
  EXPECT_EQ(CheckHeartbeat(image, "", {"m", ""}, 5), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(CheckCommit(image, "x", {"m", ""}, 5), kIllegal);
  EXPECT_EQ(CheckCommit(image, "x", {"", ""}, -1), kNone);
}

TEST(GroupChecks, GatewaysAnswerWhatCannotBeWrong) {
  EXPECT_TRUE(IsAnswerOfGateway(kNone));
  EXPECT_TRUE(IsAnswerOfGateway(kRebalance));
  for (const ErrorCode error : {kUnknown, kFenced, kIllegal}) {
    EXPECT_FALSE(IsAnswerOfGateway(error));
  }
}

// A consumer group whose target assignment is of epoch 7: members by their state and protocol.
MetadataImage ConsumerImage(int32_t group_epoch = 7) {
  v1::MetadataRecord group = GroupRecordOf("g", v1::GROUP_STATE_RECONCILING, group_epoch);
  group.mutable_group()->set_type(v1::GROUP_TYPE_CONSUMER);
  group.mutable_group()->set_assignment_epoch(7);
  std::vector<v1::MetadataRecord> records{group};
  const auto add = [&](const char* id, const char* instance_id, int32_t epoch,
                       v1::ConsumerMemberState state, bool classic) {
    records.push_back(MemberRecordOf("g", id, instance_id));
    records.back().mutable_group_member()->set_uses_classic_protocol(classic);
    auto* fields = records.emplace_back().mutable_group_member_epoch();
    fields->set_group_id("g");
    fields->set_member_id(id);
    fields->set_member_epoch(epoch);
    fields->set_state(state);
  };
  add("rests", "", 7, v1::CONSUMER_MEMBER_STATE_STABLE, false);
  add("behind", "", 6, v1::CONSUMER_MEMBER_STATE_STABLE, false);
  add("revokes", "", 6, v1::CONSUMER_MEMBER_STATE_UNREVOKED_PARTITIONS, false);
  add("waits", "", 7, v1::CONSUMER_MEMBER_STATE_UNRELEASED_PARTITIONS, false);
  add("static", "i", 7, v1::CONSUMER_MEMBER_STATE_STABLE, false);
  add("away", "j", kStaticMemberAwayEpoch, v1::CONSUMER_MEMBER_STATE_STABLE, false);
  add("classic", "", 7, v1::CONSUMER_MEMBER_STATE_STABLE, true);
  add("classic-behind", "", 6, v1::CONSUMER_MEMBER_STATE_STABLE, true);
  add("classic-waits", "", 7, v1::CONSUMER_MEMBER_STATE_UNRELEASED_PARTITIONS, true);
  return ImageOf(records);
}

TEST(GroupChecks, G03_G17_MembersOfConsumerGroupsAreJudgedByTheirEpochs) {
  constexpr ErrorCode kStale = ErrorCode::kStaleMemberEpoch;
  constexpr ErrorCode kAskController = ErrorCode::kCoordinatorNotAvailable;
  const MetadataImage image = ConsumerImage();
  const struct {
    const char* member_id;
    const char* instance_id;
    int32_t epoch;
    ErrorCode heartbeat;
    ErrorCode commit;
    bool at_rest;
  } kConsumerCases[] = {
      {"rests", "", 7, kNone, kNone, true},
      {"rests", "", 6, kStale, kStale, false},
      {"rests", "", 8, kStale, kStale, false},
      {"rests", "", 0, kStale, kStale, false},
      {"rests", "", -1, kStale, kStale, false},
      {"behind", "", 6, kNone, kNone, false},
      {"revokes", "", 6, kNone, kNone, false},
      {"waits", "", 7, kNone, kNone, false},
      {"static", "i", 7, kNone, kNone, true},
      {"static", "", 7, kNone, kNone, true},
      {"rests", "i", 7, kFenced, kFenced, false},
      {"rests", "x", 7, kUnknown, kUnknown, false},
      {"away", "j", 7, kStale, kStale, false},
      {"gone", "", 7, kUnknown, kUnknown, false},
      {"classic", "", 7, kNone, kNone, false},
      {"classic", "", 8, kIllegal, kIllegal, false},
      {"classic-behind", "", 6, kRebalance, kNone, false},
      {"classic-waits", "", 7, kAskController, kNone, false},
  };
  for (const auto& c : kConsumerCases) {
    const MemberIdentity who{c.member_id, c.instance_id};
    EXPECT_EQ(CheckHeartbeat(image, "g", who, c.epoch), c.heartbeat) << c.member_id << c.epoch;
    EXPECT_EQ(CheckCommit(image, "g", who, c.epoch), c.commit) << c.member_id << c.epoch;
    EXPECT_EQ(IsConsumerMemberAtRest(image, "g", who, c.epoch), c.at_rest) << c.member_id;
  }
  EXPECT_FALSE(IsAnswerOfGateway(kAskController));
  EXPECT_FALSE(IsAnswerOfGateway(kStale));
  EXPECT_FALSE(IsConsumerMemberAtRest(image, "x", {"rests", ""}, 7));
  EXPECT_FALSE(IsConsumerMemberAtRest(ConsumerImage(8), "g", {"rests", ""}, 7))
      << "there is a new assignment to come";
  EXPECT_FALSE(IsConsumerMemberAtRest(ImageWith(kStable), "g", {"m", ""}, 5)) << "a classic group";
}

TEST(GroupChecks, FiltersOfListGroups) {
  Group group;
  group.state = GroupState::kStable;
  const std::vector<std::string> none;
  const std::vector<std::string> stable{"Empty", "sTABLE"};
  const std::vector<std::string> empty{"Empty"};
  const std::vector<std::string> classic{"Classic"};
  const std::vector<std::string> consumer{"consumer"};
  EXPECT_TRUE(PassesFilters(group, none, none));
  EXPECT_TRUE(PassesFilters(group, stable, classic));
  EXPECT_FALSE(PassesFilters(group, empty, none));
  EXPECT_FALSE(PassesFilters(group, stable, consumer));
}

}  // namespace
}  // namespace weir::metadata
