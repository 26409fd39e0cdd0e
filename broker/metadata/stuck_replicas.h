// StuckReplicas: the replicas that full disks keep from following, and which of them the
// controller has been asked to take out of the ISR, so that their leaders need not wait for them
// until replica.lag.time.max.ms is over.
//
//   following --records come, no room--> asked --the controller agrees--> given up --room again-->
//   following           asked --refused, or nobody answered--> following
//
// Laws:
//  1. While its disk stays full a replica is given up once: the leader epoch grows with each time.
// Thread rule: plain value, one owner.
#pragma once

#include <set>

#include "broker/log/topic_partition.h"
#include "common/base/error_code.h"

namespace weir::broker {

class StuckReplicas {
 public:
  // Records came for which there is no room. Whether the controller is to be asked now.
  bool OnNoRoom(const log::TopicPartition& partition) { return asked_.insert(partition).second; }
  // What the controller said.
  void OnAnswer(const log::TopicPartition& partition, ErrorCode error) {
    if (error != ErrorCode::kNone) asked_.erase(partition);
  }
  void OnRoom() { asked_.clear(); }
  void OnRoom(const log::TopicPartition& partition) { asked_.erase(partition); }

 private:
  // Also those given up.
  std::set<log::TopicPartition> asked_;
};

}  // namespace weir::broker
