// IsrUpdates: what this broker's partitions ask of the controller about their ISRs (AlterPartition,
// KIP-497). Proposals that come while a call is under way go together in the next one.
//
// Laws:
//  1. One call is under way at a time, so that proposals of a partition arrive in order.
//  2. A proposal is answered once, by the controller, or with the error of the call as a whole:
//     then it is not known whether the change was made. One that waits while a newer one of its
//     partition comes is never sent nor answered. Replicas given up, and news of replicas that
//     are offline, go with them, answered alike.
//  3. Ends of logs go with the next call, each once; they are not answered.
// Thread rule: Propose from any thread; answers come on the metadata thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/metadata/controller_port.h"
#include "broker/replica/operations.h"
#include "broker/replica/partition.h"
#include "common/base/executor.h"

namespace weir::broker {

class IsrUpdates {
 public:
  using Done = absl::AnyInvocable<void(replica::IsrAnswer)>;

  // `broker_epoch` is asked for each call.
  IsrUpdates(std::shared_ptr<Executor> metadata_thread, ControllerPort& controllers,
             NodeId broker_id, std::function<BrokerEpoch()> broker_epoch)
      : thread_(std::move(metadata_thread)),
        controllers_(controllers),
        broker_id_(broker_id),
        broker_epoch_(std::move(broker_epoch)) {}

  using GivenUp = absl::AnyInvocable<void(replica::GivenUpAnswer)>;

  void Propose(const replica::TopicPartition& partition, replica::IsrProposal proposal, Done done);
  // This broker's replica is to be in no list of the partition any more.
  void GiveUp(const replica::TopicPartition& partition, GivenUp done);
  // How far this broker's log of a partition without a leader goes.
  void ReportLogEnd(const replica::TopicPartition& partition, const log::EpochEnd& end);

  using Told = absl::AnyInvocable<void(ErrorCode)>;
  // Whether this broker's replica is offline.
  void TellStorage(const replica::TopicPartition& partition, bool offline, Told done);
  // `done` runs on the metadata thread when the controller has answered, whatever it said, or
  // failed to answer, all that TellStorage was called for before.
  void AfterStorage(Task done);

 private:
  struct Waiting {
    replica::TopicPartition partition;
    replica::IsrProposal proposal;
    Done done;
  };
  struct WaitingReplica {
    replica::TopicPartition partition;
    GivenUp done;
  };
  struct WaitingStorage {
    bool offline = false;
    Told done;
    // Of the first call of TellStorage that it stands for.
    uint64_t number = 0;
  };
  // What one call holds, in its order.
  struct Round {
    std::vector<Waiting> proposals;
    std::vector<WaitingReplica> given_up;
    std::map<replica::TopicPartition, WaitingStorage> storage;
    std::map<replica::TopicPartition, log::EpochEnd> log_ends;

    bool empty() const {
      return proposals.empty() && given_up.empty() && storage.empty() && log_ends.empty();
    }
  };

  Round TakeRound();
  void RunAfterStorage();
  void SendIfDue();
  void OnReply(Result<broker::v1::AlterPartitionReply> reply);

  std::shared_ptr<Executor> thread_;
  ControllerPort& controllers_;
  NodeId broker_id_;
  std::function<BrokerEpoch()> broker_epoch_;
  Round waiting_;
  // Of the call under way.
  Round sent_;
  // With the number of the last call of TellStorage before.
  std::vector<std::pair<uint64_t, Task>> after_storage_;
  uint64_t storage_calls_ = 0;
};

}  // namespace weir::broker
