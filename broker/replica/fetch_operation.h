// FetchOperation: one Fetch request whose partitions live on several shards.
//
//   each shard: read; if that is less than bytes_min, watch for more, in the same step
//   home: all read -> enough, an error, or the deadline? -> cancel watches, answer; else wait
//   a watch wakes -> that shard reads again
//
// Laws:
//  1. Between a shard's read and its watch nothing can move: no movement is missed.
//  2. The answer holds bytes_max at most, trimmed in the order of the parts; its first batch comes
//     whole.
//  3. Answered once; a wake-up after that is ignored.
//  4. A follower that does not know the high watermark yet is told it after a short while, with
//     records or without (PartitionTable::kHighWatermarkPause).
// Thread rule: members on the home shard; the steps on other shards touch their table only.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/replica/operations.h"
#include "broker/replica/partition_router.h"
#include "broker/replica/partition_table.h"
#include "broker/replica/wait_queue.h"

namespace weir::replica {

class FetchOperation : public std::enable_shared_from_this<FetchOperation> {
 public:
  // Call on shard `home`. `router` outlives the operation. What it returns ends the wait: the
  // operation answers with what there is. To be called on shard `home`, also after the answer.
  static std::function<void()> Start(PartitionRouter& router, size_t home, FetchRequest request,
                                     FetchDone done);

 private:
  struct ShardPart {
    size_t shard = 0;
    std::vector<size_t> indexes;
    std::shared_ptr<const std::vector<FetchPart>> parts;
    std::vector<FetchOutcome> outcomes;
    // The outcomes are to be told now, however few records there are.
    bool news = false;
    // 0: none.
    WaitQueue::WaitId watch = 0;
  };

  FetchOperation(PartitionRouter& router, size_t home, FetchRequest request, FetchDone done);
  // `first`: a follower's offsets are acknowledgements once.
  void Read(size_t part, bool first);
  void OnRead(size_t part, std::vector<FetchOutcome> outcomes, bool news, WaitQueue::WaitId watch);
  void OnWake(size_t part);
  void EndWait();
  bool Enough() const;
  void Finish();
  std::vector<FetchOutcome> Assemble();

  PartitionRouter& router_;
  const size_t home_;
  const int64_t bytes_min_;
  const int64_t bytes_max_;
  const MonoTime deadline_;
  const PartitionTable::Reader reader_;
  const size_t part_count_;
  std::vector<ShardPart> shard_parts_;
  size_t reads_pending_ = 0;
  bool finished_ = false;
  bool wait_ended_ = false;
  FetchDone done_;
};

}  // namespace weir::replica
