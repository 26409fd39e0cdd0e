// librdkafka's handles with owners, and its configuration from Options.
//
// Law: every failure ends the run with Fatal: a benchmark that goes on after an error measures
// nothing.
#pragma once

#include <librdkafka/rdkafka.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "tests/bench/options.h"

namespace weir::bench {

// Prints the message to standard error and ends the process with 1.
[[noreturn]] void Fatal(const std::string& message);

// Microseconds of a clock that only goes forward.
int64_t NowUs();

template <auto kDestroy>
struct Destroyer {
  template <typename Handle>
  void operator()(Handle* handle) const {
    kDestroy(handle);
  }
};

using Client = std::unique_ptr<rd_kafka_t, Destroyer<rd_kafka_destroy>>;
using Topic = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_destroy>>;

using DeliveryCallback = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);

// A producer with the options' batch size, linger, acks and codec. `callback` gets `context` and
// each record's fate.
Client MakeProducer(const Options& options, DeliveryCallback callback, void* context);
Client MakeConsumer(const Options& options);

// Waits until the first bootstrap address takes TCP connections.
void WaitUntilListening(const Options& options);

// Creates options.topic, or options.topics of them, and waits until every partition has a leader.
struct Creation {
  // Milliseconds from the first request to the last admin answer.
  double answered_ms = 0;
  // ... and to a Metadata answer in which every partition has a leader.
  double led_ms = 0;
};
Creation CreateTopics(const Options& options);

}  // namespace weir::bench
