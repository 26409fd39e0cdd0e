// Mode group-heartbeat: the members of many groups at rest. Says `steady` on standard error once
// all are stable: whoever wants to measure the servers alone measures from then on.
#include <cstdio>

#include "tests/bench/groups/group_world.h"
#include "tests/bench/load.h"

namespace weir::bench {

Report GroupHeartbeat(const Options& options) {
  GroupWorld world(options);
  const int each = options.members / options.groups;
  GroupSettings settings{.group_id = options.topic + "-group",
                         .topic = options.topic,
                         .partitions = 2 * each,
                         .session_timeout_ms = static_cast<int32_t>(options.session_ms),
                         .heartbeat_ms = static_cast<int32_t>(options.heartbeat_ms)};
  auto groups = world.MakeGroups(settings, options.groups, each);
  world.Settle(groups);
  // What the joining left behind ends, and every member has been heard of.
  world.Pause(static_cast<double>(options.heartbeat_ms) / 1000);
  world.Run([&] { world.counts() = {}; });
  ServerUsage usage(options.pids);
  const double client_cpu_s = OwnCpuSeconds();
  std::fprintf(stderr, "steady\n");
  const int64_t start_us = NowUs();
  world.Pause(options.seconds);
  Report report{.mode = "group-heartbeat",
                .seconds = static_cast<double>(NowUs() - start_us) / 1e6,
                .server = usage.Measure(),
                .client_cpu_s = OwnCpuSeconds() - client_cpu_s};
  world.Run([&] {
    report.latency = world.counts().heartbeats;
    report.figures.emplace_back("heartbeats_per_s",
                                static_cast<double>(report.latency.count()) / report.seconds);
    report.figures.emplace_back("server_cpu_percent", report.server.cpu_s * 100 / report.seconds);
    report.figures.emplace_back("rejoins", static_cast<double>(world.counts().rejoins));
  });
  world.End(groups);
  return report;
}

}  // namespace weir::bench
