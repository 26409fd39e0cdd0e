#include "controller/service/quorum_calls.h"

#include <algorithm>
#include <utility>

namespace weir::service {
namespace {

constexpr Duration kTransferPoll = std::chrono::milliseconds(5);
constexpr Duration kTransferWait = std::chrono::seconds(2);

admin::v1::TransferLeadershipReply LedBy(NodeId leader, Term term) {
  admin::v1::TransferLeadershipReply reply;
  reply.set_leader_id(leader.value());
  reply.set_term(static_cast<int64_t>(term.value()));
  return reply;
}

// Looks every few milliseconds whether another controller leads: the answer is made elsewhere.
void AwaitOtherLeader(quorum::ControllerNode& node, Term term, MonoTime until,
                      std::function<void(Result<admin::v1::TransferLeadershipReply>)> done) {
  const raft::Raft& raft = node.node().raft();
  const bool other = raft.leader() && !raft.is_leader() && raft.term() > term;
  if (other) return done(LedBy(node.LeaderId(), raft.term()));
  const MonoTime now = node.loop().Now();
  if (now >= until || node.stopping()) {
    return done(Fail(ErrorCode::kRequestTimedOut, "leadership was not taken over in time"));
  }
  node.loop().PostAt(now + kTransferPoll, [&node, term, until, done = std::move(done)]() mutable {
    AwaitOtherLeader(node, term, until, std::move(done));
  });
}

template <class Reply>
Reply WithMembers(quorum::ControllerNode& node) {
  Reply reply;
  for (auto& member : node.DescribeMembers()) *reply.add_members() = std::move(member);
  return reply;
}

// Answers with the members as they are after the change, or as they are if nothing was to change.
template <class Reply>
void StartOrCheck(quorum::ControllerNode& node, bool validate_only, quorum::VoterChange change,
                  std::function<void(Result<Reply>)> done) {
  auto answer = [&node, done = std::move(done)](Status status) {
    if (!status) return done(tl::unexpected<Error>(status.error()));
    done(WithMembers<Reply>(node));
  };
  if (validate_only) return answer(node.membership().Check(change));
  change.done = std::move(answer);
  node.membership().Start(std::move(change));
}

}  // namespace

admin::v1::DescribeQuorumReply DescribeQuorumAt(quorum::ControllerNode& node) {
  auto reply = WithMembers<admin::v1::DescribeQuorumReply>(node);
  reply.set_leader_id(node.LeaderId().value());
  if (!node.running()) return reply;
  const raft::Raft& raft = node.node().raft();
  reply.set_term(static_cast<int64_t>(raft.term().value()));
  reply.set_commit_index(static_cast<int64_t>(raft.commit_index().value()));
  reply.set_snapshot_index(static_cast<int64_t>(node.node().snapshot_index().value()));
  return reply;
}

void ServeAddVoter(quorum::ControllerNode& node, const admin::v1::AddVoterRequest& request,
                   MonoTime deadline, std::function<void(Result<admin::v1::AddVoterReply>)> done) {
  const Result<Uuid> directory_id = Uuid::Parse(request.directory_id());
  if (!directory_id) {
    return done(Fail(ErrorCode::kInvalidRequest,
                     "directory_id must be the 22 characters that the new controller prints"));
  }
  if (request.address().find(':') == std::string::npos) {
    return done(Fail(ErrorCode::kInvalidRequest, "address must be host:port"));
  }
  quorum::VoterChange change;
  change.add =
      raft::Member{NodeId(request.controller_id()), *directory_id, request.address(), true};
  if (request.has_replaces_controller_id()) {
    change.remove = raft::VoterKey{NodeId(request.replaces_controller_id()), {}};
  }
  change.deadline = deadline;
  StartOrCheck<admin::v1::AddVoterReply>(node, request.validate_only(), std::move(change),
                                         std::move(done));
}

void ServeRemoveVoter(quorum::ControllerNode& node, const admin::v1::RemoveVoterRequest& request,
                      MonoTime deadline,
                      std::function<void(Result<admin::v1::RemoveVoterReply>)> done) {
  raft::VoterKey key{NodeId(request.controller_id()), {}};
  if (!request.directory_id().empty()) {
    const Result<Uuid> directory_id = Uuid::Parse(request.directory_id());
    if (!directory_id) return done(tl::unexpected<Error>(directory_id.error()));
    key.directory_id = *directory_id;
  }
  if (node.node().raft().configuration().Find(key.id) == nullptr) {
    return done(Fail(ErrorCode::kVoterNotFound,
                     "controller " + ToString(key.id) + " is not a member of the quorum"));
  }
  quorum::VoterChange change;
  change.remove = key;
  change.deadline = deadline;
  StartOrCheck<admin::v1::RemoveVoterReply>(node, request.validate_only(), std::move(change),
                                            std::move(done));
}

void ServeTransferLeadership(quorum::ControllerNode& node,
                             const admin::v1::TransferLeadershipRequest& request, MonoTime deadline,
                             std::function<void(Result<admin::v1::TransferLeadershipReply>)> done) {
  const raft::Raft& raft = node.node().raft();
  const NodeId wanted(request.controller_id());
  // 0 is what a client sends that left the field out.
  const bool named =
      wanted.value() > 0 || (wanted.value() == 0 && raft.configuration().Find(wanted) != nullptr);
  std::optional<NodeId> target;
  if (named) target = wanted;
  const Term term = raft.term();
  if (target == node.id()) return done(LedBy(node.id(), term));
  if (request.validate_only()) {
    const Result<raft::VoterKey> heir = raft.CheckTransfer(target);
    if (!heir) return done(tl::unexpected<Error>(heir.error()));
    return done(LedBy(heir->id, term));
  }
  const Status begun = node.node().TransferLeadership(target);
  if (!begun) return done(tl::unexpected<Error>(begun.error()));
  AwaitOtherLeader(node, term, std::min(deadline, node.loop().Now() + kTransferWait),
                   std::move(done));
}

}  // namespace weir::service
