// Mode group-commit: the members of many groups, one each, commit growing offsets of a topic that
// is there. With a rate it is an open loop over all groups: a commit counts from when it was due.
// Afterwards every group is asked, and must be told its last offset.
#include <algorithm>

#include "broker/wire/messages/group_offsets.h"
#include "tests/bench/groups/group_world.h"
#include "tests/bench/load.h"

namespace weir::bench {
namespace {

constexpr int16_t kCommitVersion = 9;
constexpr int16_t kFetchVersion = 8;
// Between two looks at what is due.
constexpr Duration kTick = std::chrono::milliseconds(1);

class CommitLoad {
 public:
  CommitLoad(const Options& options, GroupWorld& world,
             const std::vector<std::unique_ptr<SimulatedGroup>>& groups)
      : options_(options), world_(world), groups_(groups), committed_(groups.size(), 0) {}

  // On the shard. Answers that come after `end_us` are waited for and not counted.
  void Start(int64_t end_us) {
    start_us_ = NowUs();
    end_us_ = end_us;
    sent_of_run_ = answered_ = 0;
    latency_ = {};
    if (options_.rate > 0) return SendDue();
    for (size_t number = 0; number < groups_.size(); ++number) Send(number, NowUs());
  }

  bool ended() const { return NowUs() >= end_us_ && under_way_ == 0; }
  const Histogram& latency() const { return latency_; }
  int64_t answered() const { return answered_; }
  int64_t committed(size_t number) const { return committed_[number]; }

 private:
  void SendDue() {
    const int64_t now_us = NowUs();
    while (now_us < end_us_) {
      const int64_t due_us =
          start_us_ + static_cast<int64_t>(static_cast<double>(sent_of_run_) * 1e6 / options_.rate);
      if (due_us > now_us) break;
      Send(static_cast<size_t>(sent_of_run_++) % groups_.size(), due_us);
    }
    if (now_us < end_us_) {
      world_.shard().PostAt(world_.shard().Now() + kTick, [this] { SendDue(); });
    }
  }

  void Send(size_t number, int64_t due_us) {
    SimulatedMember& member = groups_[number]->member(0);
    wire::OffsetCommitRequest request;
    request.group_id = groups_[number]->settings().group_id;
    request.generation_id_or_member_epoch = member.generation();
    request.member_id = member.id();
    auto& topic = request.topics.emplace_back();
    topic.name = options_.topic;
    const int64_t offset = ++committed_[number];
    for (int partition = 0; partition < options_.partitions_per_commit; ++partition) {
      topic.partitions.push_back({.partition_index = partition, .committed_offset = offset});
    }
    ++under_way_;
    member.link().Send<wire::OffsetCommitResponse>(
        kCommitVersion, request,
        [this, number, due_us](const wire::OffsetCommitResponse& response) {
          OnAnswer(number, due_us, response);
        });
  }

  void OnAnswer(size_t number, int64_t due_us, const wire::OffsetCommitResponse& response) {
    for (const auto& partition : response.topics.at(0).partitions) {
      if (partition.error_code != ErrorCode::kNone) {
        Fatal("OffsetCommit: " + std::string(ErrorName(partition.error_code)));
      }
    }
    --under_way_;
    const int64_t now_us = NowUs();
    if (now_us < end_us_) {
      ++answered_;
      latency_.Record(now_us - due_us);
      if (options_.rate <= 0) Send(number, now_us);
    } else if (options_.rate > 0) {
      // What the server was late with counts as late.
      latency_.Record(now_us - due_us);
    }
  }

  const Options& options_;
  GroupWorld& world_;
  const std::vector<std::unique_ptr<SimulatedGroup>>& groups_;
  // The newest offset of each group.
  std::vector<int64_t> committed_;
  int64_t start_us_ = 0;
  int64_t end_us_ = 0;
  int64_t sent_of_run_ = 0;
  int64_t under_way_ = 0;
  int64_t answered_ = 0;
  Histogram latency_;
};

void CheckCommitted(const Options& options, GroupWorld& world, SimulatedGroup& group,
                    int64_t committed) {
  wire::OffsetFetchRequest request;
  auto& asked = request.groups.emplace_back();
  asked.group_id = group.settings().group_id;
  asked.topics.emplace();
  asked.topics->push_back({.topic_id = {}, .name = options.topic, .partition_indexes = {0}});
  const auto response =
      world.Ask<wire::OffsetFetchResponse>(group.member(0).link(), kFetchVersion, request);
  const int64_t told = response.groups.at(0).topics.at(0).partitions.at(0).committed_offset;
  if (told != committed) {
    Fatal(asked.group_id + " committed " + std::to_string(committed) + " and is told " +
          std::to_string(told));
  }
}

}  // namespace

Report GroupCommit(const Options& options) {
  GroupWorld world(options);
  GroupSettings settings{.group_id = options.topic + "-group",
                         .topic = options.topic,
                         .partitions = options.partitions,
                         .session_timeout_ms = static_cast<int32_t>(options.session_ms),
                         .heartbeat_ms = static_cast<int32_t>(options.heartbeat_ms)};
  auto groups = world.MakeGroups(settings, options.groups, 1);
  world.Settle(groups);
  CommitLoad load(options, world, groups);
  const auto run = [&](double seconds) {
    world.Run([&] { load.Start(NowUs() + static_cast<int64_t>(seconds * 1e6)); });
    world.WaitUntil([&] { return load.ended(); }, "the commits to be answered");
  };
  run(options.warmup_seconds);
  ServerUsage usage(options.pids);
  const double client_cpu_s = OwnCpuSeconds();
  run(options.seconds);
  Report report{.mode = "group-commit",
                .seconds = options.seconds,
                .latency = load.latency(),
                .client_cpu_s = OwnCpuSeconds() - client_cpu_s};
  usage.WaitUntilIdle(10'000);
  report.server = usage.Measure();
  const auto answered = static_cast<double>(load.answered());
  report.figures.emplace_back("commits_per_s", answered / options.seconds);
  report.figures.emplace_back("server_cpu_us_per_commit", report.server.cpu_s * 1e6 / answered);
  report.figures.emplace_back("client_cpu_us_per_commit", report.client_cpu_s * 1e6 / answered);
  for (size_t number = 0; number < groups.size(); ++number) {
    CheckCommitted(options, world, *groups[number], load.committed(number));
  }
  world.End(groups);
  return report;
}

}  // namespace weir::bench
