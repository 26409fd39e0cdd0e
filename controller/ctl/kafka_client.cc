#include "controller/ctl/kafka_client.h"

#include "common/base/check.h"

namespace weir::ctl {
namespace {

constexpr int kFlushStepMs = 100;

ErrorCode NearestCode(rd_kafka_resp_err_t error) {
  if (error >= RD_KAFKA_RESP_ERR_NO_ERROR) return ErrorCodeFromNumber(error);
  if (error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
    return ErrorCode::kRequestTimedOut;
  if (error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    return ErrorCode::kUnknownTopicOrPartition;
  if (error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
      error == RD_KAFKA_RESP_ERR__RESOLVE)
    return ErrorCode::kNetworkException;
  if (error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) return ErrorCode::kOffsetOutOfRange;
  if (error == RD_KAFKA_RESP_ERR__BAD_MSG) return ErrorCode::kCorruptMessage;
  return ErrorCode::kUnknownServerError;
}

// The command prints the errors that matter; librdkafka's own log lines would only interleave.
void IgnoreLog(const rd_kafka_t*, int, const char*, const char*) {}

Status SetAll(rd_kafka_conf_t* conf,
              const std::vector<std::pair<std::string, std::string>>& settings) {
  char error[512];
  for (const auto& [key, value] : settings)
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error, sizeof error) !=
        RD_KAFKA_CONF_OK)
      return Fail(ErrorCode::kInvalidConfig, error);
  return {};
}

// Takes over `conf`.
Result<RdKafkaPointer<rd_kafka_t>> NewHandle(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char error[512];
  rd_kafka_t* handle = rd_kafka_new(type, conf, error, sizeof error);
  if (handle != nullptr) return RdKafkaPointer<rd_kafka_t>(handle);
  rd_kafka_conf_destroy(conf);
  return Fail(ErrorCode::kInvalidConfig, error);
}

// `base` first, then the caller's own.
Result<rd_kafka_conf_t*> MakeConf(const KafkaOptions& options,
                                  std::vector<std::pair<std::string, std::string>> base) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, IgnoreLog);
  base.emplace_back("bootstrap.servers", options.bootstrap_servers);
  base.emplace_back("client.id", "weir");
  base.insert(base.end(), options.settings.begin(), options.settings.end());
  if (const Status set = SetAll(conf, base); !set) {
    rd_kafka_conf_destroy(conf);
    return tl::unexpected<Error>(set.error());
  }
  return conf;
}

std::optional<std::string> Bytes(const void* data, size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(data), size);
}

Record ToRecord(const rd_kafka_message_t& message, const std::string& topic) {
  Record record;
  record.topic = topic;
  record.partition = message.partition;
  record.offset = message.offset;
  record.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
  record.key = Bytes(message.key, message.key_len);
  record.value = Bytes(message.payload, message.len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    record.headers.push_back({name, Bytes(value, size)});
  return record;
}

rd_kafka_headers_t* ToRdKafkaHeaders(const std::vector<RecordHeader>& headers) {
  rd_kafka_headers_t* out = rd_kafka_headers_new(headers.size());
  for (const RecordHeader& header : headers)
    rd_kafka_header_add(out, header.key.data(), static_cast<ssize_t>(header.key.size()),
                        header.value ? header.value->data() : nullptr,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  return out;
}

}  // namespace

Result<RdKafkaPointer<rd_kafka_t>> NewKafkaHandle(rd_kafka_type_t type,
                                                  const KafkaOptions& options) {
  WEIR_ASSIGN_OR_RETURN(rd_kafka_conf_t * conf, MakeConf(options, {}));
  return NewHandle(type, conf);
}

Error FromKafkaError(rd_kafka_resp_err_t error, const std::string& what) {
  return {NearestCode(error), what + ": " + rd_kafka_err2str(error)};
}

// ---- Producer ---------------------------------------------------------------------------------

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::Create(const KafkaOptions& options,
                                                             OnDelivery on_delivery) {
  WEIR_ASSIGN_OR_RETURN(
      rd_kafka_conf_t * conf,
      MakeConf(options, {{"enable.idempotence", "true"},
                         {"partitioner", "murmur2_random"},
                         {"message.timeout.ms", std::to_string(options.timeout_ms)}}));
  auto producer = std::unique_ptr<KafkaProducer>(new KafkaProducer());
  producer->on_delivery_ = std::move(on_delivery);
  rd_kafka_conf_set_opaque(conf, producer.get());
  rd_kafka_conf_set_dr_msg_cb(conf, &KafkaProducer::HandleDelivery);
  WEIR_ASSIGN_OR_RETURN(producer->handle_, NewHandle(RD_KAFKA_PRODUCER, conf));
  return producer;
}

KafkaProducer::~KafkaProducer() = default;

void KafkaProducer::HandleDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* self = static_cast<KafkaProducer*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
    self->on_delivery_(Delivery{message->partition, message->offset});
  else
    self->on_delivery_(tl::unexpected<Error>(FromKafkaError(message->err, "record not stored")));
}

Status KafkaProducer::Produce(const Record& record) {
  const auto data = [](const std::optional<std::string>& bytes) {
    return bytes ? const_cast<char*>(bytes->data()) : nullptr;
  };
  const auto size = [](const std::optional<std::string>& bytes) {
    return bytes ? bytes->size() : size_t{0};
  };
  while (true) {
    rd_kafka_headers_t* headers = ToRdKafkaHeaders(record.headers);
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        handle_.get(), RD_KAFKA_V_TOPIC(record.topic.c_str()),
        RD_KAFKA_V_PARTITION(record.partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(data(record.key), size(record.key)),
        RD_KAFKA_V_VALUE(data(record.value), size(record.value)), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    rd_kafka_headers_destroy(headers);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      return tl::unexpected<Error>(FromKafkaError(error, "topic " + record.topic));
    rd_kafka_poll(handle_.get(), kFlushStepMs);
  }
}

void KafkaProducer::Poll() { rd_kafka_poll(handle_.get(), 0); }

void KafkaProducer::Flush() {
  // Ends by itself: every record is delivered or times out (message.timeout.ms).
  while (rd_kafka_outq_len(handle_.get()) > 0) rd_kafka_flush(handle_.get(), kFlushStepMs);
}

// ---- Consumer ---------------------------------------------------------------------------------

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Create(const KafkaOptions& options,
                                                             const std::string& topic) {
  WEIR_ASSIGN_OR_RETURN(rd_kafka_conf_t * conf,
                        MakeConf(options, {{"enable.partition.eof", "true"},
                                           {"auto.offset.reset", "error"},
                                           {"allow.auto.create.topics", "false"}}));
  auto consumer = std::unique_ptr<KafkaConsumer>(new KafkaConsumer());
  WEIR_ASSIGN_OR_RETURN(consumer->handle_, NewHandle(RD_KAFKA_CONSUMER, conf));
  consumer->timeout_ms_ = static_cast<int>(options.timeout_ms);
  consumer->topic_name_ = topic;
  consumer->topic_.reset(rd_kafka_topic_new(consumer->handle_.get(), topic.c_str(), nullptr));
  consumer->queue_.reset(rd_kafka_queue_new(consumer->handle_.get()));
  return consumer;
}

KafkaConsumer::~KafkaConsumer() {
  for (const auto& [partition, progress] : progress_)
    rd_kafka_consume_stop(topic_.get(), partition);
}

Result<std::vector<int32_t>> KafkaConsumer::Partitions() {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(handle_.get(), 0, topic_.get(), &metadata, timeout_ms_);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected<Error>(FromKafkaError(error, "metadata of topic " + topic_name_));
  std::vector<int32_t> partitions;
  rd_kafka_resp_err_t topic_error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  if (metadata->topic_cnt == 1) {
    topic_error = metadata->topics[0].err;
    for (int i = 0; i < metadata->topics[0].partition_cnt; ++i)
      partitions.push_back(metadata->topics[0].partitions[i].id);
  }
  rd_kafka_metadata_destroy(metadata);
  if (topic_error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected<Error>(FromKafkaError(topic_error, "topic " + topic_name_));
  return partitions;
}

Result<LogBounds> KafkaConsumer::Bounds(int32_t partition) {
  LogBounds bounds;
  const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
      handle_.get(), topic_name_.c_str(), partition, &bounds.start, &bounds.end, timeout_ms_);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return bounds;
  return tl::unexpected<Error>(
      FromKafkaError(error, "offsets of partition " + std::to_string(partition)));
}

Result<int64_t> KafkaConsumer::OffsetOfTime(int32_t partition, int64_t timestamp_ms) {
  const std::unique_ptr<rd_kafka_topic_partition_list_t,
                        decltype(&rd_kafka_topic_partition_list_destroy)>
      list(rd_kafka_topic_partition_list_new(1), &rd_kafka_topic_partition_list_destroy);
  auto* entry = rd_kafka_topic_partition_list_add(list.get(), topic_name_.c_str(), partition);
  entry->offset = timestamp_ms;
  rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(handle_.get(), list.get(), timeout_ms_);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = entry->err;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected<Error>(
        FromKafkaError(error, "offset by time of partition " + std::to_string(partition)));
  if (entry->offset >= 0) return entry->offset;
  // No record is that young: the end.
  WEIR_ASSIGN_OR_RETURN(const LogBounds bounds, Bounds(partition));
  return bounds.end;
}

Result<int64_t> KafkaConsumer::Resolve(int32_t partition, const Position& position) {
  if (position.kind == PositionKind::kOffset) return position.value;
  if (position.kind == PositionKind::kTime) return OffsetOfTime(partition, position.value);
  WEIR_ASSIGN_OR_RETURN(const LogBounds bounds, Bounds(partition));
  return ResolvePosition(position, bounds);
}

Status KafkaConsumer::Start(const std::vector<int32_t>& partitions, const OffsetRange& range) {
  for (const int32_t partition : partitions) {
    Progress progress;
    WEIR_ASSIGN_OR_RETURN(const int64_t from, Resolve(partition, range.from));
    if (range.to) {
      WEIR_ASSIGN_OR_RETURN(progress.end, Resolve(partition, *range.to));
    }
    if (from >= progress.end) continue;
    if (rd_kafka_consume_start_queue(topic_.get(), partition, from, queue_.get()) != 0)
      return tl::unexpected<Error>(FromKafkaError(
          rd_kafka_last_error(), "consuming partition " + std::to_string(partition)));
    progress_.emplace(partition, progress);
    ++open_partitions_;
  }
  return {};
}

void KafkaConsumer::Finish(Progress& progress) {
  if (progress.done) return;
  progress.done = true;
  --open_partitions_;
}

Result<std::optional<Record>> KafkaConsumer::Next(Duration timeout) {
  const auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  const std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)> message(
      rd_kafka_consume_queue(queue_.get(), static_cast<int>(timeout_ms)),
      &rd_kafka_message_destroy);
  if (message == nullptr) return std::nullopt;
  const auto entry = progress_.find(message->partition);
  const bool end_of_partition = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && !end_of_partition)
    return Fail(NearestCode(message->err), "partition " + std::to_string(message->partition) +
                                               ": " + rd_kafka_message_errstr(message.get()));
  WEIR_CHECK(entry != progress_.end());
  Progress& progress = entry->second;
  if (end_of_partition) {
    if (message->offset >= progress.end) Finish(progress);
    return std::nullopt;
  }
  if (message->offset + 1 >= progress.end) Finish(progress);
  if (message->offset >= progress.end) return std::nullopt;
  return ToRecord(*message, topic_name_);
}

}  // namespace weir::ctl
