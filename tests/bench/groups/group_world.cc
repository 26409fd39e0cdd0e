#include "tests/bench/groups/group_world.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "common/base/limits.h"
#include "tests/bench/groups/simulated_consumer_group.h"

namespace weir::bench {
namespace {

constexpr int16_t kFindCoordinatorVersion = 4;
constexpr size_t kKeysPerRequest = 1'000;
// Connections that are opened at a time: fewer than a listener's backlog.
constexpr int kConnectionsPerWave = 100;

}  // namespace

GroupWorld::GroupWorld(const Options& options)
    : options_(options), dialer_(shard_, limits::kFrameBytesMax) {
  shard_.Start();
}

GroupWorld::~GroupWorld() { shard_.Stop(); }

void GroupWorld::Run(const std::function<void()>& task) {
  std::promise<void> done;
  shard_.Post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void GroupWorld::WaitUntil(const std::function<bool()>& holds, const std::string& what) {
  const int64_t deadline_us = NowUs() + options_.timeout_ms * 1000;
  bool held = false;
  while (true) {
    Run([&] { held = holds(); });
    if (held) return;
    if (NowUs() > deadline_us) {
      Fatal("waited " + std::to_string(options_.timeout_ms) + " ms for " + what);
    }
    Pause(0.001);
  }
}

void GroupWorld::Pause(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

std::unique_ptr<BrokerLink> GroupWorld::Connect(const Endpoint& at) {
  std::unique_ptr<BrokerLink> link;
  Run([&] { link = std::make_unique<BrokerLink>(dialer_, at); });
  WaitUntil([&] { return link->open(); }, "a connection to " + at.host);
  return link;
}

std::vector<Endpoint> GroupWorld::Coordinators(const std::vector<std::string>& group_ids) {
  auto link = Connect(Endpoints(options_.bootstrap).front());
  std::vector<Endpoint> found;
  while (found.size() < group_ids.size()) {
    const size_t end = std::min(group_ids.size(), found.size() + kKeysPerRequest);
    wire::FindCoordinatorRequest request;
    request.coordinator_keys.assign(group_ids.begin() + static_cast<ptrdiff_t>(found.size()),
                                    group_ids.begin() + static_cast<ptrdiff_t>(end));
    const auto response =
        Ask<wire::FindCoordinatorResponse>(*link, kFindCoordinatorVersion, request);
    // While the topic of committed offsets is being made there is none.
    const bool all = std::all_of(
        response.coordinators.begin(), response.coordinators.end(),
        [](const auto& coordinator) { return coordinator.error_code == ErrorCode::kNone; });
    if (!all) {
      Pause(0.05);
      continue;
    }
    for (const auto& coordinator : response.coordinators) {
      found.push_back({coordinator.host, static_cast<uint16_t>(coordinator.port)});
    }
  }
  Run([&] { link = nullptr; });
  return found;
}

void GroupWorld::AddMembers(MemberGroup& group, int count, int* in_wave) {
  for (int member = 0; member < count; ++member) {
    Run([&] { group.AddMember(); });
    if (++*in_wave < kConnectionsPerWave) continue;
    *in_wave = 0;
    WaitUntil([&] { return group.IsConnected(); }, "connections");
  }
}

std::vector<std::unique_ptr<SimulatedGroup>> GroupWorld::MakeGroups(const GroupSettings& settings,
                                                                    int groups, int members_each) {
  std::vector<std::string> ids;
  for (int number = 0; number < groups; ++number) {
    ids.push_back(settings.group_id + "-" + std::to_string(number));
  }
  const std::vector<Endpoint> coordinators = Coordinators(ids);
  std::vector<std::unique_ptr<SimulatedGroup>> made;
  int in_wave = 0;
  for (size_t number = 0; number < ids.size(); ++number) {
    GroupSettings own = settings;
    own.group_id = ids[number];
    made.push_back(
        std::make_unique<SimulatedGroup>(own, shard_, dialer_, counts_, coordinators[number]));
    AddMembers(*made.back(), members_each, &in_wave);
  }
  WaitUntil(
      [&] {
        return std::all_of(made.begin(), made.end(),
                           [](const auto& group) { return group->IsConnected(); });
      },
      "all connections");
  return made;
}

std::unique_ptr<MemberGroup> GroupWorld::MakeGroup(Protocol protocol, const GroupSettings& settings,
                                                   int members) {
  if (protocol == Protocol::kClassic) return std::move(MakeGroups(settings, 1, members).front());
  auto made = std::make_unique<SimulatedConsumerGroup>(settings, shard_, dialer_, counts_,
                                                       Coordinators({settings.group_id}).front());
  int in_wave = 0;
  AddMembers(*made, members, &in_wave);
  WaitUntil([&] { return made->IsConnected(); }, "all connections");
  return made;
}

void GroupWorld::Settle(const std::vector<std::unique_ptr<SimulatedGroup>>& groups) {
  Run([&] {
    for (const auto& group : groups) group->JoinAll();
  });
  WaitUntil(
      [&] {
        return std::all_of(groups.begin(), groups.end(),
                           [](const auto& group) { return group->IsSettled(); });
      },
      "all groups to be stable");
}

void GroupWorld::End(std::vector<std::unique_ptr<SimulatedGroup>>& groups) {
  size_t left = 0;
  Run([&] {
    for (const auto& group : groups) group->Leave(group->size(), [&left] { ++left; });
  });
  WaitUntil([&] { return left == groups.size(); }, "all members to leave");
  Run([&] { groups.clear(); });
}

void GroupWorld::End(std::unique_ptr<MemberGroup>& group) {
  bool left = false;
  Run([&] { group->Leave(group->size(), [&left] { left = true; }); });
  WaitUntil([&] { return left; }, "all members to leave");
  Run([&] { group = nullptr; });
}

}  // namespace weir::bench
