// MetadataFeed: what brokers get of the metadata, and what not (DESIGN D3, D6).
#include "controller/quorum/metadata_feed.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/metadata/apply.h"
#include "common/metadata/snapshot.h"
#include "controller/raft/raft.h"

namespace weir::quorum {
namespace {

using broker::v1::FetchMetadataReply;

// A broker that applies what it gets, and counts it.
struct Reader {
  metadata::MetadataImage image;
  metadata::SnapshotLoader loader;
  size_t bytes = 0;
  int snapshots = 0;

  void Take(const FetchMetadataReply& reply) {
    bytes += reply.ByteSizeLong();
    for (const auto& batch : reply.batches().batches()) {
      ASSERT_TRUE(metadata::ApplyBytes(image, batch.batch(),
                                       LogIndex(static_cast<uint64_t>(batch.offset())), nullptr));
    }
    if (!reply.has_snapshot()) return;
    ASSERT_TRUE(loader.Add(reply.snapshot().chunk()));
    if (!reply.snapshot().last()) return;
    ++snapshots;
    image = loader.Finish(LogIndex(static_cast<uint64_t>(reply.snapshot().offset())));
  }
};

class Stream : public FeedSubscriber {
 public:
  explicit Stream(Reader& reader) : reader_(reader) {}
  void Send(FetchMetadataReply reply) override { reader_.Take(reply); }
  void End(const Error&) override {}

 private:
  Reader& reader_;
};

// A stable group of that many members, each of whom says and is assigned a kilobyte: a batch for
// the group, one for each member.
std::vector<metadata::v1::MetadataBatch> GroupOf(int members) {
  std::vector<metadata::v1::MetadataBatch> batches(1);
  auto* group = batches[0].add_records()->mutable_group();
  group->set_group_id("orders");
  group->set_type(metadata::v1::GROUP_TYPE_CLASSIC);
  group->set_state(metadata::v1::GROUP_STATE_STABLE);
  group->set_generation(1);
  for (int i = 0; i < members; ++i) {
    const std::string id = "member-" + std::to_string(i);
    auto& batch = batches.emplace_back();
    auto* member = batch.add_records()->mutable_group_member();
    member->set_group_id("orders");
    member->set_member_id(id);
    auto* subscription = batch.add_records()->mutable_group_subscription();
    subscription->set_group_id("orders");
    subscription->set_member_id(id);
    subscription->add_protocols()->set_metadata(std::string(1'000, 's'));
    auto* assignment = batch.add_records()->mutable_group_assignment();
    assignment->set_group_id("orders");
    assignment->set_member_id(id);
    assignment->set_assignment(std::string(1'000, 'a'));
  }
  return batches;
}

class MetadataFeedTest : public testing::Test {
 protected:
  void Commit(const std::vector<metadata::v1::MetadataBatch>& batches) {
    std::vector<raft::Entry> entries;
    for (const auto& batch : batches) {
      entries.push_back({Term(1), LogIndex(++last_), raft::EntryType::kNormal,
                         std::make_shared<const std::string>(batch.SerializeAsString())});
      payload_bytes_ += entries.back().payload->size();
    }
    machine_.Apply(entries);
    std::move(entries.begin(), entries.end(), std::back_inserter(entries_));
  }
  // The first `compacted` entries are no longer in the log.
  void Start(size_t compacted) {
    raft::RestoredState restored;
    restored.snapshot.last_index = LogIndex(compacted);
    restored.hard_state.term = Term(1);
    if (compacted > 0) restored.snapshot.last_term = Term(1);
    restored.entries.assign(entries_.begin() + static_cast<std::ptrdiff_t>(compacted),
                            entries_.end());
    raft_ = std::make_unique<raft::Raft>(raft::Config{}, std::move(restored), 1);
  }
  Reader Read() {
    Reader reader;
    const auto id = feed_.Subscribe(LogIndex(1), std::make_unique<Stream>(reader));
    while (reader.image.offset() < machine_.committed().offset()) {
      const LogIndex before = reader.image.offset();
      feed_.OnSent(id);
      EXPECT_TRUE(reader.image.offset() > before || reader.snapshots == 0);
    }
    feed_.Unsubscribe(id);
    return reader;
  }

  MetadataMachine machine_{[](const std::string& reason) { FAIL() << reason; }};
  std::vector<raft::Entry> entries_;
  uint64_t last_ = 0;
  size_t payload_bytes_ = 0;
  std::unique_ptr<raft::Raft> raft_;
  MetadataFeed feed_{{.raft = [this]() -> const raft::Raft& { return *raft_; },
                      .post_to_worker = [](Task task) { task(); },
                      .post_to_loop = [](Task task) { task(); }},
                     machine_};
};

TEST_F(MetadataFeedTest, C28_BrokersGetNoSubscriptionsAndAssignments) {
  constexpr int kMembers = 200;
  Commit(GroupOf(kMembers));
  Start(0);
  const Reader reader = Read();
  EXPECT_EQ(reader.snapshots, 0);
  EXPECT_EQ(reader.image.offset(), machine_.committed().offset());
  const metadata::Group* group = reader.image.FindGroup("orders");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->members.size(), static_cast<size_t>(kMembers));
  const metadata::GroupMember* member = group->FindMember("member-7");
  ASSERT_NE(member, nullptr);
  EXPECT_EQ(member->subscription, nullptr);
  EXPECT_EQ(member->assignment, nullptr);
  EXPECT_LT(reader.bytes * 30, payload_bytes_) << reader.bytes << " of " << payload_bytes_;
  RecordProperty("bytes_to_broker", static_cast<int>(reader.bytes));
  RecordProperty("bytes_in_log", static_cast<int>(payload_bytes_));
}

TEST_F(MetadataFeedTest, C28_NorInASnapshot) {
  Commit(GroupOf(200));
  Start(last_);
  const Reader reader = Read();
  EXPECT_EQ(reader.snapshots, 1);
  const metadata::Group* group = reader.image.FindGroup("orders");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->members.size(), 200u);
  EXPECT_EQ(group->FindMember("member-7")->subscription, nullptr);
  EXPECT_LT(reader.bytes * 30, payload_bytes_) << reader.bytes << " of " << payload_bytes_;
}

}  // namespace
}  // namespace weir::quorum
