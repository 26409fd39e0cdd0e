// The unary methods of the gRPC services as values: path on the wire with request and reply type.
// Calls, forwarding and metrics all name methods by these. Thread rule: constants.
#pragma once

#include <string_view>

#include "proto/admin.pb.h"
#include "proto/broker.pb.h"
#include "proto/group.pb.h"
#include "proto/raft.pb.h"

namespace weir::rpc {

template <class RequestType, class ReplyType>
struct Method {
  using Request = RequestType;
  using Reply = ReplyType;
  // "/package.Service/Name".
  const char* path;
  // Whether only the active controller answers; others say NOT_CONTROLLER.
  bool leader_only = false;

  // "CreateTopics".
  constexpr std::string_view name() const {
    const std::string_view text = path;
    return text.substr(text.rfind('/') + 1);
  }
};

#define WEIR_ADMIN_METHOD(name)                                                       \
  inline constexpr Method<admin::v1::name##Request, admin::v1::name##Reply> k##name { \
    "/weir.admin.v1.AdminService/" #name                                              \
  }

WEIR_ADMIN_METHOD(CreateTopics);
WEIR_ADMIN_METHOD(DeleteTopics);
WEIR_ADMIN_METHOD(DescribeTopics);
WEIR_ADMIN_METHOD(ListTopics);
WEIR_ADMIN_METHOD(CreatePartitions);
WEIR_ADMIN_METHOD(DescribeConfigs);
WEIR_ADMIN_METHOD(AlterConfigs);
WEIR_ADMIN_METHOD(ElectLeaders);
WEIR_ADMIN_METHOD(DescribeCluster);
WEIR_ADMIN_METHOD(DescribeBrokers);
WEIR_ADMIN_METHOD(DescribeQuorum);
WEIR_ADMIN_METHOD(AddVoter);
WEIR_ADMIN_METHOD(RemoveVoter);
WEIR_ADMIN_METHOD(TransferLeadership);
WEIR_ADMIN_METHOD(AlterPartitionReassignments);
WEIR_ADMIN_METHOD(ListPartitionReassignments);
WEIR_ADMIN_METHOD(PlanBrokerDrain);
WEIR_ADMIN_METHOD(CanStopBroker);

#undef WEIR_ADMIN_METHOD

inline constexpr Method<broker::v1::AllocateProducerIdsRequest,
                        broker::v1::AllocateProducerIdsReply>
    kAllocateProducerIds{"/weir.broker.v1.BrokerService/AllocateProducerIds", true};

inline constexpr Method<broker::v1::AlterPartitionRequest, broker::v1::AlterPartitionReply>
    kAlterPartition{"/weir.broker.v1.BrokerService/AlterPartition", true};

#define WEIR_GROUP_METHOD(name, request, reply)                           \
  inline constexpr Method<group::v1::request, group::v1::reply> k##name { \
    "/weir.group.v1.GroupService/" #name, true                            \
  }

WEIR_GROUP_METHOD(Heartbeat, HeartbeatRequest, HeartbeatReply);
WEIR_GROUP_METHOD(ReportLiveness, LivenessReport, LivenessReply);
WEIR_GROUP_METHOD(LeaveGroup, LeaveGroupRequest, LeaveGroupReply);
WEIR_GROUP_METHOD(DeleteGroups, DeleteGroupsRequest, DeleteGroupsReply);
WEIR_GROUP_METHOD(DescribeGroups, DescribeGroupsRequest, DescribeGroupsReply);
WEIR_GROUP_METHOD(ListGroups, ListGroupsRequest, ListGroupsReply);
WEIR_GROUP_METHOD(DescribeConsumerGroups, DescribeConsumerGroupsRequest,
                  DescribeConsumerGroupsReply);

#undef WEIR_GROUP_METHOD

inline constexpr Method<raft::v1::IdentifyRequest, raft::v1::IdentifyReply> kIdentify{
    "/weir.raft.v1.RaftService/Identify"};

}  // namespace weir::rpc
