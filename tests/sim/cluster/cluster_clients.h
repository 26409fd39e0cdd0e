// ClusterClients: consumers and idempotent producers of the simulated cluster, as real ones behave:
// they know what some broker's metadata said, are told by epochs when that is old (KIP-320), give
// up waiting and try again, elsewhere.
//
// Laws:
//  1. A consumer reads without a hole, never twice, and only what was committed there (I-07, C-07
//     to C-10). What it has read stays readable: no leader of its epoch or a later one may call its
//     position out of range (I-43).
//  2. An idempotent producer sends one batch at a time, the same until it is acknowledged: its
//     records stand in the log once and in order, whatever was repeated (J-04).
//  3. A topic that is made anew is another topic: both begin again (I-44).
//  4. Topics with unclean elections may lose records: their consumers begin again where they must.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/replica/operations.h"
#include "common/metadata/image.h"

namespace weir::sim {

class ClusterWorld;

class ClusterClients {
 public:
  explicit ClusterClients(ClusterWorld& world) : world_(world) {}

  // One consumer, and in some worlds a producer, of each partition of `topic`.
  void Add(const std::string& topic, int32_t partitions);
  // No new batches: those under way are brought to an end.
  void StopProducing() { producing_ = false; }
  // Nothing is under way, and consumers have read all that is committed.
  bool Done();
  std::string Describe() const;

 private:
  // What a client knows of its partition.
  struct Knowledge {
    std::string topic;
    PartitionIndex index;
    LogIndex image_offset;
    log::TopicPartition partition;
    LeaderEpoch leader_epoch{-1};
    NodeId leader = kNoNode;
  };
  struct Consumer {
    Knowledge knows;
    Offset position{0};
    // Of the request under way; an answer to an older one is not heard any more.
    uint64_t asked = 0;
    bool waiting = false;
  };
  struct Producer {
    Knowledge knows;
    int64_t id = 0;
    // The batch under way begins with this record; they are counted from 0.
    int32_t sequence = 0;
    int32_t count = 0;
    uint64_t asked = 0;
    bool waiting = false;
  };

  void PollLater(size_t consumer);
  void Poll(size_t consumer);
  void OnFetched(size_t consumer, uint64_t asked, bool of_leader,
                 const replica::FetchOutcome& outcome);
  bool Take(Consumer& consumer, const replica::FetchOutcome& outcome);
  void SendLater(size_t producer);
  void Send(size_t producer);
  void OnAnswered(size_t producer, uint64_t asked, int32_t sequence,
                  const replica::AppendOutcome& outcome);
  // Looks at some broker's metadata. False: there is none, or the topic is not in it. `is_new` is
  // set when it is another topic than before.
  bool Learn(Knowledge& knows, bool& is_new);
  bool Lossy(const Knowledge& knows) const;

  ClusterWorld& world_;
  std::vector<Consumer> consumers_;
  std::vector<Producer> producers_;
  uint64_t last_asked_ = 0;
  bool producing_ = true;
};

}  // namespace weir::sim
