// Looking into transactions (KIP-664). Fields and versions are those of the protocol; DESIGN D9 and
// describe.h say how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// DescribeProducers (key 61): producers that are active on partitions (KIP-664).
struct DescribeProducersRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeProducers, "DescribeProducersRequest", {0, 0}, 0};

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

  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const DescribeProducersRequest&,
                         const DescribeProducersRequest&) = default;
};

// current_txn_start_offset is -1 outside a transaction.
struct DescribeProducersResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeProducers, "DescribeProducersResponse", {0, 0}, 0};

  struct ActiveProducer {
    int64_t producer_id = 0;
    int32_t producer_epoch = 0;
    int32_t last_sequence = -1;
    int64_t last_timestamp = -1;
    int32_t coordinator_epoch = 0;
    int64_t current_txn_start_offset = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ProducerId", self.producer_id, Always());
      visit("ProducerEpoch", self.producer_epoch, Always());
      visit("LastSequence", self.last_sequence, Always());
      visit("LastTimestamp", self.last_timestamp, Always());
      visit("CoordinatorEpoch", self.coordinator_epoch, Always());
      visit("CurrentTxnStartOffset", self.current_txn_start_offset, Always());
    }
    friend bool operator==(const ActiveProducer&, const ActiveProducer&) = default;
  };

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    std::vector<ActiveProducer> active_producers;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("ActiveProducers", self.active_producers, Always());
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

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const DescribeProducersResponse&,
                         const DescribeProducersResponse&) = default;
};

// DescribeTransactions (key 65): the state of transactional ids at their coordinator (KIP-664).
struct DescribeTransactionsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeTransactions, "DescribeTransactionsRequest", {0, 0}, 0};

  std::vector<std::string> transactional_ids;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("TransactionalIds", self.transactional_ids, Always());
  }
  friend bool operator==(const DescribeTransactionsRequest&,
                         const DescribeTransactionsRequest&) = default;
};

// Partitions of the open transaction by topic.
struct DescribeTransactionsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeTransactions, "DescribeTransactionsResponse", {0, 0}, 0};

  struct Topic {
    std::string topic;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Topic", self.topic, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct TransactionState {
    ErrorCode error_code = ErrorCode::kNone;
    std::string transactional_id;
    std::string transaction_state;
    int32_t transaction_timeout_ms = 0;
    int64_t transaction_start_time_ms = 0;
    int64_t producer_id = 0;
    int16_t producer_epoch = 0;
    std::vector<Topic> topics;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("TransactionalId", self.transactional_id, Always());
      visit("TransactionState", self.transaction_state, Always());
      visit("TransactionTimeoutMs", self.transaction_timeout_ms, Always());
      visit("TransactionStartTimeMs", self.transaction_start_time_ms, Always());
      visit("ProducerId", self.producer_id, Always());
      visit("ProducerEpoch", self.producer_epoch, Always());
      visit("Topics", self.topics, Always());
    }
    friend bool operator==(const TransactionState&, const TransactionState&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<TransactionState> transaction_states;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("TransactionStates", self.transaction_states, Always());
  }
  friend bool operator==(const DescribeTransactionsResponse&,
                         const DescribeTransactionsResponse&) = default;
};

// ListTransactions (key 66): transactional ids of one coordinator, filtered (KIP-664, KIP-994,
// KIP-1152).
struct ListTransactionsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kListTransactions, "ListTransactionsRequest", {0, 2}, 0};

  std::vector<std::string> state_filters;
  std::vector<int64_t> producer_id_filters;
  int64_t duration_filter = -1;
  std::optional<std::string> transactional_id_pattern;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("StateFilters", self.state_filters, Always());
    visit("ProducerIdFilters", self.producer_id_filters, Always());
    visit("DurationFilter", self.duration_filter, Since(1));
    visit("TransactionalIdPattern", self.transactional_id_pattern, Since(2).Nullable());
  }
  friend bool operator==(const ListTransactionsRequest&, const ListTransactionsRequest&) = default;
};

// States that the coordinator does not know are given back.
struct ListTransactionsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kListTransactions, "ListTransactionsResponse", {0, 2}, 0};

  struct TransactionState {
    std::string transactional_id;
    int64_t producer_id = 0;
    std::string transaction_state;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TransactionalId", self.transactional_id, Always());
      visit("ProducerId", self.producer_id, Always());
      visit("TransactionState", self.transaction_state, Always());
    }
    friend bool operator==(const TransactionState&, const TransactionState&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<std::string> unknown_state_filters;
  std::vector<TransactionState> transaction_states;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("UnknownStateFilters", self.unknown_state_filters, Always());
    visit("TransactionStates", self.transaction_states, Always());
  }
  friend bool operator==(const ListTransactionsResponse&,
                         const ListTransactionsResponse&) = default;
};

}  // namespace weir::wire
