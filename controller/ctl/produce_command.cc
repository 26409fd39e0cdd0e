// weir topic produce: records from standard input, a line each.
#include <poll.h>
#include <unistd.h>

#include "controller/ctl/commands.h"
#include "controller/ctl/kafka_client.h"
#include "controller/ctl/kafka_settings.h"
#include "controller/ctl/key_values.h"
#include "controller/ctl/record_format.h"

namespace weir::ctl {
namespace {

// Nobody is typing or piping more right now, so what was queued should go out.
bool InputIsIdle(std::istream& in) {
  if (in.rdbuf()->in_avail() > 0) return false;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) == 0;
}

class TopicProduce final : public Command {
 public:
  explicit TopicProduce(CLI::App& app) {
    app.add_option("TOPIC", prototype_.topic, "Topic")->required();
    app.add_option("-k,--key", key_, "Key of every record");
    app.add_option("-H,--header", headers_, "KEY=VALUE header of every record; may be repeated")
        ->expected(1)
        ->take_all();
    app.add_option("-p,--partition", prototype_.partition, "Partition (default: by key)");
    app.add_option("-f,--template", template_,
                   R"(Form of a line, e.g. '%k %v\n'; fields %k %v %h %p (default '%v\n'))");
    app.add_flag("-Z,--tombstone", tombstone_, "An empty value is null");
    app.add_option("-z,--compression", compression_, "none, gzip, snappy, lz4 or zstd");
    app.add_option("--acks", acks_, "all (default), 1 or 0");
    AddKafkaSettings(app, settings_);
    app.add_flag("-q,--quiet", quiet_, "Do not print where records went");
  }

  Outcome Run(Session& session) override {
    const auto format = RecordTemplate::Parse(template_);
    if (!format) return UsageError(format.error().message);
    const auto reader = RecordReader::Make(*format);
    if (!reader) return UsageError(reader.error().message);
    KafkaOptions options;
    options.timeout_ms = session.options().timeout_ms;
    if (const Status set = FillSettings(options); !set) return UsageError(set.error().message);
    FillPrototype();
    WEIR_CTL_ASSIGN_OR_RETURN(options.bootstrap_servers, session.KafkaAddresses());
    WEIR_CTL_ASSIGN_OR_RETURN(
        const std::unique_ptr<KafkaProducer> producer,
        KafkaProducer::Create(options, [this, &session](const Result<KafkaProducer::Delivery>& d) {
          HandleDelivery(session, d);
        }));
    const Status sent = SendLines(session, *reader, *producer);
    producer->Flush();
    if (!sent) return FailWith(ExitCodeOf(sent.error().code), sent.error());
    if (first_error_)
      return FailWith(ExitCodeOf(first_error_->code),
                      {first_error_->code, std::to_string(failed_) +
                                               " records failed; first: " + first_error_->message});
    return ExitCode::kOk;
  }

 private:
  Status FillSettings(KafkaOptions& options) const {
    if (!compression_.empty()) options.settings.emplace_back("compression.codec", compression_);
    if (!acks_.empty()) options.settings.emplace_back("acks", acks_);
    // Idempotence is defined with acks=all only.
    if (acks_ == "0" || acks_ == "1") options.settings.emplace_back("enable.idempotence", "false");
    return AppendKafkaSettings(settings_, options);
  }

  void FillPrototype() {
    if (!key_.empty()) prototype_.key = key_;
    for (const std::string& header : headers_) prototype_.headers.push_back(ParseHeader(header));
  }

  Status SendLines(Session& session, const RecordReader& reader, KafkaProducer& producer) {
    std::istream& in = session.streams().in;
    for (std::string line; std::getline(in, line);) {
      Record record = prototype_;
      WEIR_RETURN_IF_ERROR(reader.Read(line, record));
      if (tombstone_ && record.value && record.value->empty()) record.value.reset();
      WEIR_RETURN_IF_ERROR(producer.Produce(record));
      if (InputIsIdle(in)) {
        producer.Flush();
        session.streams().out.flush();
      } else {
        producer.Poll();
      }
    }
    return {};
  }

  void HandleDelivery(Session& session, const Result<KafkaProducer::Delivery>& delivery) {
    if (!delivery) {
      ++failed_;
      if (!first_error_) first_error_ = delivery.error();
      return;
    }
    if (quiet_) return;
    const std::string partition = std::to_string(delivery->partition);
    const std::string offset = std::to_string(delivery->offset);
    session.Print(session.json()
                      ? "{\"partition\": " + partition + ", \"offset\": " + offset + "}\n"
                      : "partition " + partition + " offset " + offset + "\n");
  }

  Record prototype_;
  std::string key_;
  std::vector<std::string> headers_;
  std::string template_ = "%v\\n";
  bool tombstone_ = false;
  bool quiet_ = false;
  std::string compression_;
  std::string acks_;
  std::vector<std::string> settings_;
  int64_t failed_ = 0;
  std::optional<Error> first_error_;
};

}  // namespace

void AddProduceCommand(Commands& commands, CLI::App& topic) {
  commands.Add<TopicProduce>(topic, "produce", "Send lines of standard input as records");
}

}  // namespace weir::ctl
