#include "broker/metadata/controller_gateway.h"

#include <utility>

namespace weir::broker {

template <class Request, class Reply>
rpc::CallHandle ControllerGateway::Forward(const rpc::Method<Request, Reply>& method,
                                           Request request, Duration timeout,
                                           ReplyDone<Reply> done) {
  // The client's callback type is copyable; ours need not be.
  auto shared_done = std::make_shared<ReplyDone<Reply>>(std::move(done));
  return client_.Call<Request, Reply>(
      method, std::move(request), timeout,
      [thread = metadata_thread_, shared_done](Result<Reply> reply) {
        thread->Post([shared_done, reply = std::move(reply)]() mutable {
          (*shared_done)(std::move(reply));
        });
      });
}

void ControllerGateway::CreateTopics(admin::v1::CreateTopicsRequest request, Duration timeout,
                                     ReplyDone<admin::v1::CreateTopicsReply> done) {
  Forward(rpc::kCreateTopics, std::move(request), timeout, std::move(done));
}

void ControllerGateway::DeleteTopics(admin::v1::DeleteTopicsRequest request, Duration timeout,
                                     ReplyDone<admin::v1::DeleteTopicsReply> done) {
  Forward(rpc::kDeleteTopics, std::move(request), timeout, std::move(done));
}

void ControllerGateway::CreatePartitions(admin::v1::CreatePartitionsRequest request,
                                         Duration timeout,
                                         ReplyDone<admin::v1::CreatePartitionsReply> done) {
  Forward(rpc::kCreatePartitions, std::move(request), timeout, std::move(done));
}

void ControllerGateway::AlterConfigs(admin::v1::AlterConfigsRequest request, Duration timeout,
                                     ReplyDone<admin::v1::AlterConfigsReply> done) {
  Forward(rpc::kAlterConfigs, std::move(request), timeout, std::move(done));
}

void ControllerGateway::ElectLeaders(admin::v1::ElectLeadersRequest request, Duration timeout,
                                     ReplyDone<admin::v1::ElectLeadersReply> done) {
  Forward(rpc::kElectLeaders, std::move(request), timeout, std::move(done));
}

void ControllerGateway::AlterPartitionReassignments(
    admin::v1::AlterPartitionReassignmentsRequest request, Duration timeout,
    ReplyDone<admin::v1::AlterPartitionReassignmentsReply> done) {
  Forward(rpc::kAlterPartitionReassignments, std::move(request), timeout, std::move(done));
}

void ControllerGateway::DescribeQuorum(admin::v1::DescribeQuorumRequest request, Duration timeout,
                                       ReplyDone<admin::v1::DescribeQuorumReply> done) {
  Forward(rpc::kDescribeQuorum, std::move(request), timeout, std::move(done));
}

void ControllerGateway::AllocateProducerIds(broker::v1::AllocateProducerIdsRequest request,
                                            Duration timeout,
                                            ReplyDone<broker::v1::AllocateProducerIdsReply> done) {
  Forward(rpc::kAllocateProducerIds, std::move(request), timeout, std::move(done));
}

void ControllerGateway::AlterPartition(broker::v1::AlterPartitionRequest request, Duration timeout,
                                       ReplyDone<broker::v1::AlterPartitionReply> done) {
  Forward(rpc::kAlterPartition, std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::JoinGroup(group::v1::JoinGroupRequest request, Duration timeout,
                                             ReplyDone<group::v1::JoinGroupReply> done) {
  return group_calls_.Call(std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::SyncGroup(group::v1::SyncGroupRequest request, Duration timeout,
                                             ReplyDone<group::v1::SyncGroupReply> done) {
  return group_calls_.Call(std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::Heartbeat(group::v1::HeartbeatRequest request, Duration timeout,
                                             ReplyDone<group::v1::HeartbeatReply> done) {
  return Forward(rpc::kHeartbeat, std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::ReportLiveness(group::v1::LivenessReport request,
                                                  Duration timeout,
                                                  ReplyDone<group::v1::LivenessReply> done) {
  return Forward(rpc::kReportLiveness, std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::LeaveGroup(group::v1::LeaveGroupRequest request,
                                              Duration timeout,
                                              ReplyDone<group::v1::LeaveGroupReply> done) {
  return Forward(rpc::kLeaveGroup, std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::DeleteGroups(group::v1::DeleteGroupsRequest request,
                                                Duration timeout,
                                                ReplyDone<group::v1::DeleteGroupsReply> done) {
  return Forward(rpc::kDeleteGroups, std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::DescribeGroups(group::v1::DescribeGroupsRequest request,
                                                  Duration timeout,
                                                  ReplyDone<group::v1::DescribeGroupsReply> done) {
  return Forward(rpc::kDescribeGroups, std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::ConsumerGroupHeartbeat(
    group::v1::ConsumerGroupHeartbeatRequest request, Duration timeout,
    ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done) {
  return group_calls_.Call(std::move(request), timeout, std::move(done));
}

rpc::CallHandle ControllerGateway::DescribeConsumerGroups(
    group::v1::DescribeConsumerGroupsRequest request, Duration timeout,
    ReplyDone<group::v1::DescribeConsumerGroupsReply> done) {
  return Forward(rpc::kDescribeConsumerGroups, std::move(request), timeout, std::move(done));
}

}  // namespace weir::broker
