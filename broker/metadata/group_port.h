// GroupPort: what a gateway asks of the active controller about groups (proto/group.proto).
// Production goes over gRPC (ControllerGateway); tests answer from a table.
//
// Laws:
//  1. Every `done` runs at most once, on the metadata thread: whoever needs it elsewhere posts.
//  2. A call goes to whoever is active, and again to the next one where there is none or the
//     connection is lost, until `timeout`; kRequestTimedOut, kNetworkException or kNotController
//     after that. A reply that carries an error is a reply.
//  3. JoinGroup, SyncGroup and ConsumerGroupHeartbeat may wait at the controller for long, and are
//     withdrawn there when they are cancelled. The `done` of a cancelled call may still run.
// Thread rule: callable from any thread, the handles too.
#pragma once

#include "broker/metadata/controller_port.h"
#include "common/rpc/controller_client.h"
#include "proto/group.pb.h"

namespace weir::broker {

class GroupPort {
 public:
  virtual ~GroupPort() = default;

  virtual rpc::CallHandle JoinGroup(group::v1::JoinGroupRequest request, Duration timeout,
                                    ReplyDone<group::v1::JoinGroupReply> done) = 0;
  virtual rpc::CallHandle SyncGroup(group::v1::SyncGroupRequest request, Duration timeout,
                                    ReplyDone<group::v1::SyncGroupReply> done) = 0;
  virtual rpc::CallHandle Heartbeat(group::v1::HeartbeatRequest request, Duration timeout,
                                    ReplyDone<group::v1::HeartbeatReply> done) = 0;
  virtual rpc::CallHandle ReportLiveness(group::v1::LivenessReport report, Duration timeout,
                                         ReplyDone<group::v1::LivenessReply> done) = 0;
  virtual rpc::CallHandle LeaveGroup(group::v1::LeaveGroupRequest request, Duration timeout,
                                     ReplyDone<group::v1::LeaveGroupReply> done) = 0;
  virtual rpc::CallHandle DeleteGroups(group::v1::DeleteGroupsRequest request, Duration timeout,
                                       ReplyDone<group::v1::DeleteGroupsReply> done) = 0;
  virtual rpc::CallHandle DescribeGroups(group::v1::DescribeGroupsRequest request, Duration timeout,
                                         ReplyDone<group::v1::DescribeGroupsReply> done) = 0;
  // KIP-848.
  virtual rpc::CallHandle ConsumerGroupHeartbeat(
      group::v1::ConsumerGroupHeartbeatRequest request, Duration timeout,
      ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done) = 0;
  virtual rpc::CallHandle DescribeConsumerGroups(
      group::v1::DescribeConsumerGroupsRequest request, Duration timeout,
      ReplyDone<group::v1::DescribeConsumerGroupsReply> done) = 0;
};

}  // namespace weir::broker
