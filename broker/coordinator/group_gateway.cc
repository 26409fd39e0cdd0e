#include "broker/coordinator/group_gateway.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/metadata/group_checks.h"

namespace weir::coordinator {
namespace {

using group::v1::ConsumerGroupHeartbeatReply;
using group::v1::ConsumerGroupHeartbeatRequest;
using group::v1::DeleteGroupsReply;
using group::v1::DeleteGroupsRequest;
using group::v1::DescribeConsumerGroupsReply;
using group::v1::DescribeConsumerGroupsRequest;
using group::v1::DescribeGroupsReply;
using group::v1::DescribeGroupsRequest;
using group::v1::HeartbeatReply;
using group::v1::HeartbeatRequest;
using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using group::v1::LeaveGroupReply;
using group::v1::LeaveGroupRequest;
using group::v1::SyncGroupReply;
using group::v1::SyncGroupRequest;

// Signs of life are gathered this long on their shard.
constexpr Duration kGatherTime = std::chrono::milliseconds(250);
// A join's answer may come this long after the rebalance timeout.
constexpr Duration kJoinSlack = std::chrono::seconds(10);
// What a message holds besides what is counted below.
constexpr size_t kMessageOverheadBytes = 64 * 1024;

constexpr auto kUnavailable = static_cast<int32_t>(ErrorCode::kCoordinatorNotAvailable);

template <class Reply>
bool SaysUnavailable(const Reply& reply) {
  return reply.error_code() == kUnavailable;
}

template <class Request, class Reply>
Reply FailureOfWhole(const Request&, ErrorCode error) {
  Reply reply;
  reply.set_error_code(static_cast<int32_t>(error));
  return reply;
}

template <class Reply>
int64_t NoOffset(const Reply&) {
  return 0;
}

template <class Reply>
int64_t OffsetOf(const Reply& reply) {
  return std::max<int64_t>(0, reply.metadata_offset());
}

JoinGroupReply JoinFailure(const JoinGroupRequest& request, ErrorCode error) {
  JoinGroupReply reply;
  reply.set_error_code(static_cast<int32_t>(error));
  reply.set_generation_id(-1);
  reply.set_member_id(request.member_id());
  return reply;
}

template <class Request>
std::string GroupOf(const Request& request) {
  return request.group_id();
}

template <class Request>
std::string FirstGroupOf(const Request& request) {
  return request.group_ids().empty() ? std::string() : request.group_ids(0);
}

template <class Request, class Reply>
Reply FailureOfEach(const Request& request, ErrorCode error) {
  Reply reply;
  for (const std::string& group_id : request.group_ids()) {
    auto* group = reply.add_groups();
    group->set_group_id(group_id);
    group->set_error_code(static_cast<int32_t>(error));
  }
  return reply;
}

template <class Reply>
bool SaysUnavailableOfAny(const Reply& reply) {
  return std::any_of(reply.groups().begin(), reply.groups().end(),
                     [](const auto& group) { return group.error_code() == kUnavailable; });
}

const GatewayCallKind<JoinGroupRequest, JoinGroupReply> kJoin{
    &broker::GroupPort::JoinGroup, SaysUnavailable, JoinFailure, OffsetOf, GroupOf};
const GatewayCallKind<SyncGroupRequest, SyncGroupReply> kSync{
    &broker::GroupPort::SyncGroup, SaysUnavailable, FailureOfWhole, OffsetOf, GroupOf};
const GatewayCallKind<HeartbeatRequest, HeartbeatReply> kHeartbeat{
    &broker::GroupPort::Heartbeat, SaysUnavailable, FailureOfWhole, NoOffset, GroupOf};
const GatewayCallKind<LeaveGroupRequest, LeaveGroupReply> kLeave{
    &broker::GroupPort::LeaveGroup, SaysUnavailable, FailureOfWhole, NoOffset, GroupOf};
const GatewayCallKind<DeleteGroupsRequest, DeleteGroupsReply> kDelete{
    &broker::GroupPort::DeleteGroups, SaysUnavailableOfAny, FailureOfEach, OffsetOf, FirstGroupOf};
const GatewayCallKind<DescribeGroupsRequest, DescribeGroupsReply> kDescribe{
    &broker::GroupPort::DescribeGroups, SaysUnavailableOfAny, FailureOfEach, NoOffset,
    FirstGroupOf};

const GatewayCallKind<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatReply>
    kConsumerHeartbeat{&broker::GroupPort::ConsumerGroupHeartbeat, SaysUnavailable, FailureOfWhole,
                       OffsetOf, GroupOf};
const GatewayCallKind<DescribeConsumerGroupsRequest, DescribeConsumerGroupsReply>
    kDescribeConsumers{&broker::GroupPort::DescribeConsumerGroups, SaysUnavailableOfAny,
                       FailureOfEach, NoOffset, FirstGroupOf};

// Who has left, and which group was deleted, by an attempt whose reply was lost is unknown to the
// controller when it is asked again (proto/group.proto, law 1): what the image knew when the call
// came is done. By places in the request.
std::vector<bool> KnownMembers(const metadata::MetadataImage& image,
                               const LeaveGroupRequest& request) {
  std::vector<bool> known;
  const metadata::Group* group = image.FindGroup(request.group_id());
  for (const group::v1::LeavingMember& member : request.members()) {
    if (group == nullptr) {
      known.push_back(false);
    } else if (member.member_id().empty()) {
      known.push_back(group->FindStaticMember(member.instance_id()) != nullptr);
    } else {
      const metadata::MemberIdentity who{member.member_id(), member.instance_id()};
      known.push_back(metadata::CheckMember(*group, who) == ErrorCode::kNone);
    }
  }
  return known;
}

std::vector<bool> KnownGroups(const metadata::MetadataImage& image,
                              const DeleteGroupsRequest& request) {
  std::vector<bool> known;
  for (const std::string& group_id : request.group_ids()) {
    known.push_back(image.FindGroup(group_id) != nullptr);
  }
  return known;
}

// What was known is gone now, as was asked.
template <class Outcomes>
void CountAsDone(const std::vector<bool>& known, ErrorCode unknown, Outcomes* outcomes) {
  for (int i = 0; i < outcomes->size() && static_cast<size_t>(i) < known.size(); ++i) {
    auto* outcome = outcomes->Mutable(i);
    if (known[static_cast<size_t>(i)] && outcome->error_code() == static_cast<int32_t>(unknown)) {
      outcome->set_error_code(static_cast<int32_t>(ErrorCode::kNone));
    }
  }
}

template <class Request>
Request EachOnce(const Request& request) {
  Request each;
  std::set<std::string_view> named;
  for (const std::string& group_id : request.group_ids()) {
    if (named.insert(group_id).second) each.add_group_ids(group_id);
  }
  return each;
}

// Null fields mean "as before" (proto/group.proto, law 4).
bool SaysNothingNew(const ConsumerGroupHeartbeatRequest& request) {
  return request.member_epoch() > 0 && !request.has_rack_id() &&
         request.rebalance_timeout_ms() == -1 && !request.has_subscribed_topic_names() &&
         !request.has_subscribed_topic_regex() && !request.has_server_assignor() &&
         !request.has_topic_partitions();
}

ConsumerGroupHeartbeatReply NothingNew(const ConsumerGroupHeartbeatRequest& request,
                                       int32_t interval_ms) {
  ConsumerGroupHeartbeatReply reply;
  reply.set_member_id(request.member_id());
  reply.set_member_epoch(request.member_epoch());
  reply.set_heartbeat_interval_ms(interval_ms);
  return reply;
}

}  // namespace

template <class Request, class Reply>
rpc::CallHandle GroupGateway::StartCall(const GatewayCallKind<Request, Reply>& kind,
                                        Request request, Duration patience, Done<Reply> done) {
  if (request.ByteSizeLong() > limits::kRpcMessageBytesMax - kMessageOverheadBytes) {
    done(kind.failure(request, ErrorCode::kUnknownServerError));
    return {};
  }
  auto call = std::make_shared<GatewayCall<Request, Reply>>(
      place_, kind, std::move(request), place_.executor.Now() + patience, std::move(done));
  call->Start();
  return rpc::CallHandle([weak = std::weak_ptr(call)] {
    if (const auto running = weak.lock()) running->Cancel();
  });
}

rpc::CallHandle GroupGateway::Join(JoinGroupRequest request, Done<JoinGroupReply> done) {
  const auto timeout = std::chrono::milliseconds(
      std::max(request.session_timeout_ms(), request.rebalance_timeout_ms()));
  const Duration patience = std::max<Duration>(kJoinPatienceMin, timeout) + kJoinSlack;
  return StartCall(kJoin, std::move(request), patience, std::move(done));
}

rpc::CallHandle GroupGateway::Sync(SyncGroupRequest request, Done<SyncGroupReply> done) {
  return StartCall(kSync, std::move(request), kSyncPatience, std::move(done));
}

void GroupGateway::Leave(LeaveGroupRequest request, Done<LeaveGroupReply> done) {
  std::vector<bool> known = KnownMembers(*place_.images.At(place_.shard), request);
  StartCall<LeaveGroupRequest, LeaveGroupReply>(
      kLeave, std::move(request), kLeavePatience,
      [known = std::move(known), done = std::move(done)](LeaveGroupReply reply) mutable {
        CountAsDone(known, ErrorCode::kUnknownMemberId, reply.mutable_members());
        done(std::move(reply));
      });
}

void GroupGateway::Delete(DeleteGroupsRequest request, Done<DeleteGroupsReply> done) {
  std::vector<bool> known = KnownGroups(*place_.images.At(place_.shard), request);
  StartCall<DeleteGroupsRequest, DeleteGroupsReply>(
      kDelete, std::move(request), kGroupAdminPatience,
      [known = std::move(known), done = std::move(done)](DeleteGroupsReply reply) mutable {
        CountAsDone(known, ErrorCode::kGroupIdNotFound, reply.mutable_groups());
        done(std::move(reply));
      });
}

template <class Request, class Reply>
void GroupGateway::DescribeRest(const GatewayCallKind<Request, Reply>& kind, Request rest,
                                Reply described, MonoTime deadline, Done<Reply> done) {
  Request asked = rest;
  StartCall<Request, Reply>(
      kind, std::move(asked), deadline - place_.executor.Now(),
      [this, &kind, rest = std::move(rest), described = std::move(described), deadline,
       done = std::move(done)](Reply reply) mutable {
        const int answered = std::min(reply.groups_size(), rest.group_ids_size());
        for (int i = 0; i < answered; ++i) {
          *described.add_groups() = std::move(*reply.mutable_groups(i));
        }
        rest.mutable_group_ids()->DeleteSubrange(0, answered);
        if (rest.group_ids().empty()) return done(std::move(described));
        if (answered == 0) {
          described.MergeFrom(kind.failure(rest, ErrorCode::kUnknownServerError));
          return done(std::move(described));
        }
        DescribeRest(kind, std::move(rest), std::move(described), deadline, std::move(done));
      });
}

void GroupGateway::Describe(const DescribeGroupsRequest& request, Done<DescribeGroupsReply> done) {
  DescribeRest(kDescribe, EachOnce(request), DescribeGroupsReply(),
               place_.executor.Now() + kGroupAdminPatience, std::move(done));
}

void GroupGateway::DescribeConsumers(const DescribeConsumerGroupsRequest& request,
                                     Done<DescribeConsumerGroupsReply> done) {
  DescribeRest(kDescribeConsumers, EachOnce(request), DescribeConsumerGroupsReply(),
               place_.executor.Now() + kGroupAdminPatience, std::move(done));
}

void GroupGateway::Heartbeat(HeartbeatRequest request, Done<ErrorCode> done) {
  const ErrorCode verdict = metadata::CheckHeartbeat(
      *place_.images.At(place_.shard), request.group_id(),
      {request.member_id(), request.instance_id()}, request.generation_id());
  if (verdict == ErrorCode::kInvalidGroupId) return done(verdict);
  if (!metadata::IsAnswerOfGateway(verdict)) return Confirm(std::move(request), std::move(done));
  const std::string group_id = request.group_id();
  IfStanding(group_id, [this, request = std::move(request), verdict,
                        done = std::move(done)](bool standing) mutable {
    if (!standing) return done(ErrorCode::kNotCoordinator);
    Heard(request.group_id(), request.member_id());
    done(verdict);
  });
}

rpc::CallHandle GroupGateway::ConsumerHeartbeat(ConsumerGroupHeartbeatRequest request,
                                                int32_t interval_ms,
                                                Done<ConsumerGroupHeartbeatReply> done) {
  const bool is_at_rest = SaysNothingNew(request) &&
                          metadata::IsConsumerMemberAtRest(
                              *place_.images.At(place_.shard), request.group_id(),
                              {request.member_id(), request.instance_id()}, request.member_epoch());
  if (!is_at_rest) {
    return StartCall(kConsumerHeartbeat, std::move(request), kConsumerHeartbeatPatience,
                     std::move(done));
  }
  // Whoever is asked about the standing may answer after the client has gone.
  auto waiting = std::make_shared<Done<ConsumerGroupHeartbeatReply>>(std::move(done));
  const std::string group_id = request.group_id();
  IfStanding(group_id, [this, request = std::move(request), interval_ms, waiting](bool standing) {
    if (*waiting == nullptr) return;
    Done<ConsumerGroupHeartbeatReply> answer = std::exchange(*waiting, nullptr);
    if (!standing) {
      return answer(FailureOfWhole<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatReply>(
          request, ErrorCode::kNotCoordinator));
    }
    Heard(request.group_id(), request.member_id());
    answer(NothingNew(request, interval_ms));
  });
  return rpc::CallHandle([waiting] { *waiting = nullptr; });
}

void GroupGateway::IfStanding(const std::string& group_id, Done<bool> done) {
  if (place_.executor.Now() < place_.standing.InTouchUntil()) return done(true);
  place_.standing.AskWhetherLeads(place_.shard, group_id, std::move(done));
}

void GroupGateway::Confirm(HeartbeatRequest request, Done<ErrorCode> done) {
  StartCall<HeartbeatRequest, HeartbeatReply>(
      kHeartbeat, std::move(request), kHeartbeatPatience,
      [done = std::move(done)](HeartbeatReply reply) mutable {
        done(ErrorCodeFromNumber(reply.error_code()));
      });
}

bool GroupGateway::Knows(std::string_view group_id, std::string_view member_id) const {
  const auto image = place_.images.At(place_.shard);
  const metadata::Group* group = image->FindGroup(group_id);
  return group != nullptr && group->members.Find(member_id) != nullptr;
}

void GroupGateway::Heard(std::string_view group_id, std::string_view member_id) {
  if (!Knows(group_id, member_id)) return;
  const MonoTime now = place_.executor.Now();
  if (heard_.empty()) place_.executor.PostAt(now + kGatherTime, [this] { Report(); });
  heard_.Add(group_id, member_id, now);
}

void GroupGateway::ConnectionLost(std::string_view group_id, std::string_view member_id) {
  if (!Knows(group_id, member_id)) return;
  heard_.AddLost(group_id, member_id, place_.executor.Now());
  Report();
}

void GroupGateway::Report() {
  if (!heard_.empty()) report_(std::exchange(heard_, {}));
}

}  // namespace weir::coordinator
