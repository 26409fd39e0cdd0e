// Produce: the way of records into the log. A hot path: topic names are views into the frame.
// Fields and versions are those of the protocol; describe.h says how they are read.
// Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "broker/wire/field_types.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// Produce (key 0): append one record batch per partition. transactional_id since KIP-98; topic ids
// from version 13 (KIP-516). acks 0 has no response.
struct ProduceRequest {
  static constexpr MessageInfo kInfo{ApiKey::kProduce, "ProduceRequest", {3, 13}, 9};

  struct PartitionData {
    int32_t index = 0;
    std::optional<Records> records{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Index", self.index, Always());
      visit("Records", self.records, Always().Nullable());
    }
    friend bool operator==(const PartitionData&, const PartitionData&) = default;
  };

  struct TopicData {
    Uuid topic_id;
    std::string_view name;
    std::vector<PartitionData> partition_data;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(13));
      visit("Name", self.name, Until(12));
      visit("PartitionData", self.partition_data, Always());
    }
    friend bool operator==(const TopicData&, const TopicData&) = default;
  };

  std::optional<std::string> transactional_id;
  int16_t acks = 0;
  int32_t timeout_ms = 0;
  std::vector<TopicData> topic_data;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("TransactionalId", self.transactional_id, Always().Nullable());
    visit("Acks", self.acks, Always());
    visit("TimeoutMs", self.timeout_ms, Always());
    visit("TopicData", self.topic_data, Always());
  }
  friend bool operator==(const ProduceRequest&, const ProduceRequest&) = default;
};

// base_offset is where the batch went; current_leader and node_endpoints tell where to go instead
// (KIP-951).
struct ProduceResponse {
  static constexpr MessageInfo kInfo{ApiKey::kProduce, "ProduceResponse", {3, 13}, 9};

  struct RecordError {
    int32_t batch_index = 0;
    std::optional<std::string> batch_index_error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("BatchIndex", self.batch_index, Always());
      visit("BatchIndexErrorMessage", self.batch_index_error_message, Always().Nullable());
    }
    friend bool operator==(const RecordError&, const RecordError&) = default;
  };

  struct CurrentLeader {
    int32_t leader_id = -1;
    int32_t leader_epoch = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("LeaderId", self.leader_id, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
    }
    friend bool operator==(const CurrentLeader&, const CurrentLeader&) = default;
  };

  struct PartitionResponse {
    int32_t index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    int64_t base_offset = 0;
    int64_t log_append_time_ms = -1;
    int64_t log_start_offset = -1;
    std::vector<RecordError> record_errors;
    std::optional<std::string> error_message;
    CurrentLeader current_leader;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Index", self.index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("BaseOffset", self.base_offset, Always());
      visit("LogAppendTimeMs", self.log_append_time_ms, Always());
      visit("LogStartOffset", self.log_start_offset, Since(5));
      visit("RecordErrors", self.record_errors, Since(8));
      visit("ErrorMessage", self.error_message, Since(8).Nullable());
      visit("CurrentLeader", self.current_leader, Since(10).Tagged(0));
    }
    friend bool operator==(const PartitionResponse&, const PartitionResponse&) = default;
  };

  struct TopicResponse {
    Uuid topic_id;
    std::string_view name;
    std::vector<PartitionResponse> partition_responses;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(13));
      visit("Name", self.name, Until(12));
      visit("PartitionResponses", self.partition_responses, Always());
    }
    friend bool operator==(const TopicResponse&, const TopicResponse&) = default;
  };

  struct NodeEndpoint {
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("NodeId", self.node_id, Always());
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
      visit("Rack", self.rack, Always().Nullable());
    }
    friend bool operator==(const NodeEndpoint&, const NodeEndpoint&) = default;
  };

  std::vector<TopicResponse> responses;
  int32_t throttle_time_ms = 0;
  std::vector<NodeEndpoint> node_endpoints;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Responses", self.responses, Always());
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("NodeEndpoints", self.node_endpoints, Since(10).Tagged(0));
  }
  friend bool operator==(const ProduceResponse&, const ProduceResponse&) = default;
};

}  // namespace weir::wire
