// Consuming: one consumer, all partitions by assignment, whole batches at a time.
#include <array>
#include <memory>

#include "tests/bench/client.h"
#include "tests/bench/load.h"

namespace weir::bench {
namespace {

using Queue = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
constexpr size_t kMessagesPerCall = 10'000;

struct Counts {
  int64_t records = 0;
  int64_t bytes = 0;
};

void Take(rd_kafka_message_t* message, Counts& counts) {
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++counts.records;
    counts.bytes += static_cast<int64_t>(message->len);
  } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    Fatal(std::string("consume: ") + rd_kafka_message_errstr(message));
  }
  rd_kafka_message_destroy(message);
}

Counts ReadAll(rd_kafka_queue_t* queue, const Options& options) {
  static std::array<rd_kafka_message_t*, kMessagesPerCall> messages;
  Counts counts;
  int64_t progress_us = NowUs();
  while (counts.records < options.records) {
    const ssize_t count =
        rd_kafka_consume_batch_queue(queue, 100, messages.data(), messages.size());
    for (ssize_t index = 0; index < count; ++index) {
      Take(messages[static_cast<size_t>(index)], counts);
    }
    if (count > 0) {
      progress_us = NowUs();
    } else if (NowUs() - progress_us > options.timeout_ms * 1000) {
      Fatal(std::to_string(counts.records) + " records came, then none");
    }
  }
  return counts;
}

}  // namespace

Report Consume(const Options& options) {
  Client client = MakeConsumer(options);
  Topic topic(rd_kafka_topic_new(client.get(), options.topic.c_str(), nullptr));
  Queue queue(rd_kafka_queue_new(client.get()));
  ServerUsage usage(options.pids);
  const double client_cpu_s = OwnCpuSeconds();
  const int64_t start_us = NowUs();
  for (int partition = 0; partition < options.partitions; ++partition) {
    if (rd_kafka_consume_start_queue(topic.get(), partition, 0, queue.get()) != 0) {
      Fatal(std::string("consume: ") + rd_kafka_err2str(rd_kafka_last_error()));
    }
  }
  const Counts counts = ReadAll(queue.get(), options);
  Report report{.mode = "consume",
                .records = counts.records,
                .bytes = counts.bytes,
                .seconds = static_cast<double>(NowUs() - start_us) / 1e6,
                .client_cpu_s = OwnCpuSeconds() - client_cpu_s};
  report.server = usage.Measure();
  for (int partition = 0; partition < options.partitions; ++partition) {
    rd_kafka_consume_stop(topic.get(), partition);
  }
  return report;
}

}  // namespace weir::bench
