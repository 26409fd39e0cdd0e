// Random histories of one group on the active controller: clients join, sync, give up and fall
// silent, while commits lag, batches are refused and the leadership changes with and without what
// was not committed. What anybody is told must be committed and the same for all; nobody waits for
// ever (D6, G-08, G-18).
#include <map>

#include "common/base/prng.h"
#include "tests/unit/controller/quorum/group_calls_harness.h"

namespace weir::quorum {
namespace {

struct Client {
  std::string id;
  int32_t generation = -1;
  bool synced = false;
  std::vector<std::string> members;
  Shared<JoinGroupReply> join;
  Shared<SyncGroupReply> sync;

  void Forget() { *this = Client(); }
};

class GroupCallsRandomTest : public GroupCallsTest, public ::testing::WithParamInterface<uint64_t> {
 protected:
  void Step() {
    Client& client = clients_[random_.Below(clients_.size())];
    switch (random_.Below(20)) {
      case 0:
        raft_.refuse = random_.Chance(1, 2);
        break;
      case 1:
        if (random_.Chance(1, 3)) ChangeLeader(/*keeps_log=*/random_.Chance(1, 2));
        break;
      case 2:
        GiveUp(client);
        break;
      case 3:
        if (random_.Chance(1, 5)) loop_.Advance(seconds(11));
        break;
      case 4:
      case 5:
        ConfirmReads();
        break;
      case 6:
      case 7:
      case 8:
        Commit();
        break;
      case 9:
        ReportAll();
        break;
      default:
        loop_.Advance(milliseconds(static_cast<int64_t>(random_.Below(400))));
        Act(client);
    }
  }

  void ChangeLeader(bool keeps_log) {
    LoseLeadership();
    if (!keeps_log) raft_.log.resize(committed_);
    BecomeLeader(raft_.term.value() + 2);
    CommitAll();
  }

  void GiveUp(Client& client) {
    if (client.join) groups_.OnCallGone(client.join->id);
    if (client.sync) groups_.OnCallGone(client.sync->id);
    client.join.reset();
    client.sync.reset();
  }

  void ReportAll() {
    std::vector<std::string> ids;
    for (const Client& client : clients_) ids.push_back(client.id);
    Report(ids);
  }

  // What the client does next, if it waits for nothing.
  void Act(Client& client) {
    TakeJoin(client);
    TakeSync(client);
    if (client.join || client.sync) return;
    if (client.generation < 0) {
      client.join = Join(client.id);
      return;
    }
    if (!client.synced) {
      client.sync = Sync(client.id, client.generation, client.members);
      return;
    }
    // Its gateway's view: the committed group.
    const metadata::Group* group = machine_.committed().FindGroup("g");
    if (group == nullptr || group->FindMember(client.id) == nullptr) return client.Forget();
    const bool is_current =
        group->generation == client.generation && group->state == GroupState::kStable;
    if (!is_current) client.generation = -1;
    client.synced = is_current;
  }

  void TakeJoin(Client& client) {
    if (!client.join || client.join->count == 0) return;
    const Shared<JoinGroupReply> answer = std::exchange(client.join, nullptr);
    EXPECT_EQ(answer->count, 1);
    if (answer->code() == ErrorCode::kMemberIdRequired) client.id = answer->reply().member_id();
    if (answer->code() == ErrorCode::kUnknownMemberId) client.Forget();
    if (answer->code() != ErrorCode::kNone) return;
    const JoinGroupReply& reply = answer->reply();
    EXPECT_LE(static_cast<size_t>(reply.metadata_offset()), committed_);
    EXPECT_LE(reply.generation_id(), machine_.committed().FindGroup("g")->generation);
    const auto [told, first] = leaders_.try_emplace(reply.generation_id(), reply.leader());
    EXPECT_EQ(told->second, reply.leader()) << "of generation " << reply.generation_id();
    client.generation = reply.generation_id();
    client.synced = false;
    client.members.clear();
    for (const auto& member : reply.members()) client.members.push_back(member.member_id());
  }

  void TakeSync(Client& client) {
    if (!client.sync || client.sync->count == 0) return;
    const Shared<SyncGroupReply> answer = std::exchange(client.sync, nullptr);
    EXPECT_EQ(answer->count, 1);
    const ErrorCode code = answer->code();
    const bool sent_again =
        code == ErrorCode::kNotController || code == ErrorCode::kCoordinatorNotAvailable;
    if (sent_again) return;
    client.synced = code == ErrorCode::kNone;
    if (!client.synced) {
      client.generation = -1;
      return;
    }
    EXPECT_LE(static_cast<size_t>(answer->reply().metadata_offset()), committed_);
    EXPECT_EQ(answer->reply().assignment(), "of " + client.id);
  }

  bool IsSettled() {
    const metadata::Group* group = machine_.committed().FindGroup("g");
    return group != nullptr && group->members.size() == clients_.size() &&
           std::all_of(clients_.begin(), clients_.end(), [&](const Client& client) {
             return client.synced && client.generation == group->generation;
           });
  }

  // No more faults: what clients do leads to one stable group of all.
  void Settle() {
    raft_.refuse = false;
    for (int round = 0; round < 1'000 && !IsSettled(); ++round) {
      for (Client& client : clients_) Act(client);
      CommitAll();
      ReportAll();
      Advance(milliseconds(500));
    }
    EXPECT_TRUE(IsSettled());
    EXPECT_EQ(groups_.call_count(), 0u);
  }

  Prng random_{GetParam()};
  std::vector<Client> clients_ = std::vector<Client>(5);
  std::map<int32_t, std::string> leaders_;
};

TEST_P(GroupCallsRandomTest, G18_EverybodyIsToldTheSameAndItIsCommitted) {
  for (int i = 0; i < 3'000; ++i) Step();
  Settle();
  EXPECT_GT(leaders_.size(), 3u) << "the history was too quiet to show anything";
  const size_t entries = raft_.log.size();
  for (int i = 0; i < 60; ++i) {
    ReportAll();
    Advance(seconds(1));
  }
  EXPECT_EQ(raft_.log.size(), entries) << "G-08";
}

INSTANTIATE_TEST_SUITE_P(Seeds, GroupCallsRandomTest, ::testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace weir::quorum
