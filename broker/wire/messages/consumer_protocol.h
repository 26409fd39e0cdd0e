// What consumers put into the opaque bytes of JoinGroup and SyncGroup (protocol type "consumer").
// An int16 version leads. Fields and versions are those of the protocol; DESIGN D9 and describe.h
// say how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "broker/wire/field_types.h"

namespace weir::wire {

// A member's wishes: topics, and what it owns (KIP-429, KIP-792, KIP-881).
struct ConsumerProtocolSubscription {
  static constexpr MessageInfo kInfo{
      ApiKey::kNone, "ConsumerProtocolSubscription", {0, 3}, kNeverFlexible};

  struct TopicPartitions {
    std::string topic;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Topic", self.topic, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicPartitions&, const TopicPartitions&) = default;
  };

  std::vector<std::string> topics;
  std::optional<Bytes> user_data;
  std::vector<TopicPartitions> owned_partitions;
  int32_t generation_id = -1;
  std::optional<std::string> rack_id;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always());
    visit("UserData", self.user_data, Always().Nullable());
    visit("OwnedPartitions", self.owned_partitions, Since(1));
    visit("GenerationId", self.generation_id, Since(2));
    visit("RackId", self.rack_id, Since(3).Nullable());
  }
  friend bool operator==(const ConsumerProtocolSubscription&,
                         const ConsumerProtocolSubscription&) = default;
};

// What the leader gives a member.
struct ConsumerProtocolAssignment {
  static constexpr MessageInfo kInfo{
      ApiKey::kNone, "ConsumerProtocolAssignment", {0, 3}, kNeverFlexible};

  struct TopicPartitions {
    std::string topic;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Topic", self.topic, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicPartitions&, const TopicPartitions&) = default;
  };

  std::vector<TopicPartitions> assigned_partitions;
  std::optional<Bytes> user_data;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("AssignedPartitions", self.assigned_partitions, Always());
    visit("UserData", self.user_data, Always().Nullable());
  }
  friend bool operator==(const ConsumerProtocolAssignment&,
                         const ConsumerProtocolAssignment&) = default;
};

}  // namespace weir::wire
