// Committed offsets of groups. Fields and versions are those of the protocol; DESIGN D9 and
// describe.h say how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// OffsetCommit (key 8): commit positions, with leader epoch from version 6 (KIP-320); topic ids
// from version 10.
struct OffsetCommitRequest {
  static constexpr MessageInfo kInfo{ApiKey::kOffsetCommit, "OffsetCommitRequest", {2, 10}, 8};

  struct Partition {
    int32_t partition_index = 0;
    int64_t committed_offset = 0;
    int32_t committed_leader_epoch = -1;
    std::optional<std::string> committed_metadata{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("CommittedOffset", self.committed_offset, Always());
      visit("CommittedLeaderEpoch", self.committed_leader_epoch, Since(6));
      visit("CommittedMetadata", self.committed_metadata, Always().Nullable());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(10));
      visit("Name", self.name, Until(9));
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id;
  int32_t generation_id_or_member_epoch = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  int64_t retention_time_ms = -1;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("GenerationIdOrMemberEpoch", self.generation_id_or_member_epoch, Always());
    visit("MemberId", self.member_id, Always());
    visit("GroupInstanceId", self.group_instance_id, Since(7).Nullable());
    visit("RetentionTimeMs", self.retention_time_ms, Until(4));
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const OffsetCommitRequest&, const OffsetCommitRequest&) = default;
};

// Results by partition.
struct OffsetCommitResponse {
  static constexpr MessageInfo kInfo{ApiKey::kOffsetCommit, "OffsetCommitResponse", {2, 10}, 8};

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(10));
      visit("Name", self.name, Until(9));
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(3));
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const OffsetCommitResponse&, const OffsetCommitResponse&) = default;
};

// OffsetFetch (key 9): committed positions; null topics means all. require_stable: KIP-447; many
// groups from version 8 (KIP-709).
struct OffsetFetchRequest {
  static constexpr MessageInfo kInfo{ApiKey::kOffsetFetch, "OffsetFetchRequest", {1, 10}, 6};

  struct Topic {
    Uuid topic_id;
    std::string name;
    std::vector<int32_t> partition_indexes;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(10));
      visit("Name", self.name, Until(9));
      visit("PartitionIndexes", self.partition_indexes, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Group {
    std::string group_id;
    std::optional<std::string> member_id;
    int32_t member_epoch = -1;
    std::optional<std::vector<Topic>> topics{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("GroupId", self.group_id, Always());
      visit("MemberId", self.member_id, Since(9).Nullable());
      visit("MemberEpoch", self.member_epoch, Since(9));
      visit("Topics", self.topics, Always().Nullable());
    }
    friend bool operator==(const Group&, const Group&) = default;
  };

  struct OffsetFetchRequestTopic {
    std::string name;
    std::vector<int32_t> partition_indexes;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("PartitionIndexes", self.partition_indexes, Always());
    }
    friend bool operator==(const OffsetFetchRequestTopic&,
                           const OffsetFetchRequestTopic&) = default;
  };

  std::vector<Group> groups;
  std::string group_id;
  std::optional<std::vector<OffsetFetchRequestTopic>> topics{std::in_place};
  bool require_stable = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Groups", self.groups, Since(8));
    visit("GroupId", self.group_id, Until(7));
    visit("Topics", self.topics, Until(7).NullableSince(2));
    visit("RequireStable", self.require_stable, Since(7));
  }
  friend bool operator==(const OffsetFetchRequest&, const OffsetFetchRequest&) = default;
};

// One group until version 7, a list from version 8.
struct OffsetFetchResponse {
  static constexpr MessageInfo kInfo{ApiKey::kOffsetFetch, "OffsetFetchResponse", {1, 10}, 6};

  struct Partition {
    int32_t partition_index = 0;
    int64_t committed_offset = 0;
    int32_t committed_leader_epoch = -1;
    std::optional<std::string> metadata{std::in_place};
    ErrorCode error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("CommittedOffset", self.committed_offset, Always());
      visit("CommittedLeaderEpoch", self.committed_leader_epoch, Always());
      visit("Metadata", self.metadata, Always().Nullable());
      visit("ErrorCode", self.error_code, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(10));
      visit("Name", self.name, Until(9));
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Group {
    std::string group_id;
    std::vector<Topic> topics;
    ErrorCode error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("GroupId", self.group_id, Always());
      visit("Topics", self.topics, Always());
      visit("ErrorCode", self.error_code, Always());
    }
    friend bool operator==(const Group&, const Group&) = default;
  };

  struct TopicPartition {
    int32_t partition_index = 0;
    int64_t committed_offset = 0;
    int32_t committed_leader_epoch = -1;
    std::optional<std::string> metadata{std::in_place};
    ErrorCode error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("CommittedOffset", self.committed_offset, Always());
      visit("CommittedLeaderEpoch", self.committed_leader_epoch, Since(5));
      visit("Metadata", self.metadata, Always().Nullable());
      visit("ErrorCode", self.error_code, Always());
    }
    friend bool operator==(const TopicPartition&, const TopicPartition&) = default;
  };

  struct OffsetFetchResponseTopic {
    std::string name;
    std::vector<TopicPartition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const OffsetFetchResponseTopic&,
                           const OffsetFetchResponseTopic&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Group> groups;
  std::vector<OffsetFetchResponseTopic> topics;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(3));
    visit("Groups", self.groups, Since(8));
    visit("Topics", self.topics, Until(7));
    visit("ErrorCode", self.error_code, Between(2, 7));
  }
  friend bool operator==(const OffsetFetchResponse&, const OffsetFetchResponse&) = default;
};

// TxnOffsetCommit (key 28): offsets that take effect when the transaction commits (KIP-98,
// KIP-447).
struct TxnOffsetCommitRequest {
  static constexpr MessageInfo kInfo{ApiKey::kTxnOffsetCommit, "TxnOffsetCommitRequest", {0, 6}, 3};

  struct Partition {
    int32_t partition_index = 0;
    int64_t committed_offset = 0;
    int32_t committed_leader_epoch = -1;
    std::optional<std::string> committed_metadata{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("CommittedOffset", self.committed_offset, Always());
      visit("CommittedLeaderEpoch", self.committed_leader_epoch, Since(2));
      visit("CommittedMetadata", self.committed_metadata, Always().Nullable());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(6));
      visit("Name", self.name, Until(5));
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string transactional_id;
  std::string group_id;
  int64_t producer_id = 0;
  int16_t producer_epoch = 0;
  int32_t generation_id_or_member_epoch = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("TransactionalId", self.transactional_id, Always());
    visit("GroupId", self.group_id, Always());
    visit("ProducerId", self.producer_id, Always());
    visit("ProducerEpoch", self.producer_epoch, Always());
    visit("GenerationIdOrMemberEpoch", self.generation_id_or_member_epoch, Since(3));
    visit("MemberId", self.member_id, Since(3));
    visit("GroupInstanceId", self.group_instance_id, Since(3).Nullable());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const TxnOffsetCommitRequest&, const TxnOffsetCommitRequest&) = default;
};

// Results by partition.
struct TxnOffsetCommitResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kTxnOffsetCommit, "TxnOffsetCommitResponse", {0, 6}, 3};

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(6));
      visit("Name", self.name, Until(5));
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const TxnOffsetCommitResponse&, const TxnOffsetCommitResponse&) = default;
};

}  // namespace weir::wire
