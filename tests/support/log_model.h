// LogModel: what partitions must hold after any crash, and a random load that it judges.
//
// Laws it checks after every restart:
//  1. Every acknowledged record is there, at its offset; what is readable is a prefix of what was
//     appended.
//  2. Log start is where an answered DeleteRecords put it, or further.
//  3. A producer's last remembered batches come back as duplicates with their first offsets, and
//     its next sequence number is taken.
// Thread rule: the test's one thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/prng.h"
#include "tests/support/broker_log_world.h"

namespace weir::test {

class LogModel {
 public:
  LogModel(BrokerLogWorld& world, uint64_t seed, int partitions) : world_(world), prng_(seed) {
    for (int i = 0; i < partitions; ++i) logs_[MakePartition(i)].producer_id = 1000 + i;
  }

  void Open() {
    ++epoch_;
    std::vector<replica::TopicPartition> partitions;
    for (const auto& [partition, log] : logs_) partitions.push_back(partition);
    world_.Lead(partitions, epoch_);
  }

  // A random step: an append, a deletion, time passing, or some executors running.
  void Step() {
    const uint64_t dice = prng_.Below(100);
    if (dice < 40) {
      Append();
    } else if (dice < 42) {
      DeleteRecords();
    } else if (dice < 44) {
      world_.world.now += std::chrono::seconds(6);
    } else {
      const auto executors = world_.Executors();
      executors[prng_.Below(executors.size())]->RunOne();
    }
  }
  void Settle() { world_.Run(); }

  // The process is gone; what it acknowledged counts from here on.
  void Crash() { world_.Crash(); }

  // After the restart and Open.
  void Check() {
    for (auto& [partition, log] : logs_) {
      CheckLog(partition, log);
      CheckProducer(partition, log);
    }
  }

  uint64_t acknowledged() const { return acknowledged_; }

 private:
  struct Batch {
    Offset base_offset;
    int32_t sequence;
    int count;
    std::string text;
  };
  struct Log {
    int64_t producer_id = 0;
    // What was appended, in order; acknowledged up to acked_end.
    std::vector<std::string> values;
    std::deque<Batch> batches;
    Offset acked_end{0};
    Offset log_start_acked{0};
    Offset log_start_asked{0};
    int32_t next_sequence = 0;
  };

  void Append() {
    auto at = std::next(logs_.begin(), static_cast<long>(prng_.Below(logs_.size())));
    Log& log = at->second;
    const int count = static_cast<int>(prng_.Between(1, 4));
    std::string text = "v" + std::to_string(prng_.Next() % 1'000'000);
    if (prng_.Chance(1, 20)) text += std::string(20'000, 'x');
    const Offset base(static_cast<int64_t>(log.values.size()));
    const Batch batch{base, log.next_sequence, count, text};
    log.next_sequence += count;
    log.batches.push_back(batch);
    for (int i = 0; i < count; ++i) log.values.push_back(text + "-" + std::to_string(i));

    replica::AppendRequest request;
    request.acks = -1;
    request.api_version = 9;
    request.deadline = MonoTime::max();
    request.parts.push_back({at->first, Bytes(log, batch)});
    const Offset end = base + count;
    world_.router->Append(0, std::move(request),
                          [this, &log, base, end](std::vector<replica::AppendOutcome> outcomes) {
                            EXPECT_EQ(outcomes.at(0).error, ErrorCode::kNone);
                            EXPECT_EQ(outcomes.at(0).base_offset, base);
                            log.acked_end = std::max(log.acked_end, end);
                            ++acknowledged_;
                          });
  }

  void DeleteRecords() {
    auto at = std::next(logs_.begin(), static_cast<long>(prng_.Below(logs_.size())));
    Log& log = at->second;
    if (log.acked_end <= log.log_start_asked) return;
    const Offset target(prng_.Between(log.log_start_asked.value(), log.acked_end.value()));
    log.log_start_asked = std::max(log.log_start_asked, target);
    world_.router->DeleteRecords(
        0, {{at->first, target}}, [&log](std::vector<replica::DeleteRecordsOutcome> outcomes) {
          // The store has failed first: nothing is promised.
          if (outcomes.at(0).error == ErrorCode::kKafkaStorageError) return;
          EXPECT_EQ(outcomes.at(0).error, ErrorCode::kNone);
          log.log_start_acked = std::max(log.log_start_acked, outcomes.at(0).low_watermark);
        });
  }

  SharedBytes Bytes(const Log& log, const Batch& batch) const {
    return MakeProducerBatch(batch.text, log.producer_id, 0, batch.sequence, batch.count);
  }

  void CheckLog(const replica::TopicPartition& partition, Log& log) {
    const Offset start = world_.ListOffset(partition, replica::kEarliestTimestamp).offset;
    const Offset end = world_.ListOffset(partition, replica::kLatestTimestamp).offset;
    ASSERT_GE(start, log.log_start_acked);
    ASSERT_LE(start, log.log_start_asked);
    ASSERT_GE(end, log.acked_end) << "acknowledged records are lost";
    ASSERT_LE(end, Offset(static_cast<int64_t>(log.values.size())));
    const std::vector<std::string> records = world_.ReadAll(partition, start.value());
    ASSERT_EQ(static_cast<int64_t>(records.size()), end - start);
    for (int64_t offset = start.value(); offset < end.value(); ++offset) {
      ASSERT_EQ(records[static_cast<size_t>(offset - start.value())],
                std::to_string(offset) + ":" + log.values[static_cast<size_t>(offset)]);
    }
    // What did not survive was never acknowledged: history continues without it.
    log.values.resize(static_cast<size_t>(end.value()));
    while (!log.batches.empty() && log.batches.back().base_offset >= end) {
      log.next_sequence = log.batches.back().sequence;
      log.batches.pop_back();
    }
    log.acked_end = end;
    log.log_start_acked = log.log_start_asked = start;
  }

  void CheckProducer(const replica::TopicPartition& partition, Log& log) {
    const Offset start = log.log_start_acked;
    const size_t remembered = std::min<size_t>(log.batches.size(), 5);
    for (size_t i = log.batches.size() - remembered; i < log.batches.size(); ++i) {
      const Batch& batch = log.batches[i];
      // Entries before the log start need not be replayed.
      if (batch.base_offset < start) continue;
      const replica::AppendOutcome again = world_.Append(partition, Bytes(log, batch));
      ASSERT_EQ(again.error, ErrorCode::kNone);
      ASSERT_EQ(again.base_offset, batch.base_offset) << "a repeated batch was stored twice";
    }
    if (log.batches.empty() || log.batches.back().base_offset < start) return;
    const Batch gap{Offset(0), log.next_sequence + 1, 1, "gap"};
    ASSERT_EQ(world_.Append(partition, Bytes(log, gap)).error,
              ErrorCode::kOutOfOrderSequenceNumber);
  }

  BrokerLogWorld& world_;
  Prng prng_;
  std::map<replica::TopicPartition, Log> logs_;
  int epoch_ = 0;
  uint64_t acknowledged_ = 0;
};

}  // namespace weir::test
