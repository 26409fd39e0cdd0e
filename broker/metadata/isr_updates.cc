#include "broker/metadata/isr_updates.h"

#include <algorithm>
#include <iterator>

namespace weir::broker {
namespace {

// Covers a controller failover; after that the partition decides anew what it wants.
constexpr Duration kCallTimeout = std::chrono::seconds(2);
// A directory may hold a hundred thousand: their changes must fit a batch of the metadata log.
constexpr size_t kStoragePerCallMax = 10'000;

}  // namespace

void IsrUpdates::Propose(const replica::TopicPartition& partition, replica::IsrProposal proposal,
                         Done done) {
  thread_->Post(
      [this, waiting = Waiting{partition, std::move(proposal), std::move(done)}]() mutable {
        std::erase_if(waiting_.proposals,
                      [&](const Waiting& older) { return older.partition == waiting.partition; });
        waiting_.proposals.push_back(std::move(waiting));
        SendIfDue();
      });
}

void IsrUpdates::GiveUp(const replica::TopicPartition& partition, GivenUp done) {
  thread_->Post([this, waiting = WaitingReplica{partition, std::move(done)}]() mutable {
    std::erase_if(waiting_.given_up, [&](const WaitingReplica& older) {
      return older.partition == waiting.partition;
    });
    waiting_.given_up.push_back(std::move(waiting));
    SendIfDue();
  });
}

void IsrUpdates::TellStorage(const replica::TopicPartition& partition, bool offline, Told done) {
  thread_->Post([this, partition, offline, done = std::move(done)]() mutable {
    WaitingStorage& waiting = waiting_.storage[partition];
    ++storage_calls_;
    if (waiting.number == 0) waiting.number = storage_calls_;
    waiting.offline = offline;
    waiting.done = std::move(done);
    SendIfDue();
  });
}

void IsrUpdates::ReportLogEnd(const replica::TopicPartition& partition, const log::EpochEnd& end) {
  thread_->Post([this, partition, end] {
    waiting_.log_ends[partition] = end;
    SendIfDue();
  });
}

void IsrUpdates::AfterStorage(Task done) {
  thread_->Post([this, done = std::move(done)]() mutable {
    after_storage_.emplace_back(storage_calls_, std::move(done));
    RunAfterStorage();
  });
}

void IsrUpdates::RunAfterStorage() {
  if (after_storage_.empty()) return;
  uint64_t oldest = storage_calls_ + 1;
  for (const Round* round : {&sent_, &waiting_}) {
    for (const auto& [partition, storage] : round->storage) {
      oldest = std::min(oldest, storage.number);
    }
  }
  std::vector<Task> due;
  for (auto& [number, task] : after_storage_) {
    if (number < oldest) due.push_back(std::move(task));
  }
  std::erase_if(after_storage_, [&](const auto& each) { return each.first < oldest; });
  for (Task& task : due) task();
}

IsrUpdates::Round IsrUpdates::TakeRound() {
  Round round = std::exchange(waiting_, {});
  while (round.storage.size() > kStoragePerCallMax) {
    waiting_.storage.insert(round.storage.extract(std::prev(round.storage.end())));
  }
  return round;
}

void IsrUpdates::SendIfDue() {
  if (!sent_.empty() || waiting_.empty()) return;
  sent_ = TakeRound();
  broker::v1::AlterPartitionRequest request;
  request.set_broker_id(broker_id_.value());
  request.set_broker_epoch(broker_epoch_().value());
  for (const Waiting& each : sent_.proposals) {
    broker::v1::IsrChange* change = request.add_partitions();
    change->set_topic_id(each.partition.topic_id.ToBytes());
    change->set_partition(each.partition.partition.value());
    change->set_leader_epoch(each.proposal.leader_epoch.value());
    change->set_partition_epoch(each.proposal.partition_epoch.value());
    for (const replica::IsrMember& member : each.proposal.isr) {
      broker::v1::IsrMember* added = change->add_isr();
      added->set_broker_id(member.broker.value());
      added->set_broker_epoch(member.epoch.value());
    }
  }
  for (const WaitingReplica& each : sent_.given_up) {
    broker::v1::GivenUpReplica* given_up = request.add_given_up();
    given_up->set_topic_id(each.partition.topic_id.ToBytes());
    given_up->set_partition(each.partition.partition.value());
  }
  for (const auto& [partition, each] : sent_.storage) {
    broker::v1::ReplicaStorage* storage = request.add_storage();
    storage->set_topic_id(partition.topic_id.ToBytes());
    storage->set_partition(partition.partition.value());
    storage->set_offline(each.offline);
  }
  for (const auto& [partition, end] : sent_.log_ends) {
    broker::v1::ReplicaLogEnd* log_end = request.add_log_ends();
    log_end->set_topic_id(partition.topic_id.ToBytes());
    log_end->set_partition(partition.partition.value());
    log_end->set_leader_epoch(end.epoch.value());
    log_end->set_end_offset(end.end_offset.value());
  }
  controllers_.AlterPartition(
      std::move(request), kCallTimeout,
      [this](Result<broker::v1::AlterPartitionReply> reply) { OnReply(std::move(reply)); });
}

void IsrUpdates::OnReply(Result<broker::v1::AlterPartitionReply> reply) {
  Round answered = std::exchange(sent_, {});
  for (size_t i = 0; i < answered.proposals.size(); ++i) {
    Waiting& each = answered.proposals[i];
    // The epochs say which proposal this answers, also when it was refused.
    replica::IsrAnswer answer{.leader_epoch = each.proposal.leader_epoch,
                              .asked = each.proposal.partition_epoch};
    if (!reply) {
      answer.error = reply.error().code;
    } else if (static_cast<int>(i) < reply->partitions_size()) {
      const broker::v1::AlteredPartition& altered = reply->partitions(static_cast<int>(i));
      answer.error = ErrorCodeFromNumber(altered.error_code());
      answer.partition_epoch = PartitionEpoch(altered.partition_epoch());
      for (const int32_t broker : altered.isr()) answer.isr.push_back(NodeId(broker));
    } else {
      answer.error = ErrorCode::kUnknownServerError;
    }
    each.done(std::move(answer));
  }
  for (size_t i = 0; i < answered.given_up.size(); ++i) {
    replica::GivenUpAnswer answer{.error = ErrorCode::kUnknownServerError};
    if (!reply) {
      answer.error = reply.error().code;
    } else if (static_cast<int>(i) < reply->given_up_size()) {
      const broker::v1::AlteredPartition& altered = reply->given_up(static_cast<int>(i));
      answer.error = ErrorCodeFromNumber(altered.error_code());
      answer.leader_epoch = LeaderEpoch(altered.leader_epoch());
    }
    answered.given_up[i].done(answer);
  }
  int at = 0;
  for (auto& [partition, each] : answered.storage) {
    ErrorCode error = ErrorCode::kUnknownServerError;
    if (!reply) {
      error = reply.error().code;
    } else if (at < reply->storage_size()) {
      error = ErrorCodeFromNumber(reply->storage(at).error_code());
    }
    ++at;
    each.done(error);
  }
  RunAfterStorage();
  SendIfDue();
}

}  // namespace weir::broker
