// RandomHistory: metadata batches as a cluster of few topics and brokers would write them, with
// some that do not fit, so that every record kind meets every state. Thread rule: one owner.
#pragma once

#include <string>
#include <vector>

#include "common/base/prng.h"
#include "common/metadata/image.h"
#include "proto/record.pb.h"

namespace weir::metadata {

class RandomHistory {
 public:
  explicit RandomHistory(uint64_t seed) : prng_(seed) {
    for (int i = 0; i < 8; ++i) topic_ids_.push_back(Uuid::Random(prng_));
  }

  Prng& prng() { return prng_; }

  // The next batch; `image` is what the earlier ones made.
  v1::MetadataBatch Next(const MetadataImage& image) {
    v1::MetadataBatch batch;
    const uint64_t count = prng_.Below(6);
    for (uint64_t i = 0; i < count; ++i) FillRecord(image, batch.add_records());
    if (prng_.Chance(1, 3)) {
      batch.mutable_cause()->set_request_id("request-" + std::to_string(prng_.Below(5000)));
      batch.mutable_cause()->set_method("CreateTopics");
      batch.mutable_cause()->set_timestamp_ms(static_cast<int64_t>(prng_.Below(1'000'000)));
      batch.set_reply(std::string(prng_.Below(30), 'r'));
    }
    return batch;
  }

 private:
  std::string AnyTopicId() { return topic_ids_[prng_.Below(topic_ids_.size())].ToBytes(); }
  int32_t AnyBroker() { return static_cast<int32_t>(prng_.Below(5)); }
  std::string AnyTopicName() {
    static const char* const kNames[] = {"a", "b", "a.b", "a_b", "a.b_c", "orders"};
    return kNames[prng_.Below(6)];
  }

  template <class List>
  void FillIds(List* ids) {
    const uint64_t count = prng_.Below(6);
    for (uint64_t i = 0; i < count; ++i) ids->Add(AnyBroker());
  }

  int64_t EpochOf(const MetadataImage& image, int32_t broker) {
    const Broker* found = image.FindBroker(NodeId(broker));
    return found != nullptr && prng_.Chance(9, 10) ? found->epoch.value() : 7;
  }

  void FillBroker(v1::RegisterBrokerRecord* out) {
    out->set_broker_id(AnyBroker());
    out->set_incarnation_id(Uuid::Random(prng_).ToBytes());
    out->add_directory_ids(Uuid::Random(prng_).ToBytes());
    v1::Endpoint* endpoint = out->add_endpoints();
    endpoint->set_name("PLAINTEXT");
    endpoint->set_host("host" + std::to_string(prng_.Below(3)));
    endpoint->set_port(static_cast<int32_t>(prng_.Between(1, 65535)));
    endpoint->set_security_protocol("PLAINTEXT");
    out->set_inter_broker_listener("PLAINTEXT");
    if (prng_.Chance(1, 2)) out->set_rack("rack");
    out->set_fenced(prng_.Chance(3, 4));
  }

  void FillPartition(const MetadataImage& image, v1::PartitionRecord* out) {
    const std::string id = AnyTopicId();
    const Topic* topic = image.FindTopic(*Uuid::FromBytes(id));
    const size_t next = topic == nullptr ? 0 : topic->partitions.size();
    out->set_topic_id(id);
    out->set_partition(static_cast<int32_t>(prng_.Chance(4, 5) ? next : prng_.Below(9)));
    FillIds(out->mutable_replicas());
    FillIds(out->mutable_isr());
    if (prng_.Chance(1, 4)) FillIds(out->mutable_elr());
    if (prng_.Chance(1, 4)) FillIds(out->mutable_last_known_elr());
    if (prng_.Chance(1, 4)) FillIds(out->mutable_adding_replicas());
    if (prng_.Chance(1, 4)) FillIds(out->mutable_removing_replicas());
    if (prng_.Chance(1, 4)) FillIds(out->mutable_original_replicas());
    if (prng_.Chance(1, 4)) FillIds(out->mutable_offline_replicas());
    if (prng_.Chance(1, 4)) out->set_throttled_rate(static_cast<int64_t>(prng_.Below(1'000'000)));
    out->set_leader(AnyBroker() - 1);
  }

  void FillPartitionChange(v1::PartitionChangeRecord* out) {
    out->set_topic_id(AnyTopicId());
    out->set_partition(static_cast<int32_t>(prng_.Below(4)));
    if (prng_.Chance(1, 2)) FillIds(out->mutable_isr()->mutable_ids());
    if (prng_.Chance(1, 2)) out->set_leader(AnyBroker() - 1);
    if (prng_.Chance(1, 3)) FillIds(out->mutable_elr()->mutable_ids());
    if (prng_.Chance(1, 3)) FillIds(out->mutable_replicas()->mutable_ids());
    if (prng_.Chance(1, 3)) FillIds(out->mutable_last_known_elr()->mutable_ids());
    if (prng_.Chance(1, 3)) FillIds(out->mutable_adding_replicas()->mutable_ids());
    if (prng_.Chance(1, 3)) FillIds(out->mutable_removing_replicas()->mutable_ids());
    if (prng_.Chance(1, 3)) FillIds(out->mutable_original_replicas()->mutable_ids());
    if (prng_.Chance(1, 3)) FillIds(out->mutable_offline_replicas()->mutable_ids());
    if (prng_.Chance(1, 3)) out->set_throttled_rate(static_cast<int64_t>(prng_.Below(1'000'000)));
    out->set_bump_leader_epoch(prng_.Chance(1, 5));
  }

  void FillConfig(v1::ConfigRecord* out) {
    const bool of_topic = prng_.Chance(1, 2);
    out->set_resource_type(of_topic ? v1::CONFIG_RESOURCE_TOPIC : v1::CONFIG_RESOURCE_BROKER);
    out->set_resource_name(of_topic ? AnyTopicName() : std::to_string(AnyBroker()));
    if (!of_topic && prng_.Chance(1, 3)) out->set_resource_name("");
    out->set_key(prng_.Chance(1, 2) ? "retention.ms" : "cleanup.policy");
    if (prng_.Chance(2, 3)) out->set_value(std::to_string(prng_.Below(100)));
  }

  std::string AnyGroup() { return "group-" + std::to_string(prng_.Below(4)); }
  std::string AnyMember() { return "member-" + std::to_string(prng_.Below(6)); }

  void FillGroup(v1::GroupRecord* out) {
    out->set_group_id(AnyGroup());
    out->set_type(prng_.Chance(19, 20) ? v1::GROUP_TYPE_CLASSIC : v1::GROUP_TYPE_UNKNOWN);
    out->set_state(static_cast<v1::GroupState>(prng_.Below(5)));
    out->set_generation(static_cast<int32_t>(prng_.Between(-1, 30)));
    if (prng_.Chance(3, 4)) out->set_protocol_type("consumer");
    if (prng_.Chance(1, 2)) out->set_protocol_name("range");
    if (prng_.Chance(1, 2)) out->set_leader(AnyMember());
  }

  void FillMember(v1::GroupMemberRecord* out) {
    out->set_group_id(AnyGroup());
    out->set_member_id(AnyMember());
    if (prng_.Chance(1, 2)) out->set_instance_id("instance-" + std::to_string(prng_.Below(3)));
    out->set_session_timeout_ms(static_cast<int32_t>(prng_.Below(3)));
    out->set_rebalance_timeout_ms(static_cast<int32_t>(prng_.Below(3)));
    if (prng_.Chance(1, 3)) out->set_replaces_member_id(AnyMember());
    out->set_uses_classic_protocol(prng_.Chance(1, 4));
  }

  void FillSubscription(v1::GroupSubscriptionRecord* out) {
    out->set_group_id(AnyGroup());
    out->set_member_id(AnyMember());
    out->set_client_id("client");
    out->set_client_host("host" + std::to_string(prng_.Below(2)));
    for (uint64_t i = prng_.Below(3); i > 0; --i) {
      v1::GroupProtocol* protocol = out->add_protocols();
      protocol->set_name(i == 1 ? "range" : "sticky");
      protocol->set_metadata(std::string(prng_.Below(9), 'm'));
    }
    if (prng_.Chance(1, 2)) out->add_topic_names(AnyTopicName());
    if (prng_.Chance(1, 4)) out->set_topic_regex("a.*");
  }

  // Now and then with a partition that comes twice, or a negative one.
  void FillPartitions(google::protobuf::RepeatedPtrField<v1::TopicPartitions>* out) {
    for (uint64_t i = prng_.Below(3); i > 0; --i) {
      v1::TopicPartitions* added = out->Add();
      added->set_topic_id(AnyTopicId());
      const auto first = static_cast<int32_t>(prng_.Between(-1, 9));
      added->add_partitions(first);
      added->add_partitions(first + static_cast<int32_t>(prng_.Between(0, 5)));
    }
  }

  void FillConsumerRecord(v1::MetadataRecord* record) {
    switch (prng_.Below(3)) {
      case 0:
        record->mutable_group_member_epoch()->set_group_id(AnyGroup());
        record->mutable_group_member_epoch()->set_member_id(AnyMember());
        record->mutable_group_member_epoch()->set_member_epoch(
            static_cast<int32_t>(prng_.Between(-3, 5)));
        record->mutable_group_member_epoch()->set_state(
            static_cast<v1::ConsumerMemberState>(prng_.Below(5)));
        break;
      case 1:
        record->mutable_group_target_assignment()->set_group_id(AnyGroup());
        record->mutable_group_target_assignment()->set_member_id(AnyMember());
        FillPartitions(record->mutable_group_target_assignment()->mutable_partitions());
        break;
      default:
        record->mutable_group_current_assignment()->set_group_id(AnyGroup());
        record->mutable_group_current_assignment()->set_member_id(AnyMember());
        FillPartitions(record->mutable_group_current_assignment()->mutable_assigned());
        FillPartitions(record->mutable_group_current_assignment()->mutable_pending_revocation());
        break;
    }
  }

  void FillGroupRecord(v1::MetadataRecord* record) {
    if (prng_.Chance(1, 3)) return FillConsumerRecord(record);
    switch (prng_.Below(8)) {
      case 0:
        FillGroup(record->mutable_group());
        break;
      case 1:
        record->mutable_remove_group()->set_group_id(AnyGroup());
        break;
      case 2:
      case 3:
      case 4:
        FillMember(record->mutable_group_member());
        break;
      case 5:
        record->mutable_remove_group_members()->set_group_id(AnyGroup());
        for (uint64_t i = prng_.Below(4); i > 0; --i) {
          record->mutable_remove_group_members()->add_member_ids(AnyMember());
        }
        break;
      case 6:
        FillSubscription(record->mutable_group_subscription());
        break;
      default:
        record->mutable_group_assignment()->set_group_id(AnyGroup());
        record->mutable_group_assignment()->set_member_id(AnyMember());
        record->mutable_group_assignment()->set_assignment(std::string(prng_.Below(5), 'a'));
        break;
    }
  }

  void FillRecord(const MetadataImage& image, v1::MetadataRecord* record) {
    if (prng_.Chance(1, 3)) return FillGroupRecord(record);
    const int32_t broker = AnyBroker();
    switch (prng_.Below(12)) {
      case 0:
        record->mutable_cluster()->set_cluster_id(Uuid::Random(prng_).ToBytes());
        break;
      case 1:
        record->mutable_feature()->set_name(prng_.Chance(1, 2) ? "metadata.version" : "group");
        record->mutable_feature()->set_level(static_cast<int32_t>(prng_.Between(-1, 3)));
        break;
      case 2:
        FillBroker(record->mutable_register_broker());
        break;
      case 3:
        record->mutable_broker_change()->set_broker_id(broker);
        record->mutable_broker_change()->set_broker_epoch(EpochOf(image, broker));
        if (prng_.Chance(1, 2)) record->mutable_broker_change()->set_fenced(prng_.Chance(1, 2));
        if (prng_.Chance(1, 2)) {
          record->mutable_broker_change()->set_in_controlled_shutdown(prng_.Chance(1, 2));
        }
        break;
      case 4:
        record->mutable_unregister_broker()->set_broker_id(broker);
        record->mutable_unregister_broker()->set_broker_epoch(EpochOf(image, broker));
        break;
      case 5:
      case 6:
        record->mutable_topic()->set_topic_id(AnyTopicId());
        record->mutable_topic()->set_name(AnyTopicName());
        record->mutable_topic()->set_internal(prng_.Chance(1, 5));
        break;
      case 7:
        FillPartition(image, record->mutable_partition());
        break;
      case 8:
        FillPartitionChange(record->mutable_partition_change());
        break;
      case 9:
        if (prng_.Chance(1, 3)) record->mutable_remove_topic()->set_topic_id(AnyTopicId());
        break;
      case 10:
        FillConfig(record->mutable_config());
        break;
      default:
        record->mutable_producer_ids()->set_next_producer_id(
            static_cast<int64_t>(prng_.Below(100'000)));
        break;
    }
  }

  Prng prng_;
  std::vector<Uuid> topic_ids_;
};

}  // namespace weir::metadata
