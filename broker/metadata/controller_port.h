// ControllerPort: what a broker asks of the controllers on behalf of clients. Production goes over
// gRPC (ControllerGateway); tests answer from a table.
//
// Laws:
//  1. Every `done` runs at most once, on the metadata thread: whoever needs it elsewhere posts.
//     It is dropped when the broker stops first.
//  2. A call that outlives `timeout` ends with kRequestTimedOut; the change may have happened all
//     the same.
// Thread rule: callable from any thread.
#pragma once

#include "absl/functional/any_invocable.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "proto/admin.pb.h"
#include "proto/broker.pb.h"

namespace weir::broker {

template <class Reply>
using ReplyDone = absl::AnyInvocable<void(Result<Reply>)>;

class ControllerPort {
 public:
  virtual ~ControllerPort() = default;

  virtual void CreateTopics(admin::v1::CreateTopicsRequest request, Duration timeout,
                            ReplyDone<admin::v1::CreateTopicsReply> done) = 0;
  virtual void DeleteTopics(admin::v1::DeleteTopicsRequest request, Duration timeout,
                            ReplyDone<admin::v1::DeleteTopicsReply> done) = 0;
  virtual void CreatePartitions(admin::v1::CreatePartitionsRequest request, Duration timeout,
                                ReplyDone<admin::v1::CreatePartitionsReply> done) = 0;
  virtual void AlterConfigs(admin::v1::AlterConfigsRequest request, Duration timeout,
                            ReplyDone<admin::v1::AlterConfigsReply> done) = 0;
  virtual void ElectLeaders(admin::v1::ElectLeadersRequest request, Duration timeout,
                            ReplyDone<admin::v1::ElectLeadersReply> done) = 0;
  virtual void AlterPartitionReassignments(
      admin::v1::AlterPartitionReassignmentsRequest request, Duration timeout,
      ReplyDone<admin::v1::AlterPartitionReassignmentsReply> done) = 0;
  virtual void DescribeQuorum(admin::v1::DescribeQuorumRequest request, Duration timeout,
                              ReplyDone<admin::v1::DescribeQuorumReply> done) = 0;
  virtual void AllocateProducerIds(broker::v1::AllocateProducerIdsRequest request, Duration timeout,
                                   ReplyDone<broker::v1::AllocateProducerIdsReply> done) = 0;
  virtual void AlterPartition(broker::v1::AlterPartitionRequest request, Duration timeout,
                              ReplyDone<broker::v1::AlterPartitionReply> done) = 0;
};

}  // namespace weir::broker
