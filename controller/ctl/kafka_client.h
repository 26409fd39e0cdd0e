// The Kafka side of `weir topic produce|consume`, on librdkafka. Consuming is by partitions and
// offsets alone: no group, nothing is committed.
//
// Laws:
//  1. Producing is idempotent with acks=all unless the caller says otherwise, and keys go to the
//     partition that Java clients choose for them (murmur2).
//  2. Errors are Kafka's codes; librdkafka's own ones become the nearest of them.
// Thread rule: one owner; callbacks run inside the calls of these classes.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "controller/ctl/offset_range.h"
#include "controller/ctl/record.h"

namespace weir::ctl {

struct KafkaOptions {
  // host:port, separated by commas.
  std::string bootstrap_servers;
  int64_t timeout_ms = 30'000;
  // librdkafka's own settings, from -X; they win.
  std::vector<std::pair<std::string, std::string>> settings;
};

struct RdKafkaDeleter {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
template <class T>
using RdKafkaPointer = std::unique_ptr<T, RdKafkaDeleter>;

// A client of `type` with these options and nothing else set. Errors: kInvalidConfig.
Result<RdKafkaPointer<rd_kafka_t>> NewKafkaHandle(rd_kafka_type_t type,
                                                  const KafkaOptions& options);

// The nearest of Kafka's codes, with librdkafka's words.
Error FromKafkaError(rd_kafka_resp_err_t error, const std::string& what);

class KafkaProducer {
 public:
  struct Delivery {
    int32_t partition = -1;
    int64_t offset = -1;
  };
  using OnDelivery = std::function<void(const Result<Delivery>& delivery)>;

  // `on_delivery` is called once per record, in Poll, Produce or Flush.
  static Result<std::unique_ptr<KafkaProducer>> Create(const KafkaOptions& options,
                                                       OnDelivery on_delivery);
  ~KafkaProducer();

  // Queues the record, waiting while the queue is full.
  Status Produce(const Record& record);
  // Calls back for what has been delivered by now.
  void Poll();
  // Waits until everything queued has been delivered or has failed.
  void Flush();

 private:
  KafkaProducer() = default;
  static void HandleDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);

  OnDelivery on_delivery_;
  RdKafkaPointer<rd_kafka_t> handle_;
};

class KafkaConsumer {
 public:
  static Result<std::unique_ptr<KafkaConsumer>> Create(const KafkaOptions& options,
                                                       const std::string& topic);
  ~KafkaConsumer();

  // The topic's partitions. Errors: kUnknownTopicOrPartition, kNetworkException.
  Result<std::vector<int32_t>> Partitions();
  // Errors: those of ListOffsets.
  Result<LogBounds> Bounds(int32_t partition);
  // The offset that `position` is now. Errors: those of ListOffsets.
  Result<int64_t> Resolve(int32_t partition, const Position& position);
  // Begins to consume `partitions` over `range`. Errors: those of ListOffsets.
  Status Start(const std::vector<int32_t>& partitions, const OffsetRange& range);
  // The next record, if one comes within `timeout`. Errors: e.g. kOffsetOutOfRange.
  Result<std::optional<Record>> Next(Duration timeout);
  // Every partition has reached the end of the range.
  bool finished() const { return open_partitions_ == 0; }

 private:
  struct Progress {
    int64_t end = INT64_MAX;  // exclusive
    bool done = false;
  };

  KafkaConsumer() = default;
  Result<int64_t> OffsetOfTime(int32_t partition, int64_t timestamp_ms);
  void Finish(Progress& progress);

  int timeout_ms_ = 0;
  RdKafkaPointer<rd_kafka_t> handle_;
  RdKafkaPointer<rd_kafka_topic_t> topic_;
  RdKafkaPointer<rd_kafka_queue_t> queue_;
  std::string topic_name_;
  std::map<int32_t, Progress> progress_;
  size_t open_partitions_ = 0;
};

}  // namespace weir::ctl
