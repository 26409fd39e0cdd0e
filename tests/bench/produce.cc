// Producing. The caller's thread sends on schedule; a second thread waits for acknowledgements, so
// that an acknowledgement is timed when it comes.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "tests/bench/client.h"
#include "tests/bench/load.h"

namespace weir::bench {
namespace {

constexpr size_t kPoolBytes = 4 * 1024 * 1024;

// Values are windows into one pool, half random bytes and half zeros in pieces of 32: no copy per
// record, and a compressor finds about half to take out.
class ValuePool {
 public:
  explicit ValuePool(int64_t record_bytes)
      : record_bytes_(static_cast<size_t>(record_bytes)), pool_(kPoolBytes + record_bytes_, '\0') {
    std::mt19937_64 random(1);
    for (size_t index = 0; index < pool_.size(); ++index) {
      pool_[index] = (index / 32) % 2 == 0 ? static_cast<char>(random()) : '\0';
    }
  }

  void* Value(int64_t number) {
    // A stride that is no multiple of the pieces visits the pool in ever other places.
    return &pool_[(static_cast<size_t>(number) * (record_bytes_ + 37)) % kPoolBytes];
  }

 private:
  size_t record_bytes_;
  std::string pool_;
};

// What the acknowledging thread writes; read by others once `acknowledged` says that all have come.
struct Acknowledgements {
  std::atomic<int64_t> acknowledged = 0;
  int64_t errors = 0;
  int64_t last_us = 0;
  Histogram latency;
};

// A record's opaque is the time it was due in us; 0: not timed.
void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* context) {
  auto& state = *static_cast<Acknowledgements*>(context);
  const auto due_us = reinterpret_cast<int64_t>(message->_private);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++state.errors;
    std::fprintf(stderr, "weir-bench: %s\n", rd_kafka_err2str(message->err));
  } else if (due_us > 0) {
    state.last_us = NowUs();
    state.latency.Record(state.last_us - due_us);
  }
  state.acknowledged.fetch_add(1, std::memory_order_release);
}

class Sender {
 public:
  explicit Sender(const Options& options)
      : options_(options),
        pool_(options.record_bytes),
        client_(MakeProducer(options, OnDelivery, &state_)),
        topic_(rd_kafka_topic_new(client_.get(), options.topic.c_str(), nullptr)),
        records_per_batch_(std::max<int64_t>(1, options.batch_bytes / options.record_bytes)) {}

  void Send(int64_t number, int64_t due_us) {
    const int64_t turn = options_.spread == Spread::kEach ? number : number / records_per_batch_;
    const auto partition = static_cast<int32_t>(turn % options_.partitions);
    if (rd_kafka_produce(topic_.get(), partition, RD_KAFKA_MSG_F_BLOCK, pool_.Value(number),
                         static_cast<size_t>(options_.record_bytes), nullptr, 0,
                         reinterpret_cast<void*>(due_us)) != 0) {
      Fatal(std::string("produce: ") + rd_kafka_err2str(rd_kafka_last_error()));
    }
  }

  // Serves acknowledgements until `wanted` have come.
  void ServeUntil(int64_t wanted) {
    int64_t before = -1;
    int64_t progress_us = NowUs();
    while (acknowledged() < wanted) {
      rd_kafka_poll(client_.get(), 100);
      if (acknowledged() != before) {
        before = acknowledged();
        progress_us = NowUs();
      } else if (NowUs() - progress_us > options_.timeout_ms * 1000) {
        Fatal("no acknowledgement for " + std::to_string(options_.timeout_ms) + " ms");
      }
    }
  }

  int64_t acknowledged() const { return state_.acknowledged.load(std::memory_order_acquire); }
  const Acknowledgements& state() const { return state_; }
  rd_kafka_t* client() { return client_.get(); }

 private:
  const Options& options_;
  ValuePool pool_;
  Acknowledgements state_;
  Client client_;
  Topic topic_;
  int64_t records_per_batch_;
};

void WaitUntilUs(int64_t due_us) {
  const int64_t left_us = due_us - NowUs();
  if (left_us > 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(left_us));
  }
}

// Sends the records [first, first + count) on schedule; returns when the first was due, in us.
int64_t SendAll(Sender& sender, const Options& options, int64_t first, int64_t count, bool timed) {
  const int64_t start_us = NowUs();
  for (int64_t number = 0; number < count; ++number) {
    int64_t due_us = 0;
    if (options.rate > 0) {
      due_us = start_us + static_cast<int64_t>(static_cast<double>(number) * 1e6 / options.rate);
      WaitUntilUs(due_us);
    } else if (timed) {
      due_us = NowUs();
    }
    sender.Send(first + number, timed ? due_us : 0);
  }
  return start_us;
}

}  // namespace

Report Produce(const Options& options) {
  Sender sender(options);
  const int64_t all = options.warmup_records + options.records;
  std::thread acknowledging([&] { sender.ServeUntil(all); });
  SendAll(sender, options, 0, options.warmup_records, false);
  while (sender.acknowledged() < options.warmup_records) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ServerUsage usage(options.pids);
  const double client_cpu_s = OwnCpuSeconds();
  const int64_t start_us = SendAll(sender, options, options.warmup_records, options.records, true);
  acknowledging.join();
  Report report{.mode = "produce",
                .records = options.records,
                .bytes = options.records * options.record_bytes,
                .errors = sender.state().errors,
                .seconds = static_cast<double>(sender.state().last_us - start_us) / 1e6,
                .latency = sender.state().latency,
                .client_cpu_s = OwnCpuSeconds() - client_cpu_s};
  usage.WaitUntilIdle(10'000);
  report.server = usage.Measure();
  if (report.errors > 0) {
    Fatal(std::to_string(report.errors) + " records were not acknowledged");
  }
  return report;
}

Report FirstAck(const Options& options) {
  const int64_t start_us = NowUs();
  // librdkafka looks for a lost broker, and for a topic that creates itself, only once a second.
  WaitUntilListening(options);
  CreateTopics(options);
  Sender sender(options);
  sender.Send(0, start_us);
  sender.ServeUntil(1);
  if (sender.state().errors > 0) {
    Fatal("the record was not acknowledged");
  }
  Report report{.mode = "first-ack",
                .elapsed_ms = static_cast<double>(sender.state().last_us - start_us) / 1000};
  report.server = ServerUsage(options.pids).Measure();
  return report;
}

}  // namespace weir::bench
