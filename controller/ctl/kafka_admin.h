// KafkaAdmin: what `weir group` changes through Kafka's admin requests, on librdkafka: offsets of
// groups without members, and groups themselves.
//
// Laws:
//  1. Errors are Kafka's codes, as kafka_client.h has them; each partition, or group, has its own.
// Thread rule: one owner, blocking.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/ctl/kafka_client.h"

namespace weir::ctl {

struct NewOffset {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
  // What is stored with the offset.
  std::string metadata;
};

class KafkaAdmin {
 public:
  static Result<std::unique_ptr<KafkaAdmin>> Create(const KafkaOptions& options);

  // What became of each, in the order of `offsets`; kNone: done. Errors: of the request as a whole.
  Result<std::vector<ErrorCode>> CommitOffsets(const std::string& group,
                                               const std::vector<NewOffset>& offsets);
  // Forgets what is committed of these partitions; the rest of NewOffset is not looked at.
  Result<std::vector<ErrorCode>> ForgetOffsets(const std::string& group,
                                               const std::vector<NewOffset>& offsets);
  // Ids of the groups that brokers know of; those of brokers that do not answer are missing.
  Result<std::vector<std::string>> ListGroups();
  // In the order of `groups`.
  Result<std::vector<ErrorCode>> DeleteGroups(const std::vector<std::string>& groups);

 private:
  KafkaAdmin() = default;
  struct EventDeleter {
    void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  };
  struct OptionsDeleter {
    void operator()(rd_kafka_AdminOptions_t* options) const {
      rd_kafka_AdminOptions_destroy(options);
    }
  };
  using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;
  using Options = std::unique_ptr<rd_kafka_AdminOptions_t, OptionsDeleter>;

  Options MakeOptions(rd_kafka_admin_op_t operation) const;
  // The answer to what was just sent. Errors: those of the request as a whole.
  Result<Event> Await(const std::string& what);

  int timeout_ms_ = 0;
  RdKafkaPointer<rd_kafka_t> handle_;
  RdKafkaPointer<rd_kafka_queue_t> queue_;
};

}  // namespace weir::ctl
