#include "common/metadata/dump.h"

#include "common/base/crc32c.h"

namespace weir::metadata {
namespace {

std::string Quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\x";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

void AppendList(std::string_view name, const NodeIdList& ids, std::string* out) {
  if (ids.empty()) return;
  *out += " ";
  *out += name;
  *out += "=" + ToString(ids);
}

std::string Dump(const Broker& broker) {
  std::string text = "broker " + ToString(broker.id) + " epoch=" + ToString(broker.epoch);
  text += broker.fenced ? " fenced" : " live";
  if (broker.in_controlled_shutdown) text += " in_controlled_shutdown";
  text += " incarnation_id=" + broker.incarnation_id.ToString();
  for (const Uuid& directory : broker.directory_ids) {
    text += " directory_id=" + directory.ToString();
  }
  for (const Endpoint& endpoint : broker.endpoints) {
    text += " " + endpoint.name + "=" + endpoint.security_protocol + "://" + endpoint.host + ":" +
            std::to_string(endpoint.port);
  }
  text += " inter_broker_listener=" + Quoted(broker.inter_broker_listener);
  if (!broker.rack.empty()) text += " rack=" + Quoted(broker.rack);
  if (!broker.version.empty()) text += " version=" + Quoted(broker.version);
  if (!broker.http_address.empty()) text += " http_address=" + Quoted(broker.http_address);
  return text + "\n";
}

std::string Dump(const Topic& topic) {
  std::string text = "topic " + Quoted(topic.name) + " id=" + topic.id.ToString();
  if (topic.internal) text += " internal";
  text += "\n";
  for (const auto& [index, partition] : topic.partitions) {
    text += "  partition " + ToString(index) + " " + Dump(partition) + "\n";
  }
  return text;
}

// Opaque bytes: their number and their checksum.
std::string Digest(std::string_view bytes) {
  return std::to_string(bytes.size()) + "B/" + std::to_string(Crc32c(bytes));
}

std::string Dump(const PartitionsByTopic& partitions) {
  std::string text = "[";
  for (const auto& [topic, numbers] : partitions) {
    if (text.size() > 1) text += " ";
    text += topic.ToString() + ":";
    for (size_t i = 0; i < numbers.size(); ++i) {
      text += (i == 0 ? "" : ",") + std::to_string(numbers[i]);
    }
  }
  return text + "]";
}

std::string_view MemberStateName(ConsumerMemberState state) {
  switch (state) {
    case ConsumerMemberState::kStable:
      return "stable";
    case ConsumerMemberState::kUnrevokedPartitions:
      return "unrevoked_partitions";
    case ConsumerMemberState::kUnreleasedPartitions:
      return "unreleased_partitions";
  }
  return "";
}

// What a member of a consumer group has beside.
std::string DumpConsumer(const GroupMember& member) {
  std::string text;
  if (member.uses_classic_protocol) text += " uses_classic_protocol";
  if (member.member_epoch != 0) {
    text += " member_epoch=" + std::to_string(member.member_epoch) +
            " previous_member_epoch=" + std::to_string(member.previous_member_epoch) + " ";
    text += MemberStateName(member.state);
  }
  if (member.target != nullptr) text += " target=" + Dump(*member.target);
  if (member.assigned != nullptr) text += " assigned=" + Dump(*member.assigned);
  if (member.pending_revocation != nullptr) {
    text += " pending_revocation=" + Dump(*member.pending_revocation);
  }
  return text;
}

std::string DumpMember(std::string_view member_id, const GroupMember& member) {
  std::string text = "  member " + Quoted(member_id);
  if (member.is_static()) text += " instance_id=" + Quoted(member.instance_id);
  text += " session_timeout_ms=" + std::to_string(member.session_timeout_ms) +
          " rebalance_timeout_ms=" + std::to_string(member.rebalance_timeout_ms);
  if (member.subscription != nullptr) {
    text += " client_id=" + Quoted(member.subscription->client_id) +
            " client_host=" + Quoted(member.subscription->client_host);
    for (const GroupProtocol& protocol : member.subscription->protocols) {
      text += " " + Quoted(protocol.name) + "=" + Digest(protocol.metadata);
    }
    for (const std::string& topic : member.subscription->topic_names) {
      text += " topic=" + Quoted(topic);
    }
    const auto add = [&text](std::string_view name, const std::string& value) {
      if (value.empty()) return;
      text += " ";
      text += name;
      text += "=" + Quoted(value);
    };
    add("topic_regex", member.subscription->topic_regex);
    add("rack_id", member.subscription->rack_id);
    add("server_assignor", member.subscription->server_assignor);
  }
  if (member.assignment != nullptr) text += " assignment=" + Digest(*member.assignment);
  return text + DumpConsumer(member) + "\n";
}

std::string_view ResourceTypeName(v1::ConfigResourceType type) {
  if (type == v1::CONFIG_RESOURCE_TOPIC) return "topic";
  if (type == v1::CONFIG_RESOURCE_BROKER) return "broker";
  if (type == v1::CONFIG_RESOURCE_BROKER_LOGGER) return "broker_logger";
  if (type == v1::CONFIG_RESOURCE_CLIENT_METRICS) return "client_metrics";
  if (type == v1::CONFIG_RESOURCE_GROUP) return "group";
  return "unknown";
}

}  // namespace

std::string Dump(const Partition& partition) {
  std::string text =
      "leader=" + ToString(partition.leader) + " leader_epoch=" + ToString(partition.leader_epoch) +
      " partition_epoch=" + ToString(partition.partition_epoch) +
      " replicas=" + ToString(partition.replicas) + " isr=" + ToString(partition.isr);
  AppendList("elr", partition.elr, &text);
  AppendList("last_known_elr", partition.last_known_elr, &text);
  AppendList("offline_replicas", partition.offline_replicas, &text);
  AppendList("adding_replicas", partition.adding_replicas, &text);
  AppendList("removing_replicas", partition.removing_replicas, &text);
  AppendList("original_replicas", partition.original_replicas, &text);
  if (partition.throttled_rate != 0) {
    text += " throttled_rate=" + std::to_string(partition.throttled_rate);
  }
  return text;
}

std::string Dump(std::string_view group_id, const Group& group) {
  std::string text = "group " + Quoted(group_id) + " ";
  text += GroupTypeName(group.type);
  text += " ";
  text += GroupStateName(group.state);
  text += " generation=" + std::to_string(group.generation) +
          " protocol_type=" + Quoted(group.protocol_type) +
          " protocol_name=" + Quoted(group.protocol_name) + " leader=" + Quoted(group.leader);
  if (group.type == GroupType::kConsumer) {
    text += " assignment_epoch=" + std::to_string(group.assignment_epoch) +
            " topics_hash=" + std::to_string(group.topics_hash);
  }
  text += "\n";
  for (const auto& [id, member] : group.members) text += DumpMember(id, member);
  return text;
}

std::string Dump(const MetadataImage& image) {
  std::string text = "offset " + ToString(image.offset()) + "\n";
  text += "cluster_id " + image.cluster_id().ToString() + "\n";
  for (const auto& [name, level] : image.features()) {
    text += "feature " + name + "=" + std::to_string(level) + "\n";
  }
  for (const auto& [id, broker] : image.brokers()) text += Dump(broker);
  for (const auto& [name, id] : image.topic_ids()) text += Dump(*image.FindTopic(id));
  for (const auto& [resource, values] : image.configs()) {
    text += "config ";
    text += ResourceTypeName(resource.type);
    text += " " + Quoted(resource.name);
    for (const auto& [key, value] : values) text += " " + key + "=" + Quoted(value);
    text += "\n";
  }
  for (const auto& [id, group] : image.groups()) text += Dump(id, group);
  text += "next_producer_id " + ToString(image.next_producer_id()) + "\n";
  for (const auto& [offset, request] : image.completed_requests()) {
    text += "completed_request " + Quoted(request.request_id) + " offset=" + ToString(offset) +
            " method=" + request.method + " reply_bytes=" + std::to_string(request.reply->size()) +
            " timestamp_ms=" + ToString(request.timestamp) + "\n";
  }
  return text;
}

std::string Dump(const Delta& delta) {
  std::string text;
  if (delta.cluster_changed) text += "cluster\n";
  for (const NodeId id : delta.changed_brokers) text += "broker " + ToString(id) + "\n";
  for (const auto& [id, name] : delta.removed_topics) {
    text += "removed_topic " + Quoted(name) + " id=" + id.ToString() + "\n";
  }
  for (const auto& [id, partitions] : delta.changed_partitions) {
    text += "topic id=" + id.ToString() + " partitions=[";
    std::string_view separator;
    for (const PartitionIndex index : partitions) {
      text += separator;
      text += ToString(index);
      separator = ", ";
    }
    text += "]\n";
  }
  for (const ConfigResource& resource : delta.changed_configs) {
    text += "config ";
    text += ResourceTypeName(resource.type);
    text += " " + Quoted(resource.name) + "\n";
  }
  for (const std::string& id : delta.changed_groups) text += "group " + Quoted(id) + "\n";
  return text;
}

}  // namespace weir::metadata
