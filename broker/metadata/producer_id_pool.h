// ProducerIdPool: producer ids for idempotent producers, from blocks that the controller hands out
// (KIP-730).
//
// Laws:
//  1. An id is given at most once in the life of the cluster: a block that was asked for and lost
//     is lost.
//  2. One request for a block is under way at a time; whoever asks meanwhile waits for it.
//  3. A block is asked for before the last one is used up: while the controllers have no majority
//     new producers are served from what is held.
// Thread rule: Take from any thread; the rest on the metadata thread, where `done` runs too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "broker/metadata/controller_port.h"
#include "common/base/executor.h"
#include "common/base/ids.h"

namespace weir::broker {

class ProducerIdPool {
 public:
  using Done = absl::AnyInvocable<void(Result<ProducerId>)>;

  // `broker_epoch` is asked for each request.
  ProducerIdPool(std::shared_ptr<Executor> metadata_thread, ControllerPort& controllers,
                 NodeId broker_id, std::function<BrokerEpoch()> broker_epoch)
      : thread_(std::move(metadata_thread)),
        controllers_(controllers),
        broker_id_(broker_id),
        broker_epoch_(std::move(broker_epoch)) {}

  // Errors: those of the controller; retriable kCoordinatorLoadInProgress when it cannot be
  // reached.
  void Take(Done done);

  // Metadata thread, once the broker is registered: gets the first block before anybody asks.
  void Prefetch();

 private:
  struct Block {
    int64_t next = 0;
    int64_t end = 0;
  };

  // Ids in hand.
  int64_t held() const;
  void Serve();
  void RequestBlock();
  void OnBlock(Result<broker::v1::AllocateProducerIdsReply> reply);

  std::shared_ptr<Executor> thread_;
  ControllerPort& controllers_;
  NodeId broker_id_;
  std::function<BrokerEpoch()> broker_epoch_;
  Block current_;
  Block spare_;
  int64_t block_size_ = 0;  // of the last block
  bool requested_ = false;
  bool retry_scheduled_ = false;
  std::vector<Done> waiting_;
};

}  // namespace weir::broker
