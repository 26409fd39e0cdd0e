#include "broker/log/log_directories.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace weir::log {

LogDirectories::LogDirectories(std::vector<LogStore*> stores, size_t unopened, bool forgotten)
    : stores_(std::move(stores)),
      unopened_(unopened),
      forgotten_(forgotten),
      placement_(std::make_shared<runtime::Guarded<Placement>>()) {
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

size_t LogDirectories::PlaceFor(const WantedPartition& wanted,
                                const std::vector<size_t>& counts) const {
  for (size_t i = 0; i < stores_.size(); ++i) {
    if (stores_[i]->Holds(wanted.partition)) return i;
  }
  if ((unopened_ > 0 && !wanted.is_new) || IsLost(wanted)) return size();
  // Room goes before balance.
  const auto burden = [&](size_t i) { return std::pair(stores_[i]->full(), counts[i]); };
  size_t best = size();
  for (size_t i = 0; i < stores_.size(); ++i) {
    if (stores_[i]->failed()) continue;
    if (best == size() || burden(i) < burden(best)) best = i;
  }
  return best;
}

std::vector<Result<StoredPartition>> LogDirectories::OpenOrCreate(
    const std::vector<WantedPartition>& wanted) const {
  std::vector<Result<StoredPartition>> opened;
  for (size_t i = 0; i < wanted.size(); ++i) {
    opened.emplace_back(Fail(ErrorCode::kKafkaStorageError, "its data directory is offline"));
  }
  placement_->With([&](Placement&) {
    std::vector<size_t> counts;
    for (const LogStore* store : stores_) counts.push_back(store->partition_count());
    std::vector<std::vector<size_t>> shares(stores_.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      const size_t directory = PlaceFor(wanted[i], counts);
      if (directory == size() && IsLost(wanted[i])) {
        opened[i] = Fail(ErrorCode::kLogDirNotFound, "it was in a data directory that is lost");
      }
      if (directory == size() || stores_[directory]->failed()) continue;
      if (!stores_[directory]->Holds(wanted[i].partition)) ++counts[directory];
      shares[directory].push_back(i);
    }
    for (size_t directory = 0; directory < shares.size(); ++directory) {
      std::vector<TopicPartition> names;
      std::vector<KvFamily> families;
      for (const size_t i : shares[directory]) {
        names.push_back(wanted[i].partition);
        families.push_back(wanted[i].family);
      }
      if (names.empty()) continue;
      std::vector<StoredPartition> some = stores_[directory]->OpenOrCreate(names, families);
      for (size_t i = 0; i < some.size(); ++i) opened[shares[directory][i]] = std::move(some[i]);
    }
  });
  return opened;
}

bool LogDirectories::IsFull(const TopicPartition& partition) const {
  return std::any_of(stores_.begin(), stores_.end(), [&](const LogStore* store) {
    return store->full() && store->Holds(partition);
  });
}

bool LogDirectories::AnyFull() const {
  return std::any_of(stores_.begin(), stores_.end(),
                     [](const LogStore* store) { return store->full() && !store->failed(); });
}

FullDirectories LogDirectories::Full() const {
  FullDirectories full{.all = true};
  for (const LogStore* store : stores_) {
    if (store->failed()) continue;
    if (!store->full()) {
      full.all = false;
      continue;
    }
    const std::vector<TopicPartition> some = store->Stored();
    full.partitions.insert(full.partitions.end(), some.begin(), some.end());
  }
  if (full.all) full.partitions.clear();
  std::sort(full.partitions.begin(), full.partitions.end());
  return full;
}

size_t LogDirectories::live_count() const {
  return static_cast<size_t>(std::count_if(stores_.begin(), stores_.end(),
                                           [](const LogStore* store) { return !store->failed(); }));
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
  const auto end_one = [join] {
    if (join->left.fetch_sub(1) == 1) join->done();
  };
  for (LogStore* store : stores_) {
    if (store->failed()) {
      end_one();
    } else {
      store->writer().Flush(end_one, end_one);
    }
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
    if (store->failed()) continue;
    const Status closed = store->CloseCleanly(epoch);
    if (!closed && first) first = closed;
  }
  return first;
}

}  // namespace weir::log
