// LogDirectories: the stores of a broker's data directories, as its partitions use them (Kafka's
// log.dirs). A view: the stores belong to whoever opened them.
//
// Laws:
//  1. A partition lives in one directory, and is found there again in the next life.
//  2. A new partition goes to the directory with the fewest, the first such, of those that have not
//     failed; to a full one only if all are.
//  3. A partition that a failed directory holds, or that one which could not be opened may hold, is
//     never made elsewhere: an empty replica would be taken for one that has everything. Nor is one
//     that a forgotten directory may have held, while the metadata relies on what was there.
// Thread rule: any thread; internally locked.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/log/log_store.h"
#include "common/runtime/guarded.h"

namespace weir::log {

// One of the broker's data directories.
struct DirectoryPlace {
  std::string path;
  // Null: it could not be opened in this life.
  const LogStore* store = nullptr;

  bool offline() const { return store == nullptr || store->failed(); }
};

struct WantedPartition {
  TopicPartition partition;
  // Where it goes if it is new.
  KvFamily family = KvFamily::kLogLong;
  // It was made in this life of the broker: nothing can be stored of it yet.
  bool is_new = true;
  // The metadata relies on what is stored of it.
  bool relied_on = false;
};

// Where a broker has no room for records.
struct FullDirectories {
  // In no directory that can be used.
  bool all = false;
  // What is stored in those that are full while others have room, sorted.
  std::vector<TopicPartition> partitions;

  friend bool operator==(const FullDirectories&, const FullDirectories&) = default;
};

class LogDirectories {
 public:
  // One directory.
  LogDirectories(LogStore& store) : LogDirectories(std::vector<LogStore*>{&store}) {}  // NOLINT
  // REQUIRES: stores[i]->directory() == i.
  // `unopened`: directories of the broker that could not be opened in this life. `forgotten`:
  // whether it has ever lost one for good.
  explicit LogDirectories(std::vector<LogStore*> stores, size_t unopened = 0,
                          bool forgotten = false);

  size_t size() const { return stores_.size(); }
  LogStore& at(size_t directory) const { return *stores_[directory]; }

  // All that is stored, sorted.
  std::vector<TopicPartition> Stored() const;
  // Errors: kKafkaStorageError for a partition in two directories: one of them is a copy, and
  // nobody knows which.
  Status CheckDistinct() const;
  // As LogStore's; each partition in its directory. Errors per partition: kKafkaStorageError when
  // its directory has failed, or may be one that could not be opened; kLogDirNotFound when it may
  // have been a forgotten one (law 3).
  std::vector<Result<StoredPartition>> OpenOrCreate(
      const std::vector<WantedPartition>& wanted) const;
  // Whether the partition's directory is full; false when it is stored nowhere.
  bool IsFull(const TopicPartition& partition) const;
  bool AnyFull() const;
  FullDirectories Full() const;
  // Directories that can be used.
  size_t live_count() const;
  // Directories that cannot, in this life.
  size_t offline_count() const { return size() + unopened_ - live_count(); }
  void Delete(const std::vector<TopicPartition>& partitions) const;
  // `done` runs on some thread when everything queued in any directory before the call is synced,
  // save in those that have failed.
  void Flush(Task done) const;
  // The broker epoch that all directories were closed in; kNoBrokerEpoch when one of them was not.
  BrokerEpoch previous_broker_epoch() const;
  // Passes over those that have failed. Errors: of the first directory that fails now; the others
  // are closed all the same.
  Status CloseCleanly(BrokerEpoch epoch) const;

 private:
  // Holds the choice of a directory and the creation there together.
  struct Placement {};

  // Law 3, of forgotten directories. REQUIRES: stored nowhere.
  bool IsLost(const WantedPartition& wanted) const {
    return forgotten_ && unopened_ == 0 && !wanted.is_new && wanted.relied_on;
  }
  // Where a partition lives, or is to live; size() when it cannot be said.
  size_t PlaceFor(const WantedPartition& wanted, const std::vector<size_t>& counts) const;

  std::vector<LogStore*> stores_;
  size_t unopened_;
  bool forgotten_;
  std::shared_ptr<runtime::Guarded<Placement>> placement_;
};

}  // namespace weir::log
