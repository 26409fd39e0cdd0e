// weir-bench: loads a Kafka cluster and reports throughput, latency and what the servers used for
// it.
#include <map>

#include <CLI/CLI.hpp>

#include "tests/bench/client.h"
#include "tests/bench/load.h"

namespace {

using weir::bench::Mode;
using weir::bench::Options;
using weir::bench::Protocol;
using weir::bench::Report;
using weir::bench::Spread;

void AddLoadOptions(CLI::App& app, Options& options) {
  app.add_option("--records", options.records, "Records to send or read")
      ->check(CLI::PositiveNumber);
  app.add_option("--record-bytes", options.record_bytes, "Size of a value");
  app.add_option("--batch-bytes", options.batch_bytes, "Largest batch");
  app.add_option("--linger-ms", options.linger_ms, "How long a batch waits to fill");
  app.add_option("--acks", options.acks, "all, 1 or 0");
  app.add_option("--codec", options.codec, "none, gzip, snappy, lz4 or zstd");
  app.add_option("--idempotence", options.idempotence, "true or false");
  const std::map<std::string, Spread> spreads{{"sticky", Spread::kSticky}, {"each", Spread::kEach}};
  app.add_option("--spread", options.spread,
                 "sticky: a batch per partition in turn; each: a record")
      ->transform(CLI::CheckedTransformer(spreads));
  app.add_option("--rate", options.rate,
                 "Records or commits per second (open loop); 0: as fast as possible");
  app.add_option("--warmup-records", options.warmup_records, "Sent first and not measured");
}

void AddGroupOptions(CLI::App& app, Options& options) {
  app.add_option("--groups", options.groups, "Groups")->check(CLI::PositiveNumber);
  app.add_option("--group-ids", options.group_ids, "group-offsets: its groups")->delimiter(',');
  app.add_option("--members", options.members, "Members of all groups together")
      ->check(CLI::PositiveNumber);
  const std::map<std::string, Protocol> protocols{{"classic", Protocol::kClassic},
                                                  {"consumer", Protocol::kConsumer}};
  app.add_option("--protocol", options.protocol,
                 "group-join: what its members speak. classic (the default): one of them assigns; "
                 "consumer: the server assigns (KIP-848), and its configuration says what session "
                 "timeout and heartbeat interval they have; makes the topic, which must be new")
      ->transform(CLI::CheckedTransformer(protocols));
  app.add_option("--session-ms", options.session_ms, "A member's session timeout (classic)");
  app.add_option("--heartbeat-ms", options.heartbeat_ms, "A member's heartbeat interval (classic)");
  app.add_option("--crashed", options.crashed, "group-join: so many end without a farewell");
  app.add_option("--partitions-per-commit", options.partitions_per_commit,
                 "group-commit: offsets in one request");
  app.add_option("--seconds", options.seconds, "How long is measured");
  app.add_option("--warmup-seconds", options.warmup_seconds, "group-commit: before that");
}

Report Run(const Options& options) {
  if (options.create && options.mode != Mode::kCreate) {
    weir::bench::CreateTopics(options);
  }
  switch (options.mode) {
    case Mode::kProduce:
      return weir::bench::Produce(options);
    case Mode::kConsume:
      return weir::bench::Consume(options);
    case Mode::kFirstAck:
      return weir::bench::FirstAck(options);
    case Mode::kGroupJoin:
      return weir::bench::GroupJoin(options);
    case Mode::kGroupHeartbeat:
      return weir::bench::GroupHeartbeat(options);
    case Mode::kGroupCommit:
      return weir::bench::GroupCommit(options);
    case Mode::kGroupAdmin:
      return weir::bench::GroupAdmin(options);
    case Mode::kGroupOffsets:
      return weir::bench::GroupOffsets(options);
    case Mode::kCreate:
      break;
  }
  weir::bench::ServerUsage usage(options.pids);
  const weir::bench::Creation creation = weir::bench::CreateTopics(options);
  Report report{
      .mode = "create", .elapsed_ms = creation.led_ms, .answered_ms = creation.answered_ms};
  usage.WaitUntilIdle(10'000);
  report.server = usage.Measure();
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Loads a Kafka cluster and reports throughput, latency and server cost.");
  const std::map<std::string, Mode> modes{
      {"produce", Mode::kProduce},           {"consume", Mode::kConsume},
      {"first-ack", Mode::kFirstAck},        {"create", Mode::kCreate},
      {"group-join", Mode::kGroupJoin},      {"group-heartbeat", Mode::kGroupHeartbeat},
      {"group-commit", Mode::kGroupCommit},  {"group-admin", Mode::kGroupAdmin},
      {"group-offsets", Mode::kGroupOffsets}};
  app.add_option("mode", options.mode, "What to do")
      ->required()
      ->transform(CLI::CheckedTransformer(modes));
  app.add_option("--bootstrap", options.bootstrap, "HOST:PORT[,...]")->required();
  app.add_option("--topic", options.topic, "Topic");
  app.add_option("--partitions", options.partitions, "Its number of partitions");
  app.add_option("--replication-factor", options.replication_factor, "With --create");
  app.add_option("--topics", options.topics, "Mode create: so many topics");
  app.add_flag("--create", options.create, "Create the topic first");
  AddLoadOptions(app, options);
  AddGroupOptions(app, options);
  app.add_option("--timeout-ms", options.timeout_ms, "Give up after so long without progress");
  app.add_option("--pids", options.pids, "Server processes to measure")->delimiter(',');
  app.add_option("--set", options.settings, "More librdkafka settings, key=value");
  app.add_flag("--json", options.json, "One line of JSON");
  CLI11_PARSE(app, argc, argv);
  weir::bench::Print(Run(options), options);
  return 0;
}
