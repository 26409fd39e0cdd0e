// weir topic consume: prints records of a topic, without a group.
#include <algorithm>

#include "common/runtime/clock.h"
#include "controller/ctl/commands.h"
#include "controller/ctl/kafka_client.h"
#include "controller/ctl/kafka_settings.h"
#include "controller/ctl/record_format.h"

namespace weir::ctl {
namespace {

constexpr Duration kPoll = std::chrono::milliseconds(200);

class TopicConsume final : public Command {
 public:
  explicit TopicConsume(CLI::App& app) {
    app.add_option("TOPIC", topic_, "Topic")->required();
    app.add_option(
        "-o,--offset", range_,
        "start (default), end, N, +N (after the start), -N (before the end), @TIME; "
        "then :end, :N or :@TIME to stop there. TIME: ms since 1970, 2026-01-31T12:00:00Z "
        "or -10m (ago)");
    app.add_option("-n,--count", count_, "Stop after so many records");
    app.add_option("-p,--partition", partitions_, "Only these partitions; may be repeated")
        ->delimiter(',');
    app.add_option("-f,--template", template_,
                   R"(Print so, e.g. '%t %p %o %k %v %h\n' (default: a line of JSON per record);)"
                   " also %T, %k{hex}, %v{base64}");
    AddKafkaSettings(app, settings_);
  }

  Outcome Run(Session& session) override {
    const auto range = ParseOffsetRange(range_, runtime::WallNow());
    if (!range) return UsageError(range.error().message);
    if (!template_.empty()) {
      auto format = RecordTemplate::Parse(template_);
      if (!format) return UsageError(format.error().message);
      format_ = *std::move(format);
    }
    KafkaOptions options;
    options.timeout_ms = session.options().timeout_ms;
    if (const Status set = AppendKafkaSettings(settings_, options); !set)
      return UsageError(set.error().message);
    WEIR_CTL_ASSIGN_OR_RETURN(options.bootstrap_servers, session.KafkaAddresses());
    WEIR_CTL_ASSIGN_OR_RETURN(const std::unique_ptr<KafkaConsumer> consumer,
                              KafkaConsumer::Create(options, topic_));
    if (const Status done = Consume(session, *consumer, *range); !done)
      return FailWith(ExitCodeOf(done.error().code), done.error());
    return ExitCode::kOk;
  }

 private:
  Result<std::vector<int32_t>> ChoosePartitions(KafkaConsumer& consumer) const {
    WEIR_ASSIGN_OR_RETURN(std::vector<int32_t> existing, consumer.Partitions());
    for (const int32_t partition : partitions_)
      if (std::ranges::find(existing, partition) == existing.end())
        return Fail(ErrorCode::kUnknownTopicOrPartition,
                    "topic " + topic_ + " has no partition " + std::to_string(partition));
    return partitions_.empty() ? existing : partitions_;
  }

  Status Consume(Session& session, KafkaConsumer& consumer, const OffsetRange& range) const {
    WEIR_ASSIGN_OR_RETURN(const std::vector<int32_t> partitions, ChoosePartitions(consumer));
    WEIR_RETURN_IF_ERROR(consumer.Start(partitions, range));
    int64_t printed = 0;
    while (!consumer.finished() && (count_ <= 0 || printed < count_)) {
      WEIR_ASSIGN_OR_RETURN(std::optional<Record> record, consumer.Next(Duration(0)));
      if (!record) {
        // Nothing at hand: show what there is, then wait.
        session.streams().out.flush();
        WEIR_ASSIGN_OR_RETURN(record, consumer.Next(kPoll));
      }
      if (!record) continue;
      session.Print(format_ ? PrintRecord(*format_, *record) : RecordToJson(*record) + "\n");
      ++printed;
    }
    return {};
  }

  std::string topic_;
  std::string range_ = "start";
  int64_t count_ = 0;
  std::vector<int32_t> partitions_;
  std::string template_;
  std::vector<std::string> settings_;
  std::optional<RecordTemplate> format_;
};

}  // namespace

void AddConsumeCommand(Commands& commands, CLI::App& topic) {
  commands.Add<TopicConsume>(topic, "consume", "Print records");
}

}  // namespace weir::ctl
