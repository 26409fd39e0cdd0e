// Mode group-offsets: every group has one client that commits growing offsets and one that asks for
// them, without a pause and without members; both look for their coordinator again when it is gone.
//
// For every line on standard input: once every group has had a commit acknowledged and a question
// answered that both were sent after it, `served` on standard error. Runs until the input ends.
// Fatal, if anybody is told less than was acknowledged or told before its question (G-10).
#include "broker/wire/messages/group_offsets.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tests/bench/groups/group_world.h"
#include "tests/bench/load.h"

namespace weir::bench {
namespace {

constexpr int16_t kFindCoordinatorVersion = 4;
constexpr int16_t kCommitVersion = 9;
constexpr int16_t kFetchVersion = 8;
constexpr Duration kRetryPause = std::chrono::milliseconds(20);
// What a client waits for an answer before it takes the broker for gone.
constexpr Duration kAnswerTimeout = std::chrono::seconds(5);

// What both clients of a group know.
struct Known {
  std::string group_id;
  // Acknowledged, or told to somebody.
  int64_t offset = -1;
  int64_t commits = 0;
  int64_t answers = 0;
  int64_t last_commit_us = 0;
  int64_t longest_gap_us = 0;
};

// One client of a group. It does one thing at a time, each at a fresh attempt: what an older one
// still hears is dropped.
class OffsetClient {
 public:
  OffsetClient(const Options& options, GroupWorld& world, Known& known, bool commits)
      : options_(options),
        world_(world),
        known_(known),
        commits_(commits),
        brokers_(Endpoints(options.bootstrap)) {}

  void Start() { FindCoordinator(); }
  // After what is under way.
  void Stop() { stopping_ = true; }
  bool stopped() const { return stopped_; }

 private:
  void FindCoordinator() {
    if (stopping_) return End();
    Dial(brokers_[next_broker_++ % brokers_.size()], [this] {
      wire::FindCoordinatorRequest request;
      request.coordinator_keys = {known_.group_id};
      Send<wire::FindCoordinatorResponse>(
          kFindCoordinatorVersion, request, [this](const wire::FindCoordinatorResponse& response) {
            const auto& found = response.coordinators.at(0);
            if (found.error_code != ErrorCode::kNone) return Again();
            Dial({found.host, static_cast<uint16_t>(found.port)}, [this] { Next(); });
          });
    });
  }

  void Next() {
    if (stopping_) return End();
    commits_ ? Commit() : Ask();
  }

  void Commit() {
    wire::OffsetCommitRequest request;
    request.group_id = known_.group_id;
    auto& topic = request.topics.emplace_back();
    topic.name = options_.topic;
    // One that was not acknowledged may have been committed: the next is larger.
    topic.partitions.push_back({.partition_index = 0, .committed_offset = ++sent_});
    Send<wire::OffsetCommitResponse>(
        kCommitVersion, request, [this, offset = sent_](const auto& response) {
          const ErrorCode error = response.topics.at(0).partitions.at(0).error_code;
          if (error != ErrorCode::kNone) return Again();
          const int64_t now_us = NowUs();
          if (known_.last_commit_us > 0) {
            known_.longest_gap_us = std::max(known_.longest_gap_us, now_us - known_.last_commit_us);
          }
          known_.last_commit_us = now_us;
          ++known_.commits;
          known_.offset = std::max(known_.offset, offset);
          Next();
        });
  }

  void Ask() {
    wire::OffsetFetchRequest request;
    auto& group = request.groups.emplace_back();
    group.group_id = known_.group_id;
    group.topics.emplace();
    group.topics->push_back({.topic_id = {}, .name = options_.topic, .partition_indexes = {0}});
    Send<wire::OffsetFetchResponse>(
        kFetchVersion, request, [this, at_least = known_.offset](const auto& response) {
          const auto& answer = response.groups.at(0);
          if (answer.error_code != ErrorCode::kNone) return Again();
          const auto& partition = answer.topics.at(0).partitions.at(0);
          if (partition.error_code != ErrorCode::kNone) return Again();
          if (partition.committed_offset < at_least) {
            Fatal(known_.group_id + " is told " + std::to_string(partition.committed_offset) +
                  " after " + std::to_string(at_least));
          }
          ++known_.answers;
          known_.offset = std::max(known_.offset, partition.committed_offset);
          Next();
        });
  }

  // Closes the connection there was; `then` runs once the new one is open.
  void Dial(const Endpoint& at, std::function<void()> then) {
    Watch();
    link_ =
        std::make_unique<BrokerLink>(world_.dialer(), at, [this](const std::string&) { Again(); });
    WhenOpen(attempt_, std::move(then));
  }

  void WhenOpen(int64_t attempt, std::function<void()> then) {
    if (attempt != attempt_) return;
    if (link_->open()) return then();
    world_.shard().PostAt(
        world_.shard().Now() + std::chrono::milliseconds(1),
        [this, attempt, then = std::move(then)]() mutable { WhenOpen(attempt, std::move(then)); });
  }

  template <wire::Message Response, wire::Message Request>
  void Send(int16_t version, const Request& request, std::function<void(const Response&)> done) {
    Watch();
    link_->Send<Response>(version, request,
                          [this, attempt = attempt_, done = std::move(done)](const auto& response) {
                            if (attempt == attempt_) done(response);
                          });
  }

  // A new attempt, which is given up when it takes too long.
  void Watch() {
    world_.shard().Cancel(timer_);
    ++attempt_;
    timer_ = world_.shard().PostAt(world_.shard().Now() + kAnswerTimeout, [this] { Again(); });
  }

  void Again() {
    ++attempt_;
    world_.shard().Cancel(timer_);
    timer_ = world_.shard().PostAt(world_.shard().Now() + kRetryPause, [this] {
      link_ = nullptr;
      FindCoordinator();
    });
  }

  void End() {
    ++attempt_;
    world_.shard().Cancel(timer_);
    stopped_ = true;
  }

  const Options& options_;
  GroupWorld& world_;
  Known& known_;
  const bool commits_;
  const std::vector<Endpoint> brokers_;
  size_t next_broker_ = 0;
  int64_t sent_ = -1;
  int64_t attempt_ = 0;
  Executor::TimerId timer_ = 0;
  std::unique_ptr<BrokerLink> link_;
  bool stopping_ = false;
  bool stopped_ = false;
};

// Until every group has been served twice more: the first answers may be to what was sent before.
void WaitUntilServed(GroupWorld& world, const std::vector<Known>& known) {
  std::vector<Known> before;
  world.Run([&] { before = known; });
  world.WaitUntil(
      [&] {
        for (size_t number = 0; number < known.size(); ++number) {
          if (known[number].commits < before[number].commits + 2) return false;
          if (known[number].answers < before[number].answers + 2) return false;
        }
        return true;
      },
      "every group to be served");
  std::fprintf(stderr, "served\n");
}

}  // namespace

Report GroupOffsets(const Options& options) {
  GroupWorld world(options);
  std::vector<Known> known(options.group_ids.size());
  std::vector<std::unique_ptr<OffsetClient>> clients;
  for (size_t number = 0; number < known.size(); ++number) {
    known[number].group_id = options.group_ids[number];
    for (const bool commits : {true, false}) {
      clients.push_back(std::make_unique<OffsetClient>(options, world, known[number], commits));
    }
  }
  const int64_t start_us = NowUs();
  world.Run([&] {
    for (const auto& client : clients) client->Start();
  });
  WaitUntilServed(world, known);
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) WaitUntilServed(world, known);
  world.Run([&] {
    for (const auto& client : clients) client->Stop();
  });
  world.WaitUntil(
      [&] {
        return std::all_of(clients.begin(), clients.end(),
                           [](const auto& client) { return client->stopped(); });
      },
      "the last answers");
  Report report{.mode = "group-offsets", .seconds = static_cast<double>(NowUs() - start_us) / 1e6};
  world.Run([&] {
    Known sum;
    for (const Known& each : known) {
      sum.commits += each.commits;
      sum.answers += each.answers;
      sum.longest_gap_us = std::max(sum.longest_gap_us, each.longest_gap_us);
    }
    report.figures = {{"commits", static_cast<double>(sum.commits)},
                      {"answers", static_cast<double>(sum.answers)},
                      {"longest_gap_ms", static_cast<double>(sum.longest_gap_us) / 1000}};
    clients.clear();
  });
  return report;
}

}  // namespace weir::bench
