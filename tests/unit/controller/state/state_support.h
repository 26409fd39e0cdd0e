// StateHarness: a cluster without Raft. A control decides, the records are applied at once, and
// after every batch the laws of the image are checked. Thread rule: one owner.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/base/prng.h"
#include "common/metadata/apply.h"
#include "common/metadata/dump.h"
#include "common/metadata/image.h"
#include "common/metadata/topic_config.h"
#include "controller/state/brokers.h"
#include "controller/state/decision.h"
#include "controller/state/topics.h"

namespace weir::state {

inline ErrorCode CodeOf(const admin::v1::AdminError& error) {
  return ErrorCodeFromNumber(error.code());
}

class StateHarness {
 public:
  explicit StateHarness(uint64_t seed = 1) : prng(seed) {
    metadata::v1::MetadataBatch batch;
    batch.add_records()->mutable_cluster()->set_cluster_id(Uuid::Random(prng).ToBytes());
    metadata::Apply(image, batch, LogIndex(1));
  }

  DecisionContext context() { return {image, WallTime(1'000), &prng, defaults}; }

  // Applies the records as one batch and checks everything. Returns its offset.
  LogIndex Commit(const Records& records) {
    const MetadataImage before = image;
    metadata::v1::MetadataBatch batch;
    for (const MetadataRecord& record : records) *batch.add_records() = record;
    metadata::Apply(image, batch, image.offset() + 1);
    EXPECT_EQ(image.skipped_records(), before.skipped_records()) << batch.ShortDebugString();
    CheckLaws();
    CheckEpochs(before);
    return image.offset();
  }

  template <class Reply>
  Reply Commit(const Result<Decision<Reply>>& decision) {
    EXPECT_TRUE(decision) << ToString(decision.error());
    if (!decision) return {};
    Commit(decision->records);
    return decision->reply;
  }

  broker::v1::Registration RegistrationOf(int32_t id) {
    broker::v1::Registration registration;
    registration.set_broker_id(id);
    registration.set_cluster_id(image.cluster_id().ToBytes());
    registration.set_incarnation_id(Uuid::Random(prng).ToBytes());
    Uuid& directory = directories[id];
    if (directory.IsZero()) directory = Uuid::Random(prng);
    registration.add_directory_ids(directory.ToBytes());
    metadata::v1::Endpoint* endpoint = registration.add_endpoints();
    endpoint->set_name("PLAINTEXT");
    endpoint->set_host("127.0.0.1");
    endpoint->set_port(9092 + id);
    endpoint->set_security_protocol("PLAINTEXT");
    registration.set_inter_broker_listener("PLAINTEXT");
    registration.set_previous_broker_epoch(-1);
    return registration;
  }

  void Register(int32_t id, const std::string& rack = "") {
    broker::v1::Registration registration = RegistrationOf(id);
    registration.set_rack(rack);
    Commit(RegisterBroker(context(), registration, /*session_open=*/false));
  }

  broker::v1::Heartbeat HeartbeatOf(int32_t id) {
    broker::v1::Heartbeat heartbeat;
    heartbeat.set_broker_epoch(image.FindBroker(NodeId(id))->epoch.value());
    heartbeat.set_applied_offset(static_cast<int64_t>(image.offset().value()));
    return heartbeat;
  }

  HeartbeatOutcome Beat(int32_t id, const broker::v1::Heartbeat& heartbeat) {
    return Commit(HandleHeartbeat(context(), NodeId(id), heartbeat));
  }
  void Unfence(int32_t id) { EXPECT_FALSE(Beat(id, HeartbeatOf(id)).fenced); }
  void Fence(int32_t id) {
    const NodeId ids[] = {NodeId(id)};
    Commit(FenceBrokers(context(), ids));
  }
  void AddBroker(int32_t id, const std::string& rack = "") {
    Register(id, rack);
    Unfence(id);
  }

  // Creates a topic and expects success.
  void CreateTopic(const std::string& name, int32_t partitions, int32_t replication_factor,
                   const std::map<std::string, std::string>& configs = {}) {
    admin::v1::CreateTopicsRequest request;
    admin::v1::NewTopic* topic = request.add_topics();
    topic->set_name(name);
    topic->set_partitions(partitions);
    topic->set_replication_factor(replication_factor);
    for (const auto& [key, value] : configs) (*topic->mutable_configs())[key] = value;
    const admin::v1::CreateTopicsReply reply = Commit(CreateTopics(context(), request));
    ASSERT_EQ(reply.topics_size(), 1);
    EXPECT_EQ(reply.topics(0).error().code(), 0) << reply.topics(0).error().message();
  }

  const metadata::Partition& PartitionAt(const std::string& topic, int32_t index) {
    const metadata::Partition* partition = image.FindPartition(topic, PartitionIndex(index));
    WEIR_CHECK(partition != nullptr);
    return *partition;
  }

  // I-08, I-09, I-11 and the shape of the lists.
  void CheckLaws() {
    for (const auto& [id, topic] : image.topics()) {
      for (const auto& [index, partition] : topic.partitions) {
        const std::string text = topic.name + "-" + ToString(index) + " " + Dump(partition);
        EXPECT_FALSE(partition.replicas.empty()) << text;
        for (const NodeId member : partition.isr) {
          EXPECT_TRUE(partition.replicas.Contains(member)) << text;
          EXPECT_TRUE(image.IsReplicaOnline(partition, member)) << "offline in ISR: " << text;
        }
        for (const NodeId member : partition.elr) {
          EXPECT_TRUE(partition.replicas.Contains(member)) << text;
          EXPECT_FALSE(partition.isr.Contains(member)) << text;
        }
        if (partition.leader != kNoNode) {
          EXPECT_TRUE(partition.isr.Contains(partition.leader)) << text;
          EXPECT_TRUE(image.IsUsableAsLeader(partition.leader)) << text;
        }
        EXPECT_TRUE(partition.leader != kNoNode || partition.isr.empty()) << text;
        CheckElrIsNeeded(topic, partition, text);
      }
    }
  }

  // I-08: with min.insync.replicas members in sync nobody else is eligible. A test that changes
  // configuration without its consequences says so.
  void CheckElrIsNeeded(const metadata::Topic& topic, const metadata::Partition& partition,
                        const std::string& text) {
    if (!check_elr_is_needed) return;
    const int32_t min_isr =
        metadata::EffectiveTopicConfig({image, kNoNode, &defaults.static_config}, topic.name)
            .min_insync_replicas;
    const size_t enough = std::min(static_cast<size_t>(min_isr), partition.replicas.size());
    if (partition.isr.size() < enough) return;
    EXPECT_TRUE(partition.elr.empty() && partition.last_known_elr.empty()) << text;
  }

  void CheckEpochs(const MetadataImage& before) {
    for (const auto& [id, topic] : before.topics()) {
      const metadata::Topic* now = image.FindTopic(id);
      if (now == nullptr) continue;
      for (const auto& [index, old] : topic.partitions) {
        const metadata::Partition& partition = *now->FindPartition(index);
        EXPECT_GE(partition.leader_epoch, old.leader_epoch);
        EXPECT_GE(partition.partition_epoch, old.partition_epoch);
        if (partition.leader != old.leader) {
          EXPECT_GT(partition.leader_epoch, old.leader_epoch);
        }
        if (!(partition == old)) {
          EXPECT_GT(partition.partition_epoch, old.partition_epoch);
        }
      }
    }
  }

  Prng prng;
  Defaults defaults;
  MetadataImage image;
  std::map<int32_t, Uuid> directories;
  bool check_elr_is_needed = true;
};

}  // namespace weir::state
