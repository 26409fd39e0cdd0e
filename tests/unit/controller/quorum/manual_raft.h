// The active controller of a quorum that a test commits, confirms and loses by hand.
// Thread rule: one owner.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/quorum/active_controller.h"
#include "tests/support/manual_executor.h"

namespace weir::quorum {

// A log that commits when told to, and confirms reads when told to.
class FakeRaft : public RaftPort {
 public:
  Result<LogIndex> Propose(std::shared_ptr<const std::string> payload) override {
    if (refuse) return Fail(ErrorCode::kThrottlingQuotaExceeded, "full");
    log.push_back({term, LogIndex(log.size() + 1), raft::EntryType::kNormal, std::move(payload)});
    return log.back().index;
  }
  Status ReadIndex(uint64_t request_id) override {
    reads.push_back(request_id);
    return {};
  }

  Term term{1};
  std::vector<raft::Entry> log;
  std::vector<uint64_t> reads;
  bool refuse = false;
};

class ManualQuorum : public ::testing::Test {
 protected:
  // By default no session is silent.
  explicit ManualQuorum(state::LivenessOptions options = {.session_timeout = std::chrono::hours(1)})
      : liveness_(options) {
    machine_.AddListener(&controller_);
  }

  void BecomeLeader(uint64_t term) {
    raft_.term = Term(term);
    raft_.log.push_back({raft_.term, LogIndex(raft_.log.size() + 1), raft::EntryType::kLeaderStart,
                         std::make_shared<const std::string>()});
    machine_.OnRoleChange({raft::Role::kLeader, raft_.term, std::nullopt});
  }
  void LoseLeadership() {
    machine_.OnRoleChange({raft::Role::kFollower, raft_.term + 1, std::nullopt});
  }
  void Commit() {
    std::vector<raft::Entry> run(raft_.log.begin() + static_cast<std::ptrdiff_t>(committed_),
                                 raft_.log.end());
    committed_ = raft_.log.size();
    if (!run.empty()) machine_.Apply(run);
  }
  // Leader of term 1, its first records committed.
  void Start() {
    BecomeLeader(1);
    Commit();  // the leader's start
    Commit();  // the cluster record
  }
  void ConfirmReads() {
    for (const uint64_t id : std::exchange(raft_.reads, {})) {
      machine_.OnReadState({id, machine_.committed().offset()});
    }
  }
  // An entry that nobody decided, committed.
  void Write(const metadata::v1::MetadataBatch& batch) {
    ASSERT_TRUE(raft_.Propose(std::make_shared<const std::string>(batch.SerializeAsString())));
    Commit();
  }

  // A broker that is registered and not fenced, in a new life of that number; without a session.
  void RegisterBroker(int32_t id, char directory, uint64_t life = 0) {
    metadata::v1::MetadataBatch batch;
    auto* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(id);
    broker->set_incarnation_id(std::string(15, directory) + static_cast<char>('0' + life % 10));
    broker->add_directory_ids(std::string(16, directory));
    broker->set_fenced(false);
    Write(batch);
  }
  // A topic of one partition on brokers 1 and 2.
  void WriteTopic(const std::string& name, int32_t leader_id) {
    metadata::v1::MetadataBatch batch;
    auto* topic = batch.add_records()->mutable_topic();
    topic->set_topic_id(std::string(16, 't'));
    topic->set_name(name);
    auto* partition = batch.add_records()->mutable_partition();
    partition->set_topic_id(std::string(16, 't'));
    for (const int32_t id : {1, 2}) {
      partition->add_replicas(id);
      partition->add_isr(id);
    }
    partition->set_leader(leader_id);
    Write(batch);
  }
  // Of WriteTopic's partition.
  void WriteLeader(int32_t leader_id) {
    metadata::v1::MetadataBatch batch;
    auto* change = batch.add_records()->mutable_partition_change();
    change->set_topic_id(std::string(16, 't'));
    change->set_leader(leader_id);
    Write(batch);
  }

  test::ManualExecutor loop_;
  FakeRaft raft_;
  state::Liveness liveness_;
  MetadataMachine machine_{[](const std::string&) {}};
  ActiveController controller_{loop_, raft_, machine_, liveness_,
                               ActiveControllerOptions{NodeId(1), {}, {}, 7}};
  size_t committed_ = 0;
};

}  // namespace weir::quorum
