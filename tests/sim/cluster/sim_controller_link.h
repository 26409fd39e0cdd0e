// SimControllerLink: a simulated broker's way to the controllers: its session, its metadata feed,
// its stream of calls about groups and its other calls, over the simulated network. It stands where
// ControllerGateway and rpc::ControllerClient stand in production, and finds the leader as they do:
// by its hints, otherwise by trying the next controller.
// Thread rule: one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/metadata/broker_session.h"
#include "broker/metadata/controller_port.h"
#include "broker/metadata/group_call_stream.h"
#include "broker/metadata/metadata_follower.h"
#include "tests/sim/cluster/cluster_network.h"
#include "tests/sim/cluster/sim_executor.h"

namespace weir::sim {

class ClusterWorld;

// How attempts end without a reply.
rpc::RpcError ConnectionLost();
rpc::RpcError EndOf(const Status& status, NodeId leader);

class SimControllerLink : public broker::SessionPort,
                          public broker::FeedPort,
                          public broker::GroupStreamPort,
                          public broker::ControllerPort {
 public:
  // One per life of the broker. `thread`: its metadata thread.
  SimControllerLink(ClusterWorld& world, Address self, SimProcessPtr process,
                    std::shared_ptr<SimExecutor> thread)
      : world_(world), self_(self), process_(std::move(process)), thread_(std::move(thread)) {}

  std::unique_ptr<rpc::SessionStream> OpenSession(rpc::SessionEvents events) override;
  std::unique_ptr<rpc::StreamHandle> FetchMetadata(const broker::v1::FetchMetadataRequest& request,
                                                   rpc::MetadataEvents events) override;
  // A batch may arrive late, and in order.
  std::unique_ptr<rpc::GroupStream> OpenGroupStream(rpc::GroupStreamEvents events) override;
  void AlterPartition(broker::v1::AlterPartitionRequest request, Duration timeout,
                      broker::ReplyDone<broker::v1::AlterPartitionReply> done) override;

  // Nobody in the simulated broker asks for these.
  void CreateTopics(admin::v1::CreateTopicsRequest, Duration,
                    broker::ReplyDone<admin::v1::CreateTopicsReply>) override {}
  void DeleteTopics(admin::v1::DeleteTopicsRequest, Duration,
                    broker::ReplyDone<admin::v1::DeleteTopicsReply>) override {}
  void CreatePartitions(admin::v1::CreatePartitionsRequest, Duration,
                        broker::ReplyDone<admin::v1::CreatePartitionsReply>) override {}
  void AlterConfigs(admin::v1::AlterConfigsRequest, Duration,
                    broker::ReplyDone<admin::v1::AlterConfigsReply>) override {}
  void ElectLeaders(admin::v1::ElectLeadersRequest, Duration,
                    broker::ReplyDone<admin::v1::ElectLeadersReply>) override {}
  void AlterPartitionReassignments(
      admin::v1::AlterPartitionReassignmentsRequest, Duration,
      broker::ReplyDone<admin::v1::AlterPartitionReassignmentsReply>) override {}
  void DescribeQuorum(admin::v1::DescribeQuorumRequest, Duration,
                      broker::ReplyDone<admin::v1::DescribeQuorumReply>) override {}
  void AllocateProducerIds(broker::v1::AllocateProducerIdsRequest, Duration,
                           broker::ReplyDone<broker::v1::AllocateProducerIdsReply>) override {}

  // ---- for calls (sim_call.h) ----------------------------------------------------------

  ClusterWorld& world() const { return world_; }
  Address self() const { return self_; }
  const SimProcessPtr& process() const { return process_; }
  const std::shared_ptr<SimExecutor>& thread() const { return thread_; }
  // Who is believed to be active.
  int32_t leader() const { return leader_; }
  // What the end of an attempt at that controller says about where the leader is.
  void Learn(NodeId asked, const rpc::RpcError& error);

 private:
  std::function<void(const rpc::RpcError&)> LearnFrom(NodeId asked);
  // That controller answers the session: the group stream does not stay at another one (law 4 of
  // rpc::ControllerClient).
  void AnsweredAsLeader(NodeId id);

  ClusterWorld& world_;
  Address self_;
  SimProcessPtr process_;
  std::shared_ptr<SimExecutor> thread_;
  int32_t leader_ = 1;
  int32_t feeder_ = 1;
  // Of the last group stream; null before there is one.
  NodeId group_stream_at_;
  std::function<void()> cut_group_stream_;
};

}  // namespace weir::sim
