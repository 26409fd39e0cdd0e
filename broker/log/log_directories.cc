#include "broker/log/log_directories.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace weir::log {

LogDirectories::LogDirectories(std::vector<LogStore*> stores)
    : stores_(std::move(stores)), placement_(std::make_shared<runtime::Guarded<Placement>>()) {
  WEIR_CHECK(!stores_.empty());
  for (size_t i = 0; i < stores_.size(); ++i) WEIR_CHECK(stores_[i]->directory() == i);
}

std::vector<TopicPartition> LogDirectories::Stored() const {
  std::vector<TopicPartition> all;
  for (const LogStore* store : stores_) {
    const std::vector<TopicPartition> some = store->Stored();
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

Status LogDirectories::CheckDistinct() const {
  const std::vector<TopicPartition> all = Stored();
  const auto twice = std::adjacent_find(all.begin(), all.end());
  if (twice == all.end()) return {};
  return Fail(ErrorCode::kKafkaStorageError,
              "partition " + twice->ToString() + " is in two data directories");
}

std::vector<StoredPartition> LogDirectories::OpenOrCreate(
    const std::vector<TopicPartition>& partitions, const std::vector<KvFamily>& families) const {
  if (stores_.size() == 1) return stores_[0]->OpenOrCreate(partitions, families);
  std::vector<StoredPartition> opened(partitions.size());
  placement_->With([&](Placement&) {
    std::vector<size_t> counts;
    for (const LogStore* store : stores_) counts.push_back(store->partition_count());
    std::vector<std::vector<size_t>> shares(stores_.size());
    for (size_t i = 0; i < partitions.size(); ++i) {
      const auto holder = std::find_if(stores_.begin(), stores_.end(), [&](const LogStore* store) {
        return store->Holds(partitions[i]);
      });
      const bool is_new = holder == stores_.end();
      const auto fewest = std::min_element(counts.begin(), counts.end());
      const auto directory = static_cast<size_t>(is_new ? std::distance(counts.begin(), fewest)
                                                        : std::distance(stores_.begin(), holder));
      if (is_new) ++counts[directory];
      shares[directory].push_back(i);
    }
    for (size_t directory = 0; directory < shares.size(); ++directory) {
      std::vector<TopicPartition> names;
      std::vector<KvFamily> theirs;
      for (const size_t i : shares[directory]) {
        names.push_back(partitions[i]);
        theirs.push_back(families[i]);
      }
      std::vector<StoredPartition> some = stores_[directory]->OpenOrCreate(names, theirs);
      for (size_t i = 0; i < some.size(); ++i) opened[shares[directory][i]] = std::move(some[i]);
    }
  });
  return opened;
}

void LogDirectories::Delete(const std::vector<TopicPartition>& partitions) const {
  for (LogStore* store : stores_) store->Delete(partitions);
}

void LogDirectories::Flush(Task done) const {
  struct Join {
    std::atomic<size_t> left;
    Task done;
  };
  auto join = std::make_shared<Join>();
  join->left = stores_.size();
  join->done = std::move(done);
  for (LogStore* store : stores_) {
    store->writer().Flush([join] {
      if (join->left.fetch_sub(1) == 1) join->done();
    });
  }
}

BrokerEpoch LogDirectories::previous_broker_epoch() const {
  const BrokerEpoch first = stores_[0]->previous_broker_epoch();
  const bool all = std::all_of(stores_.begin(), stores_.end(), [&](const LogStore* store) {
    return store->previous_broker_epoch() == first;
  });
  return all ? first : kNoBrokerEpoch;
}

Status LogDirectories::CloseCleanly(BrokerEpoch epoch) const {
  Status first;
  for (LogStore* store : stores_) {
    const Status closed = store->CloseCleanly(epoch);
    if (!closed && first) first = closed;
  }
  return first;
}

}  // namespace weir::log
