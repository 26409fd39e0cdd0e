// Mode group-join: the members of one group come at once, one leaves, some crash; each time until
// every living member has its assignment of one generation. Members of the consumer protocol get
// theirs from the server, of a topic that is there: it is created first.
#include <cstdio>

#include "tests/bench/groups/admin_probe.h"
#include "tests/bench/load.h"

namespace weir::bench {
namespace {

// How long the controllers are watched before anybody joins.
constexpr double kQuietSeconds = 3;

double Milliseconds(uint64_t us) { return static_cast<double>(us) / 1000; }

void AddProbe(Report& report, const std::string& when, const Histogram& answers) {
  report.figures.emplace_back("create_p50_ms" + when, Milliseconds(answers.Percentile(0.5)));
  report.figures.emplace_back("create_p99_ms" + when, Milliseconds(answers.Percentile(0.99)));
  report.figures.emplace_back("create_max_ms" + when, Milliseconds(answers.max_us()));
}

}  // namespace

Report GroupJoin(const Options& options) {
  GroupWorld world(options);
  GroupSettings settings{.group_id = options.topic + "-group",
                         .topic = options.topic,
                         .partitions = options.members * 2,
                         .session_timeout_ms = static_cast<int32_t>(options.session_ms),
                         .heartbeat_ms = static_cast<int32_t>(options.heartbeat_ms)};
  if (options.protocol == Protocol::kConsumer) {
    Options of_topic = options;
    of_topic.topics = 1;
    of_topic.partitions = settings.partitions;
    CreateTopics(of_topic);
  }
  auto group = world.MakeGroup(options.protocol, settings, options.members);
  Report report{.mode = "group-join"};
  AdminProbe probe(options, group->coordinator());
  world.Pause(kQuietSeconds);
  AddProbe(report, "_quiet", probe.Take());

  ServerUsage usage(options.pids);
  const auto settle = [&](const char* name, const std::function<void()>& begin) {
    const int64_t begun_us = NowUs();
    world.Run(begin);
    world.WaitUntil([&] { return group->IsSettled(); }, name);
    report.figures.emplace_back(
        name, Milliseconds(static_cast<uint64_t>(group->settled_us() - begun_us)));
  };
  settle("stable_ms", [&] { group->JoinAll(); });
  report.server = usage.Measure();
  AddProbe(report, "", probe.Take());
  report.figures.emplace_back("generations", group->generation());
  if (group->size() > 1) settle("after_leave_ms", [&] { group->Leave(1, nullptr); });
  const auto crashed = static_cast<size_t>(options.crashed);
  if (crashed > 0 && group->size() > crashed) {
    settle("after_crash_ms", [&] { group->Crash(crashed); });
  }
  world.End(group);
  return report;
}

}  // namespace weir::bench
