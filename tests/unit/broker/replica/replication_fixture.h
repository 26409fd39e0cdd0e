// Two or three brokers with stores of their own, wired by a port that the test drives fetch by
// fetch.
// Thread rule: the test's one thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_start_map.h"
#include "broker/log/log_store.h"
#include "broker/replica/partition_router.h"
#include "broker/replica/partition_table.h"
#include "tests/support/batches.h"
#include "tests/support/broker_log_world.h"
#include "tests/support/manual_executor.h"
#include "tests/support/mem_kv_store.h"

namespace weir::replica {

inline const TopicPartition kPartition = test::MakePartition(0);

// One broker: whom its replica follows, and what it asked the controllers.
class Broker : public ReplicationPort {
 public:
  using ManualExecutor = test::ManualExecutor;
  using Strings = std::vector<std::string>;

  Broker(test::ManualWorld& world, NodeId id) : id(id), writer(world), syncer(world), shard(world) {
    Start();
  }

  void Start() {
    auto starts = std::make_shared<log::LogStartMap>();
    store.set_drop_rules(log::LogStartMap::DropRules(starts));
    log_store = log::LogStore::Open(store, writer, syncer, starts).value();
    router = std::make_unique<PartitionRouter>(id, *log_store, std::vector<Executor*>{&shard},
                                               16 * 1024 * 1024);
    router->SetReplication(this, std::chrono::seconds(30));
  }
  // Everything queued is lost; what was written survives, as after kill -9.
  void Restart() {
    for (ManualExecutor* executor : {&writer, &syncer, &shard}) executor->Clear();
    router.reset();
    log_store.reset();
    position.reset();
    store.Kill();
    Start();
  }

  void Follow(NodeId leader, std::vector<FollowerPosition> positions) override {
    followed = leader;
    position = positions.at(0);
  }
  void Unfollow(std::vector<TopicPartition>) override { position.reset(); }
  void ProposeIsr(const TopicPartition&, IsrProposal proposal) override {
    proposals.push_back(std::move(proposal));
  }
  void GiveUp(const TopicPartition&) override { ++give_ups; }
  void TellStorage(const TopicPartition&, bool) override {}
  MonoTime LeadsUntil() const override { return leads_until; }
  void ReportLogEnd(const TopicPartition&, const log::EpochEnd& end) override {
    reports.push_back(end);
  }

  void Run() { test::RunAll({&writer, &syncer, &shard}); }
  void RunWithoutSync() { test::RunAll({&writer, &shard}); }

  // All records on disk, wherever the high watermark stands.
  Strings Records() {
    std::vector<SharedBytes> entries;
    auto it = store.Scan(KvFamily::kLogLong, "", "");
    for (it->Seek(""); it->Valid(); it->Next()) entries.push_back(SharedBytes::Copy(it->value()));
    return test::RecordsIn(entries);
  }
  std::string Bytes() {
    std::string bytes;
    auto it = store.Scan(KvFamily::kLogLong, "", "");
    for (it->Seek(""); it->Valid(); it->Next()) bytes += it->value();
    return bytes;
  }
  PartitionInfo Info() {
    std::optional<PartitionInfo> info;
    router->Describe(0, [&](std::vector<PartitionInfo> infos) { info = infos.at(0); });
    RunWithoutSync();
    return info.value();
  }

  const NodeId id;
  BrokerEpoch epoch{100};
  test::MemKvStore store;
  ManualExecutor writer;
  ManualExecutor syncer;
  ManualExecutor shard;
  std::unique_ptr<log::LogStore> log_store;
  std::unique_ptr<PartitionRouter> router;
  NodeId followed = kNoNode;
  std::optional<FollowerPosition> position;
  // When the last answer that it got had left.
  MonoTime answered = MonoTime::min();
  std::vector<IsrProposal> proposals;
  int give_ups = 0;
  MonoTime leads_until = MonoTime::max();
  std::vector<log::EpochEnd> reports;
};

class ReplicationTest : public ::testing::Test {
 protected:
  using Strings = std::vector<std::string>;

  ReplicationTest() : a(world, NodeId(1)), b(world, NodeId(2)), c(world, NodeId(3)) {}

  // Metadata as `to` sees it: each call is newer than the one before.
  void Tell(Broker& to, Broker& leader, int epoch, std::vector<NodeId> isr) {
    to.router->Assign({{.partition = kPartition,
                        .leader = leader.id,
                        .leader_epoch = LeaderEpoch(epoch),
                        .partition_epoch = PartitionEpoch(++partition_epoch),
                        .replicas = {a.id, b.id, c.id},
                        .isr = std::move(isr),
                        .config = config}},
                      nullptr);
    to.RunWithoutSync();
  }
  void Elect(Broker& leader, int epoch, const std::vector<NodeId>& isr,
             const std::vector<Broker*>& told) {
    for (Broker* broker : told) Tell(*broker, leader, epoch, isr);
    for (Broker* broker : told) broker->Run();
  }

  using Outcome = std::shared_ptr<std::optional<AppendOutcome>>;
  Outcome StartAppend(Broker& to, SharedBytes batch, int acks = -1) {
    auto outcome = std::make_shared<std::optional<AppendOutcome>>();
    AppendRequest request;
    request.acks = static_cast<int16_t>(acks);
    request.api_version = 9;
    request.deadline = world.now + std::chrono::seconds(30);
    request.parts.push_back({kPartition, std::move(batch)});
    to.router->Append(0, std::move(request), [outcome](std::vector<AppendOutcome> outcomes) {
      *outcome = std::move(outcomes.at(0));
    });
    return outcome;
  }
  ErrorCode Append(Broker& to, SharedBytes batch, int acks = 1) {
    const Outcome outcome = StartAppend(to, std::move(batch), acks);
    to.Run();
    return outcome->has_value() ? (*outcome)->error : ErrorCode::kRequestTimedOut;
  }
  // A time in which this broker led alone and took one batch per text.
  void LeadAlone(Broker& broker, int epoch, const Strings& texts) {
    Elect(broker, epoch, {broker.id}, {&broker});
    for (const std::string& text : texts) {
      ASSERT_EQ(Append(broker, test::MakeBatch(text)), ErrorCode::kNone);
    }
  }

  using Answer = std::shared_ptr<std::optional<FetchOutcome>>;
  // The follower's next fetch, for which the leader may wait.
  Answer StartAsk(Broker& follower, Broker& leader, Duration wait) {
    const FollowerPosition at = follower.position.value();
    FetchRequest request;
    request.replica = follower.id;
    request.replica_epoch = follower.epoch;
    request.sent_after = follower.answered;
    request.bytes_min = wait > Duration::zero() ? 1 : 0;
    request.bytes_max = 1 << 20;
    request.deadline = world.now + wait;
    request.parts.push_back({.partition = kPartition,
                             .fetch_offset = at.fetch_offset,
                             .bytes_max = 1 << 20,
                             .current_leader_epoch = at.leader_epoch,
                             .last_fetched_epoch = at.last_fetched_epoch,
                             .follower_log_start = at.log_start_offset,
                             .follower_high_watermark = at.high_watermark});
    auto answer = std::make_shared<std::optional<FetchOutcome>>();
    leader.router->Fetch(0, std::move(request), [answer](std::vector<FetchOutcome> outcomes) {
      *answer = outcomes.at(0);
    });
    leader.RunWithoutSync();
    return answer;
  }
  // What the leader answers to the follower's next fetch.
  FollowerFetch Ask(Broker& follower, Broker& leader) {
    const Answer answer = StartAsk(follower, leader, Duration::zero());
    follower.answered = world.now;
    return AsFetched(follower, **answer);
  }
  static FollowerFetch AsFetched(const Broker& follower, const FetchOutcome& answer) {
    const FollowerPosition at = follower.position.value();
    std::string bytes;
    for (const SharedBytes& run : answer.records) bytes += run.view();
    return {.partition = kPartition,
            .leader_epoch = at.leader_epoch,
            .fetch_offset = at.fetch_offset,
            .error = answer.error,
            .high_watermark = answer.high_watermark,
            .log_start_offset = answer.log_start_offset,
            .diverging = answer.diverging,
            .records = bytes.empty() ? SharedBytes() : SharedBytes::Copy(bytes)};
  }
  using Taken = std::shared_ptr<std::optional<TakenFetch>>;
  Taken StartTake(Broker& follower, FollowerFetch fetched) {
    auto taken = std::make_shared<std::optional<TakenFetch>>();
    follower.router->TakeFetched(
        0, {std::move(fetched)},
        [taken](std::vector<TakenFetch> outcomes) { *taken = outcomes.at(0); });
    return taken;
  }
  // One fetch, taken and persisted. Returns the error.
  ErrorCode Fetch(Broker& follower, Broker& leader) {
    const Taken taken = StartTake(follower, Ask(follower, leader));
    follower.Run();
    leader.Run();
    if (!taken->has_value()) return ErrorCode::kUnknownServerError;
    if ((*taken)->error == ErrorCode::kNone) follower.position = (*taken)->position;
    return (*taken)->error;
  }
  // The controllers want no other ISR: what was proposed counts no longer.
  void Refuse(Broker& leader, int epoch) {
    leader.router->OnIsrAnswer(
        kPartition, {.error = ErrorCode::kIneligibleReplica, .leader_epoch = LeaderEpoch(epoch)});
    leader.Run();
  }
  // Fetches until nothing is left to come.
  void CatchUp(Broker& follower, Broker& leader) {
    for (int i = 0; i < 20; ++i) ASSERT_EQ(Fetch(follower, leader), ErrorCode::kNone);
    EXPECT_EQ(follower.Bytes(), leader.Bytes()) << "D-24";
  }

  test::ManualWorld world;
  log::LogConfigPtr config = std::make_shared<log::LogConfig>();
  int partition_epoch = 0;
  Broker a;
  Broker b;
  Broker c;
};

}  // namespace weir::replica
