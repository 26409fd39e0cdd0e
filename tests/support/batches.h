// Record batches for tests of the log.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/record_batch.h"
#include "broker/wire/record_batch_builder.h"
#include "broker/wire/record_reader.h"
#include "common/base/bytes.h"

namespace weir::test {

inline constexpr int64_t kBatchTime = 1'700'000'000'000;

// `count` records "<text>-0", "<text>-1", … one millisecond apart.
inline SharedBytes MakeBatch(std::string_view text, int count = 1,
                             int64_t timestamp_ms = kBatchTime,
                             wire::RecordBatchOptions options = {}) {
  wire::RecordBatchBuilder builder(options);
  for (int i = 0; i < count; ++i) {
    builder.Add(timestamp_ms + i, "key", std::string(text) + "-" + std::to_string(i));
  }
  return builder.Build();
}

// A batch of an idempotent producer.
inline SharedBytes MakeProducerBatch(std::string_view text, int64_t producer_id, int16_t epoch,
                                     int32_t sequence, int count = 1) {
  wire::RecordBatchOptions options;
  options.producer_id = producer_id;
  options.producer_epoch = epoch;
  options.base_sequence = sequence;
  return MakeBatch(text, count, kBatchTime, options);
}

// "<offset>:<value>" of every record in uncompressed batches.
inline std::vector<std::string> RecordsIn(const std::vector<SharedBytes>& runs) {
  std::vector<std::string> records;
  for (const SharedBytes& run : runs) {
    wire::BatchIterator batches(run.view());
    while (auto batch = batches.Next().value()) {
      wire::RecordReader reader(batch->records_section());
      wire::Record record;
      while (reader.Next(record).value()) {
        records.push_back(std::to_string(batch->base_offset() + record.offset_delta) + ":" +
                          std::string(record.value.value_or("")));
      }
    }
  }
  return records;
}

}  // namespace weir::test
