#include "controller/service/admin_service.h"

#include "controller/service/quorum_calls.h"
#include "controller/state/configs.h"
#include "controller/state/describe.h"
#include "controller/state/drain.h"
#include "controller/state/elect_leaders.h"
#include "controller/state/reassignment.h"
#include "controller/state/topics.h"

namespace weir::service {
namespace {

state::SoftInfo SoftInfoOf(quorum::ControllerNode& node) {
  state::SoftInfo soft;
  soft.controller_id = node.LeaderId();
  soft.controllers = node.DescribeMembers();
  soft.applied_offsets = node.sessions().AppliedOffsets();
  return soft;
}

}  // namespace

template <class Request, class Reply>
typename AdminCall<Request, Reply>::Parts AdminService::ReadCall(
    const rpc::Method<Request, Reply>& method,
    std::function<Result<Reply>(const Request&)> describe) {
  auto serve = [this, describe](const Request& request, const CallInfo& info,
                                typename AdminCall<Request, Reply>::Done done) {
    node_.controller().Read(info.deadline, [describe, &request, done](Status current) {
      if (!current) return done(tl::unexpected<Error>(current.error()));
      done(describe(request));
    });
  };
  return {node_, method, std::move(serve), {}};
}

template <class Request, class Reply>
typename AdminCall<Request, Reply>::Parts AdminService::WriteCall(
    const rpc::Method<Request, Reply>& method,
    Result<state::Decision<Reply>> (*decide)(const state::DecisionContext&, const Request&)) {
  auto serve = [this, decide](const Request& request, const CallInfo& info,
                              typename AdminCall<Request, Reply>::Done done) {
    quorum::Change<Reply> change;
    change.cause = info.cause;
    change.deadline = info.deadline;
    change.wait_for_brokers = !request.validate_only();
    change.decide = [decide, &request](const state::DecisionContext& context) {
      return decide(context, request);
    };
    change.done = [done](Result<Reply> reply, LogIndex) { done(std::move(reply)); };
    node_.controller().Submit(std::move(change));
  };
  return {node_, method, std::move(serve), {}};
}

grpc::ServerUnaryReactor* AdminService::CreateTopics(grpc::CallbackServerContext* context,
                                                     const admin::v1::CreateTopicsRequest* request,
                                                     admin::v1::CreateTopicsReply* reply) {
  return AdminCall<admin::v1::CreateTopicsRequest, admin::v1::CreateTopicsReply>::Begin(
      context, request, reply, WriteCall(rpc::kCreateTopics, &state::CreateTopics));
}

grpc::ServerUnaryReactor* AdminService::DeleteTopics(grpc::CallbackServerContext* context,
                                                     const admin::v1::DeleteTopicsRequest* request,
                                                     admin::v1::DeleteTopicsReply* reply) {
  return AdminCall<admin::v1::DeleteTopicsRequest, admin::v1::DeleteTopicsReply>::Begin(
      context, request, reply, WriteCall(rpc::kDeleteTopics, &state::DeleteTopics));
}

grpc::ServerUnaryReactor* AdminService::CreatePartitions(
    grpc::CallbackServerContext* context, const admin::v1::CreatePartitionsRequest* request,
    admin::v1::CreatePartitionsReply* reply) {
  return AdminCall<admin::v1::CreatePartitionsRequest, admin::v1::CreatePartitionsReply>::Begin(
      context, request, reply, WriteCall(rpc::kCreatePartitions, &state::CreatePartitions));
}

grpc::ServerUnaryReactor* AdminService::AlterConfigs(grpc::CallbackServerContext* context,
                                                     const admin::v1::AlterConfigsRequest* request,
                                                     admin::v1::AlterConfigsReply* reply) {
  return AdminCall<admin::v1::AlterConfigsRequest, admin::v1::AlterConfigsReply>::Begin(
      context, request, reply, WriteCall(rpc::kAlterConfigs, &state::AlterConfigs));
}

grpc::ServerUnaryReactor* AdminService::ElectLeaders(grpc::CallbackServerContext* context,
                                                     const admin::v1::ElectLeadersRequest* request,
                                                     admin::v1::ElectLeadersReply* reply) {
  return AdminCall<admin::v1::ElectLeadersRequest, admin::v1::ElectLeadersReply>::Begin(
      context, request, reply, WriteCall(rpc::kElectLeaders, &state::ElectLeaders));
}

grpc::ServerUnaryReactor* AdminService::DescribeTopics(
    grpc::CallbackServerContext* context, const admin::v1::DescribeTopicsRequest* request,
    admin::v1::DescribeTopicsReply* reply) {
  auto parts = ReadCall<admin::v1::DescribeTopicsRequest, admin::v1::DescribeTopicsReply>(
      rpc::kDescribeTopics,
      [this](const auto& r) { return state::DescribeTopics(node_.committed(), r); });
  return AdminCall<admin::v1::DescribeTopicsRequest, admin::v1::DescribeTopicsReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::ListTopics(grpc::CallbackServerContext* context,
                                                   const admin::v1::ListTopicsRequest* request,
                                                   admin::v1::ListTopicsReply* reply) {
  auto parts = ReadCall<admin::v1::ListTopicsRequest, admin::v1::ListTopicsReply>(
      rpc::kListTopics, [this](const auto& r) { return state::ListTopics(node_.committed(), r); });
  return AdminCall<admin::v1::ListTopicsRequest, admin::v1::ListTopicsReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::DescribeConfigs(
    grpc::CallbackServerContext* context, const admin::v1::DescribeConfigsRequest* request,
    admin::v1::DescribeConfigsReply* reply) {
  auto parts = ReadCall<admin::v1::DescribeConfigsRequest, admin::v1::DescribeConfigsReply>(
      rpc::kDescribeConfigs,
      [this](const auto& r) { return state::DescribeConfigs(node_.committed(), defaults_, r); });
  return AdminCall<admin::v1::DescribeConfigsRequest, admin::v1::DescribeConfigsReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::DescribeCluster(
    grpc::CallbackServerContext* context, const admin::v1::DescribeClusterRequest* request,
    admin::v1::DescribeClusterReply* reply) {
  auto parts = ReadCall<admin::v1::DescribeClusterRequest, admin::v1::DescribeClusterReply>(
      rpc::kDescribeCluster,
      [this](const auto&) { return state::DescribeCluster(node_.committed(), SoftInfoOf(node_)); });
  return AdminCall<admin::v1::DescribeClusterRequest, admin::v1::DescribeClusterReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::DescribeBrokers(
    grpc::CallbackServerContext* context, const admin::v1::DescribeBrokersRequest* request,
    admin::v1::DescribeBrokersReply* reply) {
  auto parts = ReadCall<admin::v1::DescribeBrokersRequest, admin::v1::DescribeBrokersReply>(
      rpc::kDescribeBrokers, [this](const auto& r) {
        return state::DescribeBrokers(node_.committed(), SoftInfoOf(node_), r);
      });
  return AdminCall<admin::v1::DescribeBrokersRequest, admin::v1::DescribeBrokersReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::DescribeQuorum(
    grpc::CallbackServerContext* context, const admin::v1::DescribeQuorumRequest* request,
    admin::v1::DescribeQuorumReply* reply) {
  AdminCall<admin::v1::DescribeQuorumRequest, admin::v1::DescribeQuorumReply>::Parts parts{
      node_, rpc::kDescribeQuorum,
      [this](const auto&, const CallInfo&, auto done) { done(DescribeQuorumAt(node_)); },
      [this] { return DescribeQuorumAt(node_); }};
  return AdminCall<admin::v1::DescribeQuorumRequest, admin::v1::DescribeQuorumReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::AddVoter(grpc::CallbackServerContext* context,
                                                 const admin::v1::AddVoterRequest* request,
                                                 admin::v1::AddVoterReply* reply) {
  AdminCall<admin::v1::AddVoterRequest, admin::v1::AddVoterReply>::Parts parts{
      node_,
      rpc::kAddVoter,
      [this](const auto& r, const CallInfo& info, auto done) {
        ServeAddVoter(node_, r, info.deadline, std::move(done));
      },
      {}};
  return AdminCall<admin::v1::AddVoterRequest, admin::v1::AddVoterReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::RemoveVoter(grpc::CallbackServerContext* context,
                                                    const admin::v1::RemoveVoterRequest* request,
                                                    admin::v1::RemoveVoterReply* reply) {
  AdminCall<admin::v1::RemoveVoterRequest, admin::v1::RemoveVoterReply>::Parts parts{
      node_,
      rpc::kRemoveVoter,
      [this](const auto& r, const CallInfo& info, auto done) {
        ServeRemoveVoter(node_, r, info.deadline, std::move(done));
      },
      {}};
  return AdminCall<admin::v1::RemoveVoterRequest, admin::v1::RemoveVoterReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::TransferLeadership(
    grpc::CallbackServerContext* context, const admin::v1::TransferLeadershipRequest* request,
    admin::v1::TransferLeadershipReply* reply) {
  AdminCall<admin::v1::TransferLeadershipRequest, admin::v1::TransferLeadershipReply>::Parts parts{
      node_,
      rpc::kTransferLeadership,
      [this](const auto& r, const CallInfo& info, auto done) {
        ServeTransferLeadership(node_, r, info.deadline, std::move(done));
      },
      {}};
  return AdminCall<admin::v1::TransferLeadershipRequest, admin::v1::TransferLeadershipReply>::Begin(
      context, request, reply, std::move(parts));
}

grpc::ServerUnaryReactor* AdminService::AlterPartitionReassignments(
    grpc::CallbackServerContext* context,
    const admin::v1::AlterPartitionReassignmentsRequest* request,
    admin::v1::AlterPartitionReassignmentsReply* reply) {
  using Call = AdminCall<admin::v1::AlterPartitionReassignmentsRequest,
                         admin::v1::AlterPartitionReassignmentsReply>;
  return Call::Begin(
      context, request, reply,
      WriteCall(rpc::kAlterPartitionReassignments, &state::AlterPartitionReassignments));
}

grpc::ServerUnaryReactor* AdminService::ListPartitionReassignments(
    grpc::CallbackServerContext* context,
    const admin::v1::ListPartitionReassignmentsRequest* request,
    admin::v1::ListPartitionReassignmentsReply* reply) {
  using Request = admin::v1::ListPartitionReassignmentsRequest;
  using Reply = admin::v1::ListPartitionReassignmentsReply;
  return AdminCall<Request, Reply>::Begin(
      context, request, reply,
      ReadCall<Request, Reply>(rpc::kListPartitionReassignments, [this](const auto& r) {
        return state::ListPartitionReassignments(node_.committed(), r);
      }));
}

grpc::ServerUnaryReactor* AdminService::PlanBrokerDrain(
    grpc::CallbackServerContext* context, const admin::v1::PlanBrokerDrainRequest* request,
    admin::v1::PlanBrokerDrainReply* reply) {
  using Request = admin::v1::PlanBrokerDrainRequest;
  using Reply = admin::v1::PlanBrokerDrainReply;
  return AdminCall<Request, Reply>::Begin(
      context, request, reply,
      ReadCall<Request, Reply>(rpc::kPlanBrokerDrain, [this](const auto& r) {
        return state::PlanBrokerDrain(node_.committed(), defaults_, r);
      }));
}

grpc::ServerUnaryReactor* AdminService::CanStopBroker(
    grpc::CallbackServerContext* context, const admin::v1::CanStopBrokerRequest* request,
    admin::v1::CanStopBrokerReply* reply) {
  using Request = admin::v1::CanStopBrokerRequest;
  using Reply = admin::v1::CanStopBrokerReply;
  return AdminCall<Request, Reply>::Begin(
      context, request, reply, ReadCall<Request, Reply>(rpc::kCanStopBroker, [this](const auto& r) {
        return state::CanStopBroker(node_.committed(), defaults_, r);
      }));
}

}  // namespace weir::service
