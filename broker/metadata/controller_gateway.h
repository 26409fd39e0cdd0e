// ControllerGateway: the controllers over gRPC, as ControllerPort, GroupPort, SessionPort, FeedPort
// and GroupStreamPort. JoinGroup, SyncGroup and ConsumerGroupHeartbeat go on one stream
// (group_call_stream.h), everything else in calls of its own.
//
// Laws:
//  1. Replies are handed over on the metadata thread, so that nothing of the broker is called
//     back after that thread has stopped.
// Thread rule: as ControllerPort.
#pragma once

#include <memory>

#include "broker/metadata/broker_session.h"
#include "broker/metadata/controller_port.h"
#include "broker/metadata/group_call_stream.h"
#include "broker/metadata/group_port.h"
#include "broker/metadata/metadata_follower.h"
#include "common/base/executor.h"
#include "common/rpc/controller_client.h"

namespace weir::broker {

class ControllerGateway : public ControllerPort,
                          public GroupPort,
                          public SessionPort,
                          public FeedPort,
                          private GroupStreamPort {
 public:
  // `client` outlives the gateway; `metadata_thread` is kept as long as calls are under way.
  ControllerGateway(rpc::ControllerClient& client, std::shared_ptr<Executor> metadata_thread)
      : client_(client),
        metadata_thread_(std::move(metadata_thread)),
        group_calls_(metadata_thread_, *this) {}

  void CreateTopics(admin::v1::CreateTopicsRequest request, Duration timeout,
                    ReplyDone<admin::v1::CreateTopicsReply> done) override;
  void DeleteTopics(admin::v1::DeleteTopicsRequest request, Duration timeout,
                    ReplyDone<admin::v1::DeleteTopicsReply> done) override;
  void CreatePartitions(admin::v1::CreatePartitionsRequest request, Duration timeout,
                        ReplyDone<admin::v1::CreatePartitionsReply> done) override;
  void AlterConfigs(admin::v1::AlterConfigsRequest request, Duration timeout,
                    ReplyDone<admin::v1::AlterConfigsReply> done) override;
  void ElectLeaders(admin::v1::ElectLeadersRequest request, Duration timeout,
                    ReplyDone<admin::v1::ElectLeadersReply> done) override;
  void AlterPartitionReassignments(
      admin::v1::AlterPartitionReassignmentsRequest request, Duration timeout,
      ReplyDone<admin::v1::AlterPartitionReassignmentsReply> done) override;
  void DescribeQuorum(admin::v1::DescribeQuorumRequest request, Duration timeout,
                      ReplyDone<admin::v1::DescribeQuorumReply> done) override;
  void AllocateProducerIds(broker::v1::AllocateProducerIdsRequest request, Duration timeout,
                           ReplyDone<broker::v1::AllocateProducerIdsReply> done) override;
  void AlterPartition(broker::v1::AlterPartitionRequest request, Duration timeout,
                      ReplyDone<broker::v1::AlterPartitionReply> done) override;

  rpc::CallHandle JoinGroup(group::v1::JoinGroupRequest request, Duration timeout,
                            ReplyDone<group::v1::JoinGroupReply> done) override;
  rpc::CallHandle SyncGroup(group::v1::SyncGroupRequest request, Duration timeout,
                            ReplyDone<group::v1::SyncGroupReply> done) override;
  rpc::CallHandle Heartbeat(group::v1::HeartbeatRequest request, Duration timeout,
                            ReplyDone<group::v1::HeartbeatReply> done) override;
  rpc::CallHandle ReportLiveness(group::v1::LivenessReport report, Duration timeout,
                                 ReplyDone<group::v1::LivenessReply> done) override;
  rpc::CallHandle LeaveGroup(group::v1::LeaveGroupRequest request, Duration timeout,
                             ReplyDone<group::v1::LeaveGroupReply> done) override;
  rpc::CallHandle DeleteGroups(group::v1::DeleteGroupsRequest request, Duration timeout,
                               ReplyDone<group::v1::DeleteGroupsReply> done) override;
  rpc::CallHandle DescribeGroups(group::v1::DescribeGroupsRequest request, Duration timeout,
                                 ReplyDone<group::v1::DescribeGroupsReply> done) override;
  rpc::CallHandle ConsumerGroupHeartbeat(
      group::v1::ConsumerGroupHeartbeatRequest request, Duration timeout,
      ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done) override;
  rpc::CallHandle DescribeConsumerGroups(
      group::v1::DescribeConsumerGroupsRequest request, Duration timeout,
      ReplyDone<group::v1::DescribeConsumerGroupsReply> done) override;

  std::unique_ptr<rpc::SessionStream> OpenSession(rpc::SessionEvents events) override {
    return client_.OpenSession(std::move(events));
  }
  std::unique_ptr<rpc::StreamHandle> FetchMetadata(const broker::v1::FetchMetadataRequest& request,
                                                   rpc::MetadataEvents events) override {
    return client_.FetchMetadata(request, std::move(events));
  }

 private:
  template <class Request, class Reply>
  rpc::CallHandle Forward(const rpc::Method<Request, Reply>& method, Request request,
                          Duration timeout, ReplyDone<Reply> done);

  std::unique_ptr<rpc::GroupStream> OpenGroupStream(rpc::GroupStreamEvents events) override {
    return client_.OpenGroupStream(std::move(events));
  }

  rpc::ControllerClient& client_;
  std::shared_ptr<Executor> metadata_thread_;
  GroupCallStream group_calls_;
};

}  // namespace weir::broker
