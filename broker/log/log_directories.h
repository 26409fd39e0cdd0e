// LogDirectories: the stores of a broker's data directories, as its partitions use them (Kafka's
// log.dirs). A view: the stores belong to whoever opened them.
//
// Laws:
//  1. A partition lives in one directory, and is found there again in the next life.
//  2. A new partition goes to the directory with the fewest, the first such.
// Thread rule: any thread; internally locked.
#pragma once

#include <memory>
#include <vector>

#include "broker/log/log_store.h"
#include "common/runtime/guarded.h"

namespace weir::log {

class LogDirectories {
 public:
  // One directory.
  LogDirectories(LogStore& store) : LogDirectories(std::vector<LogStore*>{&store}) {}  // NOLINT
  // REQUIRES: stores[i]->directory() == i.
  explicit LogDirectories(std::vector<LogStore*> stores);

  size_t size() const { return stores_.size(); }
  LogStore& at(size_t directory) const { return *stores_[directory]; }

  // All that is stored, sorted.
  std::vector<TopicPartition> Stored() const;
  // Errors: kKafkaStorageError for a partition in two directories: one of them is a copy, and
  // nobody knows which.
  Status CheckDistinct() const;
  // As LogStore's; each partition in its directory.
  std::vector<StoredPartition> OpenOrCreate(const std::vector<TopicPartition>& partitions,
                                            const std::vector<KvFamily>& families) const;
  void Delete(const std::vector<TopicPartition>& partitions) const;
  // `done` runs on some syncer when everything queued in any directory before the call is synced.
  void Flush(Task done) const;
  // The broker epoch that all directories were closed in; kNoBrokerEpoch when one of them was not.
  BrokerEpoch previous_broker_epoch() const;
  // Errors: of the first directory that fails; the others are closed all the same.
  Status CloseCleanly(BrokerEpoch epoch) const;

 private:
  // Holds the choice of a directory and the creation there together.
  struct Placement {};

  std::vector<LogStore*> stores_;
  std::shared_ptr<runtime::Guarded<Placement>> placement_;
};

}  // namespace weir::log
