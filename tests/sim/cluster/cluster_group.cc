// ClusterGroup: see cluster_group.h.
#include "tests/sim/cluster/cluster_group.h"

#include <algorithm>

#include "common/metadata/group_checks.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

constexpr const char* kGroup = "g";

std::string AssignmentOf(const std::string& member_id, int32_t generation) {
  return member_id + "@" + std::to_string(generation);
}

}  // namespace

void ClusterGroup::Start(int32_t members) {
  members_.resize(static_cast<size_t>(members));
  for (size_t i = 0; i < members_.size(); ++i) ActLater(i);
}

bool ClusterGroup::Settled() {
  const metadata::Group* group = world_.checkers().newest().FindGroup(kGroup);
  return group != nullptr && group->members.size() == members_.size() &&
         std::all_of(members_.begin(), members_.end(), [&](const Member& member) {
           return member.synced && member.generation == group->generation;
         });
}

std::string ClusterGroup::Describe() const {
  std::string text;
  for (const Member& member : members_) {
    text += "\n  member " + member.id + " generation " + std::to_string(member.generation) +
            (member.synced ? " synced" : "") + (member.asked != 0 ? " waits" : "");
  }
  return text;
}

// ---- what members do --------------------------------------------------------------------

void ClusterGroup::ActLater(size_t index) {
  world_.After(world_.prng().Between(5, 100), [this, index] {
    Act(index);
    ActLater(index);
  });
}

void ClusterGroup::Act(size_t index) {
  Member& member = members_[index];
  const int64_t now_ms = world_.now_ms();
  if (now_ms < member.silent_until_ms && !calm_) return;
  if (member.asked != 0 && now_ms < member.waits_until_ms) return;
  member.asked = 0;
  if (!calm_ && world_.prng().Chance(1, 100)) return Leave(index);
  if (!calm_ && world_.prng().Chance(1, 200)) {
    member.silent_until_ms = now_ms + world_.prng().Between(0, 9'000);
    return;
  }
  if (member.generation < 0) return Join(index);
  if (!member.synced) return Sync(index);
  Beat(index);
}

void ClusterGroup::Join(size_t index) {
  group::v1::JoinGroupRequest request;
  request.set_group_id(kGroup);
  request.set_member_id(members_[index].id);
  request.set_client_id("sim");
  request.set_session_timeout_ms(6'000);
  request.set_rebalance_timeout_ms(4'000);
  request.set_protocol_type("consumer");
  request.set_requires_known_member_id(true);
  request.add_protocols()->set_name("range");
  Ask<group::v1::JoinGroupReply>(
      index,
      [request](quorum::GroupCalls& groups, auto done) {
        static_cast<void>(groups.Join(request, std::move(done)));
      },
      [this](Member& member, const auto& reply) { TakeJoin(member, reply); });
}

void ClusterGroup::Sync(size_t index) {
  const Member& member = members_[index];
  group::v1::SyncGroupRequest request;
  request.set_group_id(kGroup);
  request.set_member_id(member.id);
  request.set_generation_id(member.generation);
  for (const std::string& id : member.members) {
    group::v1::MemberAssignment* assignment = request.add_assignments();
    assignment->set_member_id(id);
    assignment->set_assignment(AssignmentOf(id, member.generation));
  }
  Ask<group::v1::SyncGroupReply>(
      index,
      [request](quorum::GroupCalls& groups, auto done) {
        static_cast<void>(groups.Sync(request, std::move(done)));
      },
      [this](Member& waiting, const auto& reply) { TakeSync(waiting, reply); });
}

// As a gateway does: its own image answers, and what would turn the member away is confirmed.
void ClusterGroup::Beat(size_t index) {
  Member& member = members_[index];
  const broker::ImagePtr image = world_.AnyImage();
  if (image == nullptr) return;
  Report(member);
  const ErrorCode verdict =
      metadata::CheckHeartbeat(*image, kGroup, {member.id, ""}, member.generation);
  if (verdict == ErrorCode::kNone) return;
  if (verdict == ErrorCode::kRebalanceInProgress) {
    member.generation = -1;
    member.synced = false;
    return;
  }
  group::v1::HeartbeatRequest request;
  request.set_group_id(kGroup);
  request.set_member_id(member.id);
  request.set_generation_id(member.generation);
  Ask<group::v1::HeartbeatReply>(
      index,
      [request](quorum::GroupCalls& groups, auto done) {
        groups.Heartbeat(request, std::move(done));
      },
      [this](Member& waiting, const auto& reply) { TakeHeartbeat(waiting, reply); });
}

void ClusterGroup::Leave(size_t index) {
  group::v1::LeaveGroupRequest request;
  request.set_group_id(kGroup);
  request.add_members()->set_member_id(members_[index].id);
  members_[index].Forget();
  Ask<group::v1::LeaveGroupReply>(
      index,
      [request](quorum::GroupCalls& groups, auto done) {
        static_cast<void>(groups.Leave(request, std::move(done)));
      },
      [](Member&, const auto&) {});
}

void ClusterGroup::Report(const Member& member) {
  group::v1::LivenessReport report;
  report.add_groups()->set_group_id(kGroup);
  report.mutable_groups(0)->add_members()->set_member_id(member.id);
  const Address from{Address::Kind::kBroker, world_.AnyBrokerId().value()};
  const NodeId target = SomeController();
  world_.network().Datagram(
      from, {Address::Kind::kController, target.value()}, [this, target, report] {
        SimController* controller = world_.FindController(target);
        if (controller == nullptr) return;
        controller->Post(
            [controller, report] { controller->groups().Report(report, [](const auto&) {}); });
      });
}

// ---- what members hear ------------------------------------------------------------------

void ClusterGroup::TakeJoin(Member& member, const group::v1::JoinGroupReply& reply) {
  const ErrorCode error = ErrorCodeFromNumber(reply.error_code());
  if (error == ErrorCode::kMemberIdRequired) member.id = reply.member_id();
  if (error == ErrorCode::kUnknownMemberId) member.Forget();
  if (error != ErrorCode::kNone) return;
  const int32_t generation = reply.generation_id();
  const metadata::MetadataImage& newest = world_.checkers().newest();
  const metadata::Group* group = newest.FindGroup(kGroup);
  const auto offset = static_cast<uint64_t>(reply.metadata_offset());
  if (group == nullptr || group->generation < generation || newest.offset() < LogIndex(offset)) {
    return world_.Fail("G-06 a member is told of generation " + std::to_string(generation) +
                       ", which is not committed");
  }
  if (generation < member.newest_told) {
    return world_.Fail("G-06 a member is told of generation " + std::to_string(generation) +
                       " after " + std::to_string(member.newest_told));
  }
  const auto [told, first] = leaders_.try_emplace(generation, reply.leader());
  if (told->second != reply.leader()) {
    return world_.Fail("G-04 generation " + std::to_string(generation) + " has two leaders");
  }
  if (first) ++world_.probes().group_generations;
  member.newest_told = member.generation = generation;
  member.synced = false;
  member.members.clear();
  for (const auto& joined : reply.members()) member.members.push_back(joined.member_id());
}

void ClusterGroup::TakeSync(Member& member, const group::v1::SyncGroupReply& reply) {
  const ErrorCode error = ErrorCodeFromNumber(reply.error_code());
  if (error == ErrorCode::kCoordinatorNotAvailable) return;
  if (error == ErrorCode::kUnknownMemberId) return member.Forget();
  if (error != ErrorCode::kNone) {
    member.generation = -1;
    return;
  }
  const std::string expected = AssignmentOf(member.id, member.generation);
  if (reply.assignment() != expected) {
    return world_.Fail("G-03 " + expected + " gets the assignment " + reply.assignment());
  }
  member.synced = true;
  ++world_.probes().group_assignments;
}

void ClusterGroup::TakeHeartbeat(Member& member, const group::v1::HeartbeatReply& reply) {
  const ErrorCode error = ErrorCodeFromNumber(reply.error_code());
  if (error == ErrorCode::kNone) return;
  ++world_.probes().group_members_turned_away;
  if (error == ErrorCode::kUnknownMemberId) return member.Forget();
  member.generation = -1;
  member.synced = false;
}

// ---- calls ------------------------------------------------------------------------------

// Gateways mostly know who is active.
NodeId ClusterGroup::SomeController() {
  NodeId chosen(static_cast<int32_t>(world_.prng().Between(1, ClusterWorld::kControllers)));
  if (world_.prng().Chance(1, 5)) return chosen;
  for (int32_t i = 1; i <= ClusterWorld::kControllers; ++i) {
    const SimController* controller = world_.FindController(NodeId(i));
    if (controller != nullptr && controller->active()) chosen = NodeId(i);
  }
  return chosen;
}

template <class Reply, class Serve, class Take>
void ClusterGroup::Ask(size_t index, Serve serve, Take take) {
  Member& member = members_[index];
  const uint64_t asked = member.asked = ++last_asked_;
  member.waits_until_ms = world_.now_ms() + world_.prng().Between(300, 2'500);
  const NodeId gateway = world_.AnyBrokerId();
  const NodeId target = SomeController();
  const Address from{Address::Kind::kBroker, gateway.value()};
  const Address to{Address::Kind::kController, target.value()};
  const auto answer = [=, this](Result<Reply> reply) {
    world_.network().Datagram(to, from, [=, this] {
      Member& waiting = members_[index];
      if (waiting.asked != asked) return;
      if (reply) return Arrived(index, asked, gateway, *reply, take);
      // Sent again, soon, perhaps to another one.
      waiting.waits_until_ms = world_.now_ms() + 50;
    });
  };
  world_.network().Datagram(from, to, [=, this] {
    SimController* controller = world_.FindController(target);
    if (controller == nullptr) return;
    controller->Post([=] { serve(controller->groups(), answer); });
  });
}

template <class Reply, class Take>
void ClusterGroup::Arrived(size_t index, uint64_t asked, NodeId gateway, const Reply& reply,
                           Take take) {
  Member& member = members_[index];
  if (member.asked != asked) return;
  if constexpr (requires { reply.metadata_offset(); }) {
    SimBroker* broker = world_.FindBroker(gateway);
    const broker::ImagePtr image = broker == nullptr ? nullptr : broker->image();
    const LogIndex offset(static_cast<uint64_t>(reply.metadata_offset()));
    if (image == nullptr || image->offset() < offset) {
      return world_.After(5, [=, this] { Arrived(index, asked, gateway, reply, take); });
    }
  }
  member.asked = 0;
  take(member, reply);
}

}  // namespace weir::sim
