// Producer ids and transactions (KIP-98). Fields and versions are those of the protocol; DESIGN D9
// and describe.h say how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// InitProducerId (key 22): a producer id and epoch, for idempotence alone or for a transactional id
// (KIP-98, KIP-360).
struct InitProducerIdRequest {
  static constexpr MessageInfo kInfo{ApiKey::kInitProducerId, "InitProducerIdRequest", {0, 6}, 2};

  std::optional<std::string> transactional_id{std::in_place};
  int32_t transaction_timeout_ms = 0;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  bool enable2_pc = false;
  bool keep_prepared_txn = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("TransactionalId", self.transactional_id, Always().Nullable());
    visit("TransactionTimeoutMs", self.transaction_timeout_ms, Always());
    visit("ProducerId", self.producer_id, Since(3));
    visit("ProducerEpoch", self.producer_epoch, Since(3));
    visit("Enable2Pc", self.enable2_pc, Since(6));
    visit("KeepPreparedTxn", self.keep_prepared_txn, Since(6));
  }
  friend bool operator==(const InitProducerIdRequest&, const InitProducerIdRequest&) = default;
};

// The id and epoch to produce with. Version 6 belongs to two-phase commit (KIP-939).
struct InitProducerIdResponse {
  static constexpr MessageInfo kInfo{ApiKey::kInitProducerId, "InitProducerIdResponse", {0, 6}, 2};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  int64_t producer_id = -1;
  int16_t producer_epoch = 0;
  int64_t ongoing_txn_producer_id = -1;
  int16_t ongoing_txn_producer_epoch = -1;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ProducerId", self.producer_id, Always());
    visit("ProducerEpoch", self.producer_epoch, Always());
    visit("OngoingTxnProducerId", self.ongoing_txn_producer_id, Since(6));
    visit("OngoingTxnProducerEpoch", self.ongoing_txn_producer_epoch, Since(6));
  }
  friend bool operator==(const InitProducerIdResponse&, const InitProducerIdResponse&) = default;
};

// AddPartitionsToTxn (key 24): partitions that join a transaction; versions 4 and 5 carry many
// transactions between brokers, also to verify (KIP-890).
struct AddPartitionsToTxnRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kAddPartitionsToTxn, "AddPartitionsToTxnRequest", {0, 5}, 3};

  struct Topic {
    std::string name;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Transaction {
    std::string transactional_id;
    int64_t producer_id = 0;
    int16_t producer_epoch = 0;
    bool verify_only = false;
    std::vector<Topic> topics;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TransactionalId", self.transactional_id, Always());
      visit("ProducerId", self.producer_id, Always());
      visit("ProducerEpoch", self.producer_epoch, Always());
      visit("VerifyOnly", self.verify_only, Always());
      visit("Topics", self.topics, Always());
    }
    friend bool operator==(const Transaction&, const Transaction&) = default;
  };

  std::vector<Transaction> transactions;
  std::string v3_and_below_transactional_id;
  int64_t v3_and_below_producer_id = 0;
  int16_t v3_and_below_producer_epoch = 0;
  std::vector<Topic> v3_and_below_topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Transactions", self.transactions, Since(4));
    visit("V3AndBelowTransactionalId", self.v3_and_below_transactional_id, Until(3));
    visit("V3AndBelowProducerId", self.v3_and_below_producer_id, Until(3));
    visit("V3AndBelowProducerEpoch", self.v3_and_below_producer_epoch, Until(3));
    visit("V3AndBelowTopics", self.v3_and_below_topics, Until(3));
  }
  friend bool operator==(const AddPartitionsToTxnRequest&,
                         const AddPartitionsToTxnRequest&) = default;
};

// Results by partition; by transaction from version 4.
struct AddPartitionsToTxnResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kAddPartitionsToTxn, "AddPartitionsToTxnResponse", {0, 5}, 3};

  struct PartitionResult {
    int32_t partition_index = 0;
    ErrorCode partition_error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("PartitionErrorCode", self.partition_error_code, Always());
    }
    friend bool operator==(const PartitionResult&, const PartitionResult&) = default;
  };

  struct TopicResult {
    std::string name;
    std::vector<PartitionResult> results_by_partition;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("ResultsByPartition", self.results_by_partition, Always());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  struct TransactionResult {
    std::string transactional_id;
    std::vector<TopicResult> topic_results;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TransactionalId", self.transactional_id, Always());
      visit("TopicResults", self.topic_results, Always());
    }
    friend bool operator==(const TransactionResult&, const TransactionResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<TopicResult> results_by_topic_v3_and_below;
  std::vector<TransactionResult> results_by_transaction;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Since(4));
    visit("ResultsByTopicV3AndBelow", self.results_by_topic_v3_and_below, Until(3));
    visit("ResultsByTransaction", self.results_by_transaction, Since(4));
  }
  friend bool operator==(const AddPartitionsToTxnResponse&,
                         const AddPartitionsToTxnResponse&) = default;
};

// AddOffsetsToTxn (key 25): a group's offsets join a transaction.
struct AddOffsetsToTxnRequest {
  static constexpr MessageInfo kInfo{ApiKey::kAddOffsetsToTxn, "AddOffsetsToTxnRequest", {0, 4}, 3};

  std::string transactional_id;
  int64_t producer_id = 0;
  int16_t producer_epoch = 0;
  std::string group_id;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("TransactionalId", self.transactional_id, Always());
    visit("ProducerId", self.producer_id, Always());
    visit("ProducerEpoch", self.producer_epoch, Always());
    visit("GroupId", self.group_id, Always());
  }
  friend bool operator==(const AddOffsetsToTxnRequest&, const AddOffsetsToTxnRequest&) = default;
};

// The outcome alone.
struct AddOffsetsToTxnResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kAddOffsetsToTxn, "AddOffsetsToTxnResponse", {0, 4}, 3};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
  }
  friend bool operator==(const AddOffsetsToTxnResponse&, const AddOffsetsToTxnResponse&) = default;
};

// EndTxn (key 26): commit or abort.
struct EndTxnRequest {
  static constexpr MessageInfo kInfo{ApiKey::kEndTxn, "EndTxnRequest", {0, 5}, 3};

  std::string transactional_id;
  int64_t producer_id = 0;
  int16_t producer_epoch = 0;
  bool committed = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("TransactionalId", self.transactional_id, Always());
    visit("ProducerId", self.producer_id, Always());
    visit("ProducerEpoch", self.producer_epoch, Always());
    visit("Committed", self.committed, Always());
  }
  friend bool operator==(const EndTxnRequest&, const EndTxnRequest&) = default;
};

// Version 5 returns the bumped producer epoch (KIP-890).
struct EndTxnResponse {
  static constexpr MessageInfo kInfo{ApiKey::kEndTxn, "EndTxnResponse", {0, 5}, 3};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ProducerId", self.producer_id, Since(5));
    visit("ProducerEpoch", self.producer_epoch, Since(5));
  }
  friend bool operator==(const EndTxnResponse&, const EndTxnResponse&) = default;
};

// WriteTxnMarkers (key 27): the coordinator writes commit or abort markers at partition leaders.
struct WriteTxnMarkersRequest {
  static constexpr MessageInfo kInfo{ApiKey::kWriteTxnMarkers, "WriteTxnMarkersRequest", {1, 2}, 1};

  struct Topic {
    std::string name;
    std::vector<int32_t> partition_indexes;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("PartitionIndexes", self.partition_indexes, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Marker {
    int64_t producer_id = 0;
    int16_t producer_epoch = 0;
    bool transaction_result = false;
    std::vector<Topic> topics;
    int32_t coordinator_epoch = 0;
    int8_t transaction_version = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ProducerId", self.producer_id, Always());
      visit("ProducerEpoch", self.producer_epoch, Always());
      visit("TransactionResult", self.transaction_result, Always());
      visit("Topics", self.topics, Always());
      visit("CoordinatorEpoch", self.coordinator_epoch, Always());
      visit("TransactionVersion", self.transaction_version, Since(2));
    }
    friend bool operator==(const Marker&, const Marker&) = default;
  };

  std::vector<Marker> markers;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Markers", self.markers, Always());
  }
  friend bool operator==(const WriteTxnMarkersRequest&, const WriteTxnMarkersRequest&) = default;
};

// Results by producer and partition.
struct WriteTxnMarkersResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kWriteTxnMarkers, "WriteTxnMarkersResponse", {1, 2}, 1};

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
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Marker {
    int64_t producer_id = 0;
    std::vector<Topic> topics;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ProducerId", self.producer_id, Always());
      visit("Topics", self.topics, Always());
    }
    friend bool operator==(const Marker&, const Marker&) = default;
  };

  std::vector<Marker> markers;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Markers", self.markers, Always());
  }
  friend bool operator==(const WriteTxnMarkersResponse&, const WriteTxnMarkersResponse&) = default;
};

}  // namespace weir::wire
