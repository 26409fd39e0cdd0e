// Random histories of one group: clients that join, sync, fall silent, restart and leave, while
// the controller changes and batches are rejected. After every event GroupHarness checks its laws;
// here are those of whole generations, and that everything settles once the faults stop.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/metadata/group_checks.h"
#include "tests/unit/controller/state/group_support.h"

namespace weir::state {
namespace {

using H = GroupHarness;
constexpr int kPartitions = 12;
constexpr const char* kGroup = "g";

struct Client {
  std::string instance_id;
  bool old_version = false;
  // Protocol metadata; changes with the subscription.
  int subscription = 0;
  bool alive = true;

  std::string member_id;
  int32_t generation = -1;
  bool leads = false;
  std::vector<std::string> members;
  bool synced = false;
  // 0: none on its way.
  GroupCallId join_call = 0;
  GroupCallId sync_call = 0;

  void Forget() {
    const Client fresh{instance_id, old_version, subscription, alive};
    *this = fresh;
  }
};

class GroupWorld {
 public:
  explicit GroupWorld(uint64_t seed) : random_(seed), h_(ConfigOf(), seed) {
    for (int i = 0; i < 7; ++i) {
      Client client;
      if (i % 3 == 0) client.instance_id = "instance-" + std::to_string(i);
      client.old_version = i % 4 == 1;
      clients_.push_back(client);
    }
  }

  void Step() {
    Client& client = clients_[random_.Below(clients_.size())];
    switch (random_.Below(16)) {
      case 0:
        client.alive = false;
        if (random_.Chance(1, 2)) DropCalls(client);
        break;
      case 1:
        Restart(client);
        break;
      case 2:
        Leave(client);
        break;
      case 3:
        ++client.subscription;
        if (client.alive && client.join_call == 0) Join(client);
        break;
      case 4:
        if (random_.Chance(1, 4)) h_.FailOver();
        break;
      case 5:
        RejectOne(client);
        break;
      case 6:
        DropCalls(client);
        break;
      case 7:
        h_.AdvanceMs(static_cast<int64_t>(random_.Below(7'000)));
        break;
      default:
        h_.AdvanceMs(static_cast<int64_t>(random_.Below(300)));
        Act(client);
        break;
    }
    TakeAnswers();
    CheckAssignments();
  }

  // No more faults: all that live act as clients do, until nobody has anything to do.
  void Settle() {
    for (Client& client : clients_) {
      if (!client.alive) DropCalls(client);
    }
    for (int round = 0; round < 400 && !IsSettled(); ++round) {
      for (Client& client : clients_) {
        if (client.alive) Act(client);
        TakeAnswers();
        CheckAssignments();
      }
      h_.AdvanceMs(500);
      TakeAnswers();
    }
    EXPECT_TRUE(IsSettled()) << (h_.image.FindGroup(kGroup) == nullptr
                                     ? "no group"
                                     : metadata::Dump(kGroup, h_.GroupOf(kGroup)));
  }

  uint64_t stable_generations() const { return checked_.size(); }

 private:
  static GroupConfig ConfigOf() {
    GroupConfig config;
    config.initial_rebalance_delay = std::chrono::milliseconds(500);
    return config;
  }

  JoinGroupRequest JoinOf(const Client& client) {
    JoinGroupRequest request = H::JoinOf(kGroup, client.member_id, client.instance_id);
    request.set_rebalance_timeout_ms(8'000);
    request.set_requires_known_member_id(!client.old_version);
    request.mutable_protocols(0)->set_metadata(std::to_string(client.subscription));
    if (client.subscription % 3 == 0) H::AddProtocol(&request, "sticky", "x");
    return request;
  }

  void Join(Client& client) {
    client.synced = false;
    client.join_call = h_.Join(JoinOf(client));
  }

  void Sync(Client& client) {
    SyncGroupRequest request = H::SyncOf(kGroup, client.member_id, client.generation);
    request.set_instance_id(client.instance_id);
    for (size_t i = 0; client.leads && i < client.members.size(); ++i) {
      std::string partitions;
      for (size_t p = i; p < kPartitions; p += client.members.size()) {
        partitions += std::to_string(p) + ",";
      }
      request.add_assignments()->set_member_id(client.members[i]);
      request.mutable_assignments(static_cast<int>(i))->set_assignment(partitions);
    }
    client.sync_call = h_.Sync(request);
  }

  // What a live client does next.
  void Act(Client& client) {
    if (!client.alive || client.join_call != 0 || client.sync_call != 0) return;
    if (client.generation < 0) return Join(client);
    if (!client.synced) return Sync(client);
    Heartbeat(client);
  }

  void Heartbeat(Client& client) {
    const ErrorCode verdict = metadata::CheckHeartbeat(
        h_.image, kGroup, {client.member_id, client.instance_id}, client.generation);
    if (verdict == ErrorCode::kNone) {
      EXPECT_EQ(client.generation, h_.GenerationOf(kGroup)) << "G-17: an older generation";
      h_.Report(kGroup, client.member_id);
      return;
    }
    EXPECT_EQ(h_.Beat(kGroup, client.member_id, client.generation, client.instance_id), verdict);
    if (verdict != ErrorCode::kRebalanceInProgress) client.Forget();
    Join(client);
  }

  void DropCalls(Client& client) {
    for (GroupCallId* call : {&client.join_call, &client.sync_call}) {
      if (*call == 0) continue;
      if (!h_.IsAnswered(*call)) h_.Gone(*call);
      *call = 0;
    }
    // What was answered meanwhile never arrived.
  }

  // The process dies and another one takes its place: a static member's at once.
  void Restart(Client& client) {
    // Otherwise its calls wait on, for nobody.
    if (random_.Chance(1, 2)) DropCalls(client);
    client.alive = true;
    client.Forget();
    Join(client);
  }

  void Leave(Client& client) {
    if (client.member_id.empty()) return;
    DropCalls(client);
    h_.Leave(kGroup, client.member_id, client.instance_id);
    client.Forget();
    client.alive = random_.Chance(2, 3);
  }

  void RejectOne(Client& client) {
    if (!client.alive || client.join_call != 0 || client.sync_call != 0) return;
    const GroupCallId call = h_.NewCall();
    GroupOutcome outcome = h_.coordinator.Join(h_.context(), call, JoinOf(client));
    if (outcome.records.empty()) {
      h_.Take(std::move(outcome));
    } else {
      for (GroupAnswer& answer : h_.coordinator.Rejected(h_.context(), std::move(outcome))) {
        h_.TakeAnswer(std::move(answer));
      }
      h_.CheckLaws();
    }
    client.join_call = call;
    client.synced = false;
  }

  void TakeAnswers() {
    for (Client& client : clients_) {
      if (client.join_call != 0 && h_.IsAnswered(client.join_call)) TakeJoin(client);
      if (client.sync_call != 0 && h_.IsAnswered(client.sync_call)) TakeSync(client);
    }
  }

  void TakeJoin(Client& client) {
    const JoinGroupReply reply = h_.Joined(client.join_call);
    client.join_call = 0;
    client.generation = -1;
    if (reply.error_code() == 0) {
      NoteFormed(reply);
      client.member_id = reply.member_id();
      client.generation = reply.generation_id();
      client.leads = reply.leader() == reply.member_id() && !reply.skip_assignment();
      client.members.clear();
      for (const auto& member : reply.members()) client.members.push_back(member.member_id());
      return;
    }
    const ErrorCode error = CodeOfReply(reply);
    if (error == ErrorCode::kMemberIdRequired) client.member_id = reply.member_id();
    if (error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId) {
      client.Forget();
    }
    EXPECT_NE(error, ErrorCode::kUnknownServerError);
  }

  void TakeSync(Client& client) {
    const ErrorCode error = h_.SyncCode(client.sync_call);
    client.sync_call = 0;
    if (error == ErrorCode::kNone) {
      client.synced = true;
      return;
    }
    if (error == ErrorCode::kCoordinatorNotAvailable) return;
    if (error != ErrorCode::kRebalanceInProgress && error != ErrorCode::kIllegalGeneration) {
      client.Forget();
    }
    client.generation = -1;
  }

  // Law 2: one number, one protocol.
  void NoteFormed(const JoinGroupReply& reply) {
    const auto [found, is_new] =
        protocols_.try_emplace(reply.generation_id(), reply.protocol_name());
    EXPECT_EQ(found->second, reply.protocol_name()) << "generation " << reply.generation_id();
  }

  // G-01, G-02: in a stable generation every partition is assigned to exactly one member.
  void CheckAssignments() {
    const Group* group = h_.image.FindGroup(kGroup);
    if (group == nullptr || group->state != GroupState::kStable) return;
    std::string all;
    for (const auto& [id, member] : group->members) {
      if (member.assignment != nullptr) all += *member.assignment;
    }
    for (int p = 0; p < kPartitions; ++p) {
      const std::string name = std::to_string(p) + ",";
      int owners = 0;
      for (size_t at = 0; (at = all.find(name, at)) != std::string::npos; ++at) {
        if (at == 0 || all[at - 1] == ',') ++owners;
      }
      EXPECT_EQ(owners, 1) << "partition " << p << "\n" << metadata::Dump(kGroup, *group);
    }
    checked_.insert(group->generation);
  }

  bool IsSettled() const {
    const Group* group = h_.image.FindGroup(kGroup);
    size_t live = 0;
    for (const Client& client : clients_) {
      if (!client.alive) continue;
      ++live;
      if (!client.synced || group == nullptr || client.generation != group->generation) {
        return false;
      }
      if (group->FindMember(client.member_id) == nullptr) return false;
    }
    if (group == nullptr) return live == 0;
    return group->members.size() == live &&
           group->state == (live == 0 ? GroupState::kEmpty : GroupState::kStable);
  }

  Prng random_;
  GroupHarness h_;
  std::vector<Client> clients_;
  std::map<int32_t, std::string> protocols_;
  std::set<int32_t> checked_;
};

TEST(GroupModel, G01_G02_G06_G07_G17_RandomHistoriesKeepTheLawsAndSettle) {
  uint64_t generations = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    GroupWorld world(seed);
    for (int step = 0; step < 400; ++step) {
      world.Step();
      ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << " step " << step;
    }
    world.Settle();
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << " at the end";
    generations += world.stable_generations();
  }
  EXPECT_GT(generations, 1000u) << "the histories reach stable groups";
}

}  // namespace
}  // namespace weir::state
