// all.h: every message there is, for what must treat them all alike: tests, fuzzing, tools.
// Handlers include their own families instead. Thread rule: types only.
#pragma once

#include "broker/wire/messages/acls.h"
#include "broker/wire/messages/api_versions.h"
#include "broker/wire/messages/configs.h"
#include "broker/wire/messages/consumer_groups.h"
#include "broker/wire/messages/consumer_protocol.h"
#include "broker/wire/messages/control_records.h"
#include "broker/wire/messages/delegation_tokens.h"
#include "broker/wire/messages/fetch.h"
#include "broker/wire/messages/group_admin.h"
#include "broker/wire/messages/group_offsets.h"
#include "broker/wire/messages/groups.h"
#include "broker/wire/messages/headers.h"
#include "broker/wire/messages/log_offsets.h"
#include "broker/wire/messages/metadata.h"
#include "broker/wire/messages/produce.h"
#include "broker/wire/messages/quorum.h"
#include "broker/wire/messages/quotas.h"
#include "broker/wire/messages/replicas.h"
#include "broker/wire/messages/sasl.h"
#include "broker/wire/messages/share_fetch.h"
#include "broker/wire/messages/share_groups.h"
#include "broker/wire/messages/share_offsets.h"
#include "broker/wire/messages/share_state.h"
#include "broker/wire/messages/streams_admin.h"
#include "broker/wire/messages/streams_groups.h"
#include "broker/wire/messages/telemetry.h"
#include "broker/wire/messages/topics.h"
#include "broker/wire/messages/transaction_admin.h"
#include "broker/wire/messages/transactions.h"

namespace weir::wire {

template <class... Messages>
struct MessageList {
  // Calls function.operator()<M>() for each message.
  template <class Function>
  static void ForEach(Function&& function) {
    (function.template operator()<Messages>(), ...);
  }
};

// Structures that are no API of their own.
using AllStructures =
    MessageList<RequestHeader, ResponseHeader, ConsumerProtocolSubscription,
                ConsumerProtocolAssignment, ControlRecordTypeSchema, EndTxnMarker>;

using AllRequests = MessageList<
    ApiVersionsRequest, MetadataRequest, DescribeClusterRequest, DescribeTopicPartitionsRequest,
    ProduceRequest, FetchRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest,
    DeleteRecordsRequest, CreateTopicsRequest, DeleteTopicsRequest, CreatePartitionsRequest,
    DescribeConfigsRequest, AlterConfigsRequest, IncrementalAlterConfigsRequest,
    ListConfigResourcesRequest, InitProducerIdRequest, AddPartitionsToTxnRequest,
    AddOffsetsToTxnRequest, EndTxnRequest, WriteTxnMarkersRequest, DescribeProducersRequest,
    DescribeTransactionsRequest, ListTransactionsRequest, FindCoordinatorRequest, JoinGroupRequest,
    SyncGroupRequest, HeartbeatRequest, LeaveGroupRequest, DescribeGroupsRequest, ListGroupsRequest,
    DeleteGroupsRequest, OffsetDeleteRequest, OffsetCommitRequest, OffsetFetchRequest,
    TxnOffsetCommitRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupDescribeRequest,
    SaslHandshakeRequest, SaslAuthenticateRequest, DescribeAclsRequest, CreateAclsRequest,
    DeleteAclsRequest, CreateDelegationTokenRequest, RenewDelegationTokenRequest,
    ExpireDelegationTokenRequest, DescribeDelegationTokenRequest, DescribeClientQuotasRequest,
    AlterClientQuotasRequest, DescribeUserScramCredentialsRequest, AlterUserScramCredentialsRequest,
    AlterReplicaLogDirsRequest, DescribeLogDirsRequest, ElectLeadersRequest,
    AlterPartitionReassignmentsRequest, ListPartitionReassignmentsRequest, DescribeQuorumRequest,
    AddRaftVoterRequest, RemoveRaftVoterRequest, UpdateFeaturesRequest, UnregisterBrokerRequest,
    UnregisterControllerRequest, GetTelemetrySubscriptionsRequest, PushTelemetryRequest,
    ShareGroupHeartbeatRequest, ShareGroupDescribeRequest, ShareFetchRequest,
    ShareAcknowledgeRequest, DescribeShareGroupOffsetsRequest, AlterShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsRequest, InitializeShareGroupStateRequest, ReadShareGroupStateRequest,
    WriteShareGroupStateRequest, DeleteShareGroupStateRequest, ReadShareGroupStateSummaryRequest,
    StreamsGroupHeartbeatRequest, StreamsGroupDescribeRequest,
    StreamsGroupTopologyDescriptionUpdateRequest>;

using AllResponses = MessageList<
    ApiVersionsResponse, MetadataResponse, DescribeClusterResponse, DescribeTopicPartitionsResponse,
    ProduceResponse, FetchResponse, ListOffsetsResponse, OffsetForLeaderEpochResponse,
    DeleteRecordsResponse, CreateTopicsResponse, DeleteTopicsResponse, CreatePartitionsResponse,
    DescribeConfigsResponse, AlterConfigsResponse, IncrementalAlterConfigsResponse,
    ListConfigResourcesResponse, InitProducerIdResponse, AddPartitionsToTxnResponse,
    AddOffsetsToTxnResponse, EndTxnResponse, WriteTxnMarkersResponse, DescribeProducersResponse,
    DescribeTransactionsResponse, ListTransactionsResponse, FindCoordinatorResponse,
    JoinGroupResponse, SyncGroupResponse, HeartbeatResponse, LeaveGroupResponse,
    DescribeGroupsResponse, ListGroupsResponse, DeleteGroupsResponse, OffsetDeleteResponse,
    OffsetCommitResponse, OffsetFetchResponse, TxnOffsetCommitResponse,
    ConsumerGroupHeartbeatResponse, ConsumerGroupDescribeResponse, SaslHandshakeResponse,
    SaslAuthenticateResponse, DescribeAclsResponse, CreateAclsResponse, DeleteAclsResponse,
    CreateDelegationTokenResponse, RenewDelegationTokenResponse, ExpireDelegationTokenResponse,
    DescribeDelegationTokenResponse, DescribeClientQuotasResponse, AlterClientQuotasResponse,
    DescribeUserScramCredentialsResponse, AlterUserScramCredentialsResponse,
    AlterReplicaLogDirsResponse, DescribeLogDirsResponse, ElectLeadersResponse,
    AlterPartitionReassignmentsResponse, ListPartitionReassignmentsResponse, DescribeQuorumResponse,
    AddRaftVoterResponse, RemoveRaftVoterResponse, UpdateFeaturesResponse, UnregisterBrokerResponse,
    UnregisterControllerResponse, GetTelemetrySubscriptionsResponse, PushTelemetryResponse,
    ShareGroupHeartbeatResponse, ShareGroupDescribeResponse, ShareFetchResponse,
    ShareAcknowledgeResponse, DescribeShareGroupOffsetsResponse, AlterShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsResponse, InitializeShareGroupStateResponse, ReadShareGroupStateResponse,
    WriteShareGroupStateResponse, DeleteShareGroupStateResponse, ReadShareGroupStateSummaryResponse,
    StreamsGroupHeartbeatResponse, StreamsGroupDescribeResponse,
    StreamsGroupTopologyDescriptionUpdateResponse>;

}  // namespace weir::wire
