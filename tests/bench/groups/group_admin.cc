// Mode group-admin: the calls of administrators among many groups. Each group has one member, in a
// session that outlasts the run, and a committed offset.
#include "broker/wire/messages/group_admin.h"

#include <algorithm>

#include "broker/wire/messages/group_offsets.h"
#include "tests/bench/groups/group_world.h"
#include "tests/bench/load.h"

namespace weir::bench {
namespace {

constexpr int16_t kListVersion = 5;
constexpr int16_t kDescribeVersion = 6;
constexpr int16_t kDeleteVersion = 2;
constexpr int16_t kOffsetDeleteVersion = 0;
constexpr int16_t kCommitVersion = 9;
// Groups that are filled at a time: each holds a connection while its member joins.
constexpr int kGroupsPerWave = 1'000;
constexpr int kCalls = 50;
constexpr int kGroupsPerDescribe = 100;
// Kafka's longest by default.
constexpr int32_t kSessionTimeoutMs = 1'800'000;

void CheckNone(const char* what, ErrorCode error) {
  if (error != ErrorCode::kNone) Fatal(std::string(what) + ": " + std::string(ErrorName(error)));
}

class AdminCalls {
 public:
  AdminCalls(const Options& options, GroupWorld& world, Report& report)
      : options_(options), world_(world), report_(report) {}

  // The group's only member commits an offset and goes silent; with `leaves` it leaves.
  void Fill(SimulatedGroup& group, bool leaves) {
    SimulatedMember& member = group.member(0);
    wire::OffsetCommitRequest request;
    request.group_id = group.settings().group_id;
    request.generation_id_or_member_epoch = member.generation();
    request.member_id = member.id();
    auto& topic = request.topics.emplace_back();
    topic.name = options_.topic;
    topic.partitions.push_back({.partition_index = 0, .committed_offset = 1});
    ++under_way_;
    member.link().Send<wire::OffsetCommitResponse>(
        kCommitVersion, request, [this](const wire::OffsetCommitResponse& response) {
          CheckNone("OffsetCommit", response.topics.at(0).partitions.at(0).error_code);
          --under_way_;
        });
    if (!leaves) return;
    ++under_way_;
    group.Leave(1, [this] { --under_way_; });
  }
  bool filled() const { return under_way_ == 0; }

  // Times kCalls of them; `call` gets their numbers.
  void Time(const std::string& name, const std::function<void(int)>& call) {
    Histogram times;
    for (int number = 0; number < kCalls; ++number) {
      const int64_t begun_us = NowUs();
      call(number);
      times.Record(NowUs() - begun_us);
    }
    report_.figures.emplace_back(name + "_p50_ms",
                                 static_cast<double>(times.Percentile(0.5)) / 1000);
    report_.figures.emplace_back(name + "_max_ms", static_cast<double>(times.max_us()) / 1000);
  }

 private:
  const Options& options_;
  GroupWorld& world_;
  Report& report_;
  int64_t under_way_ = 0;
};

std::string GroupId(int wave, int number) {
  return "group-" + std::to_string(wave) + "-" + std::to_string(number);
}

// Wave 0's first groups are left by their members.
void FillAll(const Options& options, GroupWorld& world, AdminCalls& calls) {
  for (int wave = 0; wave * kGroupsPerWave < options.groups; ++wave) {
    const int count = std::min(kGroupsPerWave, options.groups - wave * kGroupsPerWave);
    auto groups = world.MakeGroups({.group_id = "group-" + std::to_string(wave),
                                    .topic = options.topic,
                                    .partitions = options.partitions,
                                    .session_timeout_ms = kSessionTimeoutMs,
                                    .heartbeat_ms = 0},
                                   count, 1);
    world.Settle(groups);
    world.Run([&] {
      for (size_t number = 0; number < groups.size(); ++number) {
        calls.Fill(*groups[number], wave == 0 && number < 2 * kCalls);
      }
    });
    world.WaitUntil([&] { return calls.filled(); }, "offsets to be committed");
    world.Run([&] { groups.clear(); });
  }
}

void TimeReads(const Options& options, GroupWorld& world, BrokerLink& link, AdminCalls& calls) {
  calls.Time("list", [&](int) {
    const auto response =
        world.Ask<wire::ListGroupsResponse>(link, kListVersion, wire::ListGroupsRequest());
    CheckNone("ListGroups", response.error_code);
    if (std::cmp_less(response.groups.size(), options.groups)) {
      Fatal("ListGroups told of " + std::to_string(response.groups.size()) + " groups");
    }
  });
  const auto describe = [&](int first, int count) {
    wire::DescribeGroupsRequest request;
    for (int number = first; number < first + count; ++number) {
      request.groups.push_back(GroupId(0, number));
    }
    const auto response = world.Ask<wire::DescribeGroupsResponse>(link, kDescribeVersion, request);
    for (const auto& group : response.groups) CheckNone("DescribeGroups", group.error_code);
  };
  const int groups = std::min(options.groups, kGroupsPerWave);
  calls.Time("describe", [&](int number) { describe((2 * kCalls + number) % groups, 1); });
  calls.Time("describe_100", [&](int number) {
    describe(number % (groups - kGroupsPerDescribe), kGroupsPerDescribe);
  });
}

void TimeDeletes(const Options& options, GroupWorld& world, BrokerLink& link, AdminCalls& calls) {
  calls.Time("offset_delete", [&](int number) {
    wire::OffsetDeleteRequest request;
    request.group_id = GroupId(0, number);
    auto& topic = request.topics.emplace_back();
    topic.name = options.topic;
    topic.partitions.emplace_back();
    const auto response =
        world.Ask<wire::OffsetDeleteResponse>(link, kOffsetDeleteVersion, request);
    CheckNone("OffsetDelete", response.error_code);
    CheckNone("OffsetDelete", response.topics.at(0).partitions.at(0).error_code);
  });
  calls.Time("delete", [&](int number) {
    wire::DeleteGroupsRequest request;
    request.groups_names = {GroupId(0, kCalls + number)};
    const auto response = world.Ask<wire::DeleteGroupsResponse>(link, kDeleteVersion, request);
    CheckNone("DeleteGroups", response.results.at(0).error_code);
  });
}

}  // namespace

// REQUIRES: one broker, which coordinates all groups; more than kGroupsPerDescribe of them.
Report GroupAdmin(const Options& options) {
  GroupWorld world(options);
  Report report{.mode = "group-admin"};
  AdminCalls calls(options, world, report);
  const double resident_mib = ServerUsage(options.pids).Measure().resident_mib;
  FillAll(options, world, calls);
  ServerUsage usage(options.pids);
  usage.WaitUntilIdle(10'000);
  report.figures.emplace_back("resident_mib_before", resident_mib);
  report.figures.emplace_back("resident_mib_added", usage.Measure().resident_mib - resident_mib);
  auto link = world.Connect(Endpoints(options.bootstrap).front());
  TimeReads(options, world, *link, calls);
  TimeDeletes(options, world, *link, calls);
  report.server = usage.Measure();
  world.Run([&] { link = nullptr; });
  return report;
}

}  // namespace weir::bench
