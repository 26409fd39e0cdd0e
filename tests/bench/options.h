// What a run does, from the command line. `weir-bench --help` shows every option.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::bench {

enum class Mode {
  kProduce,
  kConsume,
  kFirstAck,
  kCreate,
  kGroupJoin,
  kGroupHeartbeat,
  kGroupCommit,
  kGroupAdmin,
  kGroupOffsets,
};

// Which partition a record goes to.
enum class Spread {
  // One partition until a batch is full, then the next: what the Java client's default does.
  kSticky,
  // Each record to the next partition: the smallest batches.
  kEach,
};

// What members of a group speak.
enum class Protocol {
  // They join, one of them assigns, all sync.
  kClassic,
  // They heartbeat, the server assigns (KIP-848).
  kConsumer,
};

struct Options {
  Mode mode = Mode::kProduce;
  std::string bootstrap;
  std::string topic = "bench";
  int partitions = 12;
  int replication_factor = 1;
  // Mode create: so many topics, named <topic>-0 and on, each in a request of its own.
  int topics = 1;
  // Create the topic before the run.
  bool create = false;

  int64_t records = 1'000'000;
  int64_t record_bytes = 512;
  int64_t batch_bytes = 131'072;
  double linger_ms = 5;
  std::string acks = "all";
  std::string codec = "none";
  bool idempotence = true;
  Spread spread = Spread::kSticky;
  // Records or commits per second of an open loop; 0: as fast as they are taken.
  double rate = 0;
  // The first so many records are sent but not timed.
  int64_t warmup_records = 0;

  // Of the modes on groups: so many of them, members in all, what a member says of its session and
  // does for it.
  int groups = 1;
  int members = 1;
  // Of group-join.
  Protocol protocol = Protocol::kClassic;
  // Of group-offsets, instead of a number.
  std::vector<std::string> group_ids;
  int64_t session_ms = 45'000;
  int64_t heartbeat_ms = 3'000;
  // Members that end without a farewell.
  int crashed = 0;
  int partitions_per_commit = 1;
  // How long a load is measured, and how long it runs before.
  double seconds = 20;
  double warmup_seconds = 5;

  // Give up after so long without progress.
  int64_t timeout_ms = 60'000;
  // The server's processes, whose processor time and memory are reported.
  std::vector<int> pids;
  bool json = false;
  // More librdkafka settings, key=value.
  std::vector<std::string> settings;
};

}  // namespace weir::bench
