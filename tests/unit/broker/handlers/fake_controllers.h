// FakeControllers: the controllers as one broker sees them, without gRPC: a metadata log in memory,
// a session that unfences as soon as the broker has caught up, and just enough admin to create,
// delete, grow and configure topics. Thread rule: the metadata thread, except Append and the admin
// calls, which post to it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/metadata/broker_session.h"
#include "broker/metadata/controller_port.h"
#include "broker/metadata/metadata_follower.h"
#include "common/base/executor.h"
#include "common/base/prng.h"
#include "common/metadata/apply.h"
#include "common/metadata/image.h"
#include "common/rpc/status.h"
#include "tests/support/config_records.h"

namespace weir::handlers {

class FakeControllers : public broker::ControllerPort,
                        public broker::SessionPort,
                        public broker::FeedPort {
 public:
  FakeControllers(std::shared_ptr<Executor> thread, NodeId broker_id)
      : thread_(std::move(thread)), broker_id_(broker_id), prng_(42) {
    metadata::v1::MetadataBatch batch;
    cluster_id_ = Uuid::Random(prng_);
    batch.add_records()->mutable_cluster()->set_cluster_id(cluster_id_.ToBytes());
    Commit(batch);
  }

  const Uuid& cluster_id() const { return cluster_id_; }

  // ---- SessionPort
  std::unique_ptr<rpc::SessionStream> OpenSession(rpc::SessionEvents events) override {
    session_ = std::move(events);
    return std::make_unique<Stream>(*this);
  }

  // ---- FeedPort
  std::unique_ptr<rpc::StreamHandle> FetchMetadata(const broker::v1::FetchMetadataRequest& request,
                                                   rpc::MetadataEvents events) override {
    feed_ = std::move(events);
    SendFrom(std::max<int64_t>(1, request.from_offset()));
    return std::make_unique<Handle>();
  }

  // ---- ControllerPort
  void CreateTopics(admin::v1::CreateTopicsRequest request, Duration,
                    broker::ReplyDone<admin::v1::CreateTopicsReply> done) override {
    thread_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
      admin::v1::CreateTopicsReply reply;
      metadata::v1::MetadataBatch batch;
      for (const admin::v1::NewTopic& topic : request.topics()) {
        Create(topic, request.validate_only() ? nullptr : &batch, reply.add_topics());
      }
      CommitThen(batch, [done = std::move(done), reply = std::move(reply)]() mutable {
        done(std::move(reply));
      });
    });
  }
  void DeleteTopics(admin::v1::DeleteTopicsRequest request, Duration,
                    broker::ReplyDone<admin::v1::DeleteTopicsReply> done) override {
    thread_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
      admin::v1::DeleteTopicsReply reply;
      metadata::v1::MetadataBatch batch;
      for (const admin::v1::TopicSelector& selector : request.topics()) {
        admin::v1::DeletedTopic* deleted = reply.add_topics();
        const metadata::Topic* topic = selector.has_name()
                                           ? image_.FindTopic(selector.name())
                                           : image_.FindTopic(*Uuid::Parse(selector.topic_id()));
        if (topic == nullptr) {
          rpc::SetAdminError({ErrorCode::kUnknownTopicOrPartition, "no such topic"},
                             deleted->mutable_error());
          continue;
        }
        deleted->set_name(topic->name);
        deleted->set_topic_id(topic->id.ToString());
        batch.add_records()->mutable_remove_topic()->set_topic_id(topic->id.ToBytes());
      }
      CommitThen(batch, [done = std::move(done), reply = std::move(reply)]() mutable {
        done(std::move(reply));
      });
    });
  }
  void CreatePartitions(admin::v1::CreatePartitionsRequest request, Duration,
                        broker::ReplyDone<admin::v1::CreatePartitionsReply> done) override {
    thread_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
      admin::v1::CreatePartitionsReply reply;
      metadata::v1::MetadataBatch batch;
      for (const admin::v1::NewPartitions& grown : request.topics()) {
        admin::v1::CreatedPartitions* created = reply.add_topics();
        created->set_name(grown.name());
        const metadata::Topic* topic = image_.FindTopic(grown.name());
        if (topic == nullptr) {
          rpc::SetAdminError({ErrorCode::kUnknownTopicOrPartition, "no such topic"},
                             created->mutable_error());
          continue;
        }
        const auto have = static_cast<int32_t>(topic->partitions.size());
        for (int32_t i = have; i < grown.total_count(); ++i) AddPartition(topic->id, i, &batch);
      }
      CommitThen(batch, [done = std::move(done), reply = std::move(reply)]() mutable {
        done(std::move(reply));
      });
    });
  }
  void AlterConfigs(admin::v1::AlterConfigsRequest request, Duration,
                    broker::ReplyDone<admin::v1::AlterConfigsReply> done) override {
    thread_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
      admin::v1::AlterConfigsReply reply;
      metadata::v1::MetadataBatch batch;
      for (const admin::v1::AlteredResource& altered : request.resources()) {
        *reply.add_resources()->mutable_resource() = altered.resource();
        for (const admin::v1::ConfigChange& change : altered.changes()) {
          metadata::v1::ConfigRecord* record = batch.add_records()->mutable_config();
          record->set_resource_type(altered.resource().type());
          record->set_resource_name(altered.resource().name());
          record->set_key(change.key());
          if (change.has_value()) record->set_value(change.value());
        }
      }
      CommitThen(batch, [done = std::move(done), reply = std::move(reply)]() mutable {
        done(std::move(reply));
      });
    });
  }
  // Nothing needs an election, except partition 0 of "t" when everything is asked for.
  void ElectLeaders(admin::v1::ElectLeadersRequest request, Duration,
                    broker::ReplyDone<admin::v1::ElectLeadersReply> done) override {
    thread_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
      admin::v1::ElectLeadersReply reply;
      for (const admin::v1::TopicPartitions& named : request.topics()) {
        for (const int32_t index : named.partitions()) {
          admin::v1::PartitionElection* election = reply.add_partitions();
          election->set_topic(named.topic());
          election->set_partition(index);
          const bool known = image_.FindPartition(named.topic(), PartitionIndex(index)) != nullptr;
          rpc::SetAdminError(known ? Error{ErrorCode::kElectionNotNeeded, "it leads already"}
                                   : Error{ErrorCode::kUnknownTopicOrPartition, "no such topic"},
                             election->mutable_error());
        }
      }
      if (request.topics().empty()) reply.add_partitions()->set_topic("t");
      done(std::move(reply));
    });
  }
  // Accepts every target and cancels nothing.
  void AlterPartitionReassignments(
      admin::v1::AlterPartitionReassignmentsRequest request, Duration,
      broker::ReplyDone<admin::v1::AlterPartitionReassignmentsReply> done) override {
    thread_->Post([request = std::move(request), done = std::move(done)]() mutable {
      admin::v1::AlterPartitionReassignmentsReply reply;
      for (const admin::v1::PartitionReassignment& wanted : request.partitions()) {
        admin::v1::AlteredReassignment* altered = reply.add_partitions();
        if (wanted.cancel()) {
          rpc::SetAdminError({ErrorCode::kNoReassignmentInProgress, "it is not being moved"},
                             altered->mutable_error());
        }
      }
      done(std::move(reply));
    });
  }
  void DescribeQuorum(admin::v1::DescribeQuorumRequest, Duration,
                      broker::ReplyDone<admin::v1::DescribeQuorumReply> done) override {
    thread_->Post([done = std::move(done)]() mutable {
      admin::v1::DescribeQuorumReply reply;
      reply.set_leader_id(1);
      reply.set_term(3);
      reply.set_commit_index(9);
      admin::v1::QuorumMember* member = reply.add_members();
      member->set_controller_id(1);
      member->set_address("127.0.0.1:9090");
      member->set_voter(true);
      member->set_match_index(9);
      done(std::move(reply));
    });
  }
  void AllocateProducerIds(broker::v1::AllocateProducerIdsRequest, Duration,
                           broker::ReplyDone<broker::v1::AllocateProducerIdsReply> done) override {
    thread_->Post([this, done = std::move(done)]() mutable {
      broker::v1::AllocateProducerIdsReply reply;
      reply.set_first_producer_id(next_producer_id_);
      reply.set_count(10);
      next_producer_id_ += 10;
      done(std::move(reply));
    });
  }

  void AlterPartition(broker::v1::AlterPartitionRequest, Duration,
                      broker::ReplyDone<broker::v1::AlterPartitionReply> done) override {
    thread_->Post([done = std::move(done)]() mutable {
      done(Fail(ErrorCode::kNetworkException, "no controller decides about ISRs here"));
    });
  }

  // Appends to the metadata log as the controllers would.
  void Append(metadata::v1::MetadataBatch batch) {
    thread_->Post([this, batch = std::move(batch)] { Commit(batch); });
  }

 private:
  class Handle : public rpc::StreamHandle {
   public:
    void Cancel() override {}
  };
  class Stream : public rpc::SessionStream {
   public:
    explicit Stream(FakeControllers& owner) : owner_(owner) {}
    void Cancel() override {}
    void CloseSending() override {}
    void Send(broker::v1::SessionRequest request) override { owner_.OnSession(request); }

   private:
    FakeControllers& owner_;
  };

  void OnSession(const broker::v1::SessionRequest& request) {
    broker::v1::SessionReply reply;
    if (request.has_registration()) {
      Register(request.registration());
    } else if (epoch_ > 0 && request.heartbeat().applied_offset() >= epoch_) {
      if (!unfenced_) Unfence();
      applied_ = request.heartbeat().applied_offset();
      ServeParked();
    }
    reply.set_broker_epoch(epoch_);
    reply.set_cluster_id(cluster_id_.ToBytes());
    reply.set_fenced(!unfenced_);
    reply.set_may_stop(request.heartbeat().want_shutdown());
    reply.set_committed_offset(offset_);
    reply.set_heartbeat_interval_ms(50);
    reply.set_session_timeout_ms(10'000);
    session_.on_reply(reply);
  }

  void Register(const broker::v1::Registration& registration) {
    metadata::v1::MetadataBatch batch;
    metadata::v1::RegisterBrokerRecord* record = batch.add_records()->mutable_register_broker();
    record->set_broker_id(registration.broker_id());
    record->set_incarnation_id(registration.incarnation_id());
    *record->mutable_endpoints() = registration.endpoints();
    *record->mutable_directory_ids() = registration.directory_ids();
    record->set_inter_broker_listener(registration.inter_broker_listener());
    record->set_rack(registration.rack());
    record->set_fenced(true);
    epoch_ = Commit(batch);
    unfenced_ = false;
  }

  void Unfence() {
    metadata::v1::MetadataBatch batch;
    metadata::v1::BrokerChangeRecord* record = batch.add_records()->mutable_broker_change();
    record->set_broker_id(broker_id_.value());
    record->set_broker_epoch(epoch_);
    record->set_fenced(false);
    unfenced_ = true;
    Commit(batch);
  }

  void Create(const admin::v1::NewTopic& topic, metadata::v1::MetadataBatch* batch,
              admin::v1::CreatedTopic* created) {
    created->set_name(topic.name());
    if (image_.FindTopic(topic.name()) != nullptr) {
      rpc::SetAdminError({ErrorCode::kTopicAlreadyExists, "topic exists"},
                         created->mutable_error());
      return;
    }
    const int32_t partitions = topic.partitions() > 0 ? topic.partitions() : 1;
    const Uuid id = Uuid::Random(prng_);
    created->set_topic_id(id.ToString());
    created->set_partitions(partitions);
    created->set_replication_factor(1);
    if (batch == nullptr) return;
    metadata::v1::TopicRecord* record = batch->add_records()->mutable_topic();
    record->set_topic_id(id.ToBytes());
    record->set_name(topic.name());
    record->set_internal(topic.name().starts_with("__"));
    for (int32_t i = 0; i < partitions; ++i) AddPartition(id, i, batch);
    for (const auto& [key, value] : topic.configs()) {
      test::AddConfig({metadata::v1::CONFIG_RESOURCE_TOPIC, topic.name()}, key, value, batch);
    }
  }

  void AddPartition(const Uuid& topic, int32_t index, metadata::v1::MetadataBatch* batch) const {
    metadata::v1::PartitionRecord* partition = batch->add_records()->mutable_partition();
    partition->set_topic_id(topic.ToBytes());
    partition->set_partition(index);
    partition->add_replicas(broker_id_.value());
    partition->add_isr(broker_id_.value());
    partition->set_leader(broker_id_.value());
  }

  int64_t Commit(const metadata::v1::MetadataBatch& batch) {
    log_.push_back(batch.SerializeAsString());
    ++offset_;
    metadata::Apply(image_, batch, LogIndex(static_cast<uint64_t>(offset_)));
    if (feed_.on_reply) SendFrom(offset_);
    return offset_;
  }

  // `reply` runs once the broker has applied the batch, as for the real admin calls.
  void CommitThen(const metadata::v1::MetadataBatch& batch, Task reply) {
    const int64_t offset = batch.records().empty() ? 0 : Commit(batch);
    parked_.emplace_back(offset, std::move(reply));
    ServeParked();
  }

  void ServeParked() {
    std::vector<Task> due;
    std::erase_if(parked_, [&](auto& parked) {
      if (parked.first > applied_) return false;
      due.push_back(std::move(parked.second));
      return true;
    });
    for (Task& reply : due) reply();
  }

  void SendFrom(int64_t from) {
    broker::v1::FetchMetadataReply reply;
    broker::v1::Batches& batches = *reply.mutable_batches();
    for (int64_t offset = from; offset <= offset_; ++offset) {
      broker::v1::OffsetBatch* batch = batches.add_batches();
      batch->set_offset(offset);
      batch->set_batch(log_[static_cast<size_t>(offset - 1)]);
    }
    batches.set_committed_offset(offset_);
    feed_.on_reply(std::move(reply));
  }

  std::shared_ptr<Executor> thread_;
  NodeId broker_id_;
  Prng prng_;
  Uuid cluster_id_;
  rpc::SessionEvents session_;
  rpc::MetadataEvents feed_;
  std::vector<std::string> log_;
  int64_t offset_ = 0;
  metadata::MetadataImage image_;
  int64_t epoch_ = 0;
  int64_t applied_ = 0;
  bool unfenced_ = false;
  int64_t next_producer_id_ = 1000;
  std::vector<std::pair<int64_t, Task>> parked_;
};

}  // namespace weir::handlers
