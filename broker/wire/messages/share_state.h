// State of share partitions, between share coordinator and leaders (KIP-932). Fields and versions
// are those of the protocol; describe.h says how they are read. Thread rule: plain
// values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// InitializeShareGroupState (key 83).
struct InitializeShareGroupStateRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kInitializeShareGroupState, "InitializeShareGroupStateRequest", {0, 0}, 0};

  struct Partition {
    int32_t partition = 0;
    int32_t state_epoch = 0;
    int64_t start_offset = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("StateEpoch", self.state_epoch, Always());
      visit("StartOffset", self.start_offset, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const InitializeShareGroupStateRequest&,
                         const InitializeShareGroupStateRequest&) = default;
};

// Results by partition.
struct InitializeShareGroupStateResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kInitializeShareGroupState, "InitializeShareGroupStateResponse", {0, 0}, 0};

  struct Partition {
    int32_t partition = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResult {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  std::vector<TopicResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Results", self.results, Always());
  }
  friend bool operator==(const InitializeShareGroupStateResponse&,
                         const InitializeShareGroupStateResponse&) = default;
};

// ReadShareGroupState (key 84).
struct ReadShareGroupStateRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kReadShareGroupState, "ReadShareGroupStateRequest", {0, 0}, 0};

  struct Partition {
    int32_t partition = 0;
    int32_t leader_epoch = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const ReadShareGroupStateRequest&,
                         const ReadShareGroupStateRequest&) = default;
};

// State batches by partition.
struct ReadShareGroupStateResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kReadShareGroupState, "ReadShareGroupStateResponse", {0, 0}, 0};

  struct StateBatch {
    int64_t first_offset = 0;
    int64_t last_offset = 0;
    int8_t delivery_state = 0;
    int16_t delivery_count = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("FirstOffset", self.first_offset, Always());
      visit("LastOffset", self.last_offset, Always());
      visit("DeliveryState", self.delivery_state, Always());
      visit("DeliveryCount", self.delivery_count, Always());
    }
    friend bool operator==(const StateBatch&, const StateBatch&) = default;
  };

  struct Partition {
    int32_t partition = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    int32_t state_epoch = 0;
    int64_t start_offset = 0;
    std::vector<StateBatch> state_batches;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("StateEpoch", self.state_epoch, Always());
      visit("StartOffset", self.start_offset, Always());
      visit("StateBatches", self.state_batches, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResult {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  std::vector<TopicResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Results", self.results, Always());
  }
  friend bool operator==(const ReadShareGroupStateResponse&,
                         const ReadShareGroupStateResponse&) = default;
};

// WriteShareGroupState (key 85).
struct WriteShareGroupStateRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kWriteShareGroupState, "WriteShareGroupStateRequest", {0, 1}, 0};

  struct StateBatch {
    int64_t first_offset = 0;
    int64_t last_offset = 0;
    int8_t delivery_state = 0;
    int16_t delivery_count = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("FirstOffset", self.first_offset, Always());
      visit("LastOffset", self.last_offset, Always());
      visit("DeliveryState", self.delivery_state, Always());
      visit("DeliveryCount", self.delivery_count, Always());
    }
    friend bool operator==(const StateBatch&, const StateBatch&) = default;
  };

  struct Partition {
    int32_t partition = 0;
    int32_t state_epoch = 0;
    int32_t leader_epoch = 0;
    int64_t start_offset = 0;
    int32_t delivery_complete_count = -1;
    std::vector<StateBatch> state_batches;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("StateEpoch", self.state_epoch, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
      visit("StartOffset", self.start_offset, Always());
      visit("DeliveryCompleteCount", self.delivery_complete_count, Since(1));
      visit("StateBatches", self.state_batches, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const WriteShareGroupStateRequest&,
                         const WriteShareGroupStateRequest&) = default;
};

// Results by partition.
struct WriteShareGroupStateResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kWriteShareGroupState, "WriteShareGroupStateResponse", {0, 1}, 0};

  struct Partition {
    int32_t partition = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResult {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  std::vector<TopicResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Results", self.results, Always());
  }
  friend bool operator==(const WriteShareGroupStateResponse&,
                         const WriteShareGroupStateResponse&) = default;
};

// DeleteShareGroupState (key 86).
struct DeleteShareGroupStateRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDeleteShareGroupState, "DeleteShareGroupStateRequest", {0, 0}, 0};

  struct Partition {
    int32_t partition = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const DeleteShareGroupStateRequest&,
                         const DeleteShareGroupStateRequest&) = default;
};

// Results by partition.
struct DeleteShareGroupStateResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDeleteShareGroupState, "DeleteShareGroupStateResponse", {0, 0}, 0};

  struct Partition {
    int32_t partition = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResult {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  std::vector<TopicResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Results", self.results, Always());
  }
  friend bool operator==(const DeleteShareGroupStateResponse&,
                         const DeleteShareGroupStateResponse&) = default;
};

// ReadShareGroupStateSummary (key 87): state without its batches.
struct ReadShareGroupStateSummaryRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kReadShareGroupStateSummary, "ReadShareGroupStateSummaryRequest", {0, 1}, 0};

  struct Partition {
    int32_t partition = 0;
    int32_t leader_epoch = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const ReadShareGroupStateSummaryRequest&,
                         const ReadShareGroupStateSummaryRequest&) = default;
};

// Start offsets by partition.
struct ReadShareGroupStateSummaryResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kReadShareGroupStateSummary, "ReadShareGroupStateSummaryResponse", {0, 1}, 0};

  struct Partition {
    int32_t partition = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    int32_t state_epoch = 0;
    int32_t leader_epoch = 0;
    int64_t start_offset = 0;
    int32_t delivery_complete_count = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("StateEpoch", self.state_epoch, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
      visit("StartOffset", self.start_offset, Always());
      visit("DeliveryCompleteCount", self.delivery_complete_count, Since(1));
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResult {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  std::vector<TopicResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Results", self.results, Always());
  }
  friend bool operator==(const ReadShareGroupStateSummaryResponse&,
                         const ReadShareGroupStateSummaryResponse&) = default;
};

}  // namespace weir::wire
