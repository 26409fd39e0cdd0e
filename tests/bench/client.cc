#include "tests/bench/client.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace weir::bench {
namespace {

constexpr size_t kErrorBytesMax = 512;

class Settings {
 public:
  explicit Settings(const Options& options) : settings_(rd_kafka_conf_new()) {
    Set("bootstrap.servers", options.bootstrap);
    Set("client.id", "weir-bench");
    Set("reconnect.backoff.ms", "10");
    Set("reconnect.backoff.max.ms", "100");
    Set("log.connection.close", "false");
  }

  void Set(const std::string& key, const std::string& value) {
    char error[kErrorBytesMax];
    if (rd_kafka_conf_set(settings_, key.c_str(), value.c_str(), error, sizeof(error)) !=
        RD_KAFKA_CONF_OK) {
      Fatal(error);
    }
  }

  void SetAll(const std::vector<std::string>& pairs) {
    for (const std::string& pair : pairs) {
      const size_t equals = pair.find('=');
      if (equals == std::string::npos) {
        Fatal("--set " + pair + ": expected key=value");
      }
      Set(pair.substr(0, equals), pair.substr(equals + 1));
    }
  }

  rd_kafka_conf_t* get() { return settings_; }

  Client Make(rd_kafka_type_t type) {
    char error[kErrorBytesMax];
    rd_kafka_t* client = rd_kafka_new(type, settings_, error, sizeof(error));
    if (client == nullptr) {
      Fatal(error);
    }
    return Client(client);
  }

 private:
  rd_kafka_conf_t* settings_;  // rd_kafka_new takes it
};

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<rd_kafka_NewTopic_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;

void RequestCreation(rd_kafka_t* client, const Options& options, const std::string& name,
                     rd_kafka_queue_t* answers) {
  char error[kErrorBytesMax];
  NewTopic topic(rd_kafka_NewTopic_new(name.c_str(), options.partitions, options.replication_factor,
                                       error, sizeof(error)));
  AdminOptions admin(rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS));
  if (!topic || rd_kafka_AdminOptions_set_request_timeout(
                    admin.get(), static_cast<int>(options.timeout_ms), error, sizeof(error)) != 0) {
    Fatal(error);
  }
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  rd_kafka_CreateTopics(client, topics, 1, admin.get(), answers);
}

void TakeCreationAnswer(rd_kafka_queue_t* answers, const Options& options) {
  const Event event(rd_kafka_queue_poll(answers, static_cast<int>(options.timeout_ms)));
  if (!event || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Fatal("CreateTopics: " +
          std::string(event ? rd_kafka_event_error_string(event.get()) : "no answer"));
  }
  size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t index = 0; index < count; ++index) {
    if (rd_kafka_topic_result_error(results[index]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Fatal("CreateTopics: " + std::string(rd_kafka_topic_result_error_string(results[index])));
    }
  }
}

// How many partitions of topics whose names begin with `prefix` have a leader by a fresh Metadata
// answer; 0 without one.
int LedPartitions(rd_kafka_t* client, const std::string& prefix) {
  constexpr int kTimeoutMs = 10'000;
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(client, 1, nullptr, &metadata, kTimeoutMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return 0;
  }
  int led = 0;
  for (int index = 0; index < metadata->topic_cnt; ++index) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[index];
    const bool ours = std::string(topic.topic).starts_with(prefix);
    for (int partition = 0; ours && partition < topic.partition_cnt; ++partition) {
      led += topic.partitions[partition].leader >= 0 ? 1 : 0;
    }
  }
  rd_kafka_metadata_destroy(metadata);
  return led;
}

}  // namespace

void Fatal(const std::string& message) {
  std::fprintf(stderr, "weir-bench: %s\n", message.c_str());
  std::_Exit(1);
}

int64_t NowUs() {
  using std::chrono::microseconds;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<microseconds>(now).count();
}

Client MakeProducer(const Options& options, DeliveryCallback callback, void* context) {
  Settings settings(options);
  settings.Set("acks", options.acks);
  settings.Set("enable.idempotence", options.idempotence ? "true" : "false");
  settings.Set("compression.type", options.codec);
  settings.Set("batch.size", std::to_string(options.batch_bytes));
  settings.Set("linger.ms", std::to_string(options.linger_ms));
  settings.Set("queue.buffering.max.messages", "1000000");
  settings.Set("queue.buffering.max.kbytes", "65536");
  settings.Set("message.timeout.ms", std::to_string(options.timeout_ms));
  settings.SetAll(options.settings);
  rd_kafka_conf_set_dr_msg_cb(settings.get(), callback);
  rd_kafka_conf_set_opaque(settings.get(), context);
  return settings.Make(RD_KAFKA_PRODUCER);
}

Client MakeConsumer(const Options& options) {
  Settings settings(options);
  settings.Set("enable.auto.commit", "false");
  settings.Set("auto.offset.reset", "error");
  settings.Set("fetch.wait.max.ms", "100");
  settings.Set("queued.max.messages.kbytes", "131072");
  settings.Set("enable.partition.eof", "true");
  settings.SetAll(options.settings);
  return settings.Make(RD_KAFKA_CONSUMER);
}

void WaitUntilListening(const Options& options) {
  const std::string address = options.bootstrap.substr(0, options.bootstrap.find(','));
  const size_t colon = address.rfind(':');
  addrinfo hints{.ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (colon == std::string::npos ||
      getaddrinfo(address.substr(0, colon).c_str(), address.substr(colon + 1).c_str(), &hints,
                  &found) != 0) {
    Fatal("--bootstrap " + address + ": expected HOST:PORT");
  }
  const int64_t start_us = NowUs();
  for (bool connected = false; !connected;) {
    const int socket_fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    connected = connect(socket_fd, found->ai_addr, found->ai_addrlen) == 0;
    close(socket_fd);
    if (!connected && NowUs() - start_us > options.timeout_ms * 1000) {
      Fatal("nothing listens on " + address);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(connected ? 0 : 1));
  }
  freeaddrinfo(found);
}

Creation CreateTopics(const Options& options) {
  const Client client = MakeProducer(options, nullptr, nullptr);
  const Queue answers(rd_kafka_queue_new(client.get()));
  LedPartitions(client.get(), options.topic);  // connects before the clock starts
  const int64_t start_us = NowUs();
  for (int number = 0; number < options.topics; ++number) {
    const std::string suffix = options.topics == 1 ? "" : "-" + std::to_string(number);
    RequestCreation(client.get(), options, options.topic + suffix, answers.get());
  }
  for (int number = 0; number < options.topics; ++number) {
    TakeCreationAnswer(answers.get(), options);
  }
  const int64_t answered_us = NowUs();
  while (LedPartitions(client.get(), options.topic) < options.topics * options.partitions) {
    if (NowUs() - answered_us > options.timeout_ms * 1000) {
      Fatal("not every partition of " + options.topic + " has a leader");
    }
    // A Metadata answer about thousands of partitions is work: asking without pause would slow what
    // is waited for.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {.answered_ms = static_cast<double>(answered_us - start_us) / 1000,
          .led_ms = static_cast<double>(NowUs() - start_us) / 1000};
}

}  // namespace weir::bench
