#include "broker/log/timestamp_search.h"

#include <string>

#include "broker/wire/compression.h"
#include "broker/wire/record_batch.h"
#include "broker/wire/record_reader.h"
#include "common/base/limits.h"

namespace weir::log {
namespace {

Result<std::optional<FoundRecord>> SearchBatch(const wire::RecordBatchView& batch,
                                               int64_t timestamp_ms, Offset lower, Offset upper) {
  // With LogAppendTime every record has the batch's one time.
  const bool one_time = batch.timestamp_type() == wire::TimestampType::kLogAppendTime;
  std::string decompressed;
  std::string_view records = batch.records_section();
  if (batch.compression() != wire::CompressionType::kNone) {
    WEIR_ASSIGN_OR_RETURN(decompressed, wire::Decompress(batch.compression(), records,
                                                         limits::kDecompressedBytesMax));
    records = decompressed;
  }
  wire::RecordReader reader(records);
  wire::Record record;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const bool more, reader.Next(record));
    if (!more) return std::nullopt;
    const Offset offset(batch.base_offset() + record.offset_delta);
    const int64_t time =
        one_time ? batch.max_timestamp_ms() : batch.base_timestamp_ms() + record.timestamp_delta_ms;
    if (offset >= upper) return std::nullopt;
    if (time >= timestamp_ms && offset >= lower) return FoundRecord{offset, WallTime(time)};
  }
}

}  // namespace

Result<std::optional<FoundRecord>> FirstAtOrAfter(std::string_view batches, int64_t timestamp_ms,
                                                  Offset lower, Offset upper) {
  wire::BatchIterator iterator(batches);
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const auto batch, iterator.Next());
    if (!batch) return std::nullopt;
    if (batch->max_timestamp_ms() < timestamp_ms || Offset(batch->last_offset()) < lower) continue;
    if (Offset(batch->base_offset()) >= upper) return std::nullopt;
    WEIR_ASSIGN_OR_RETURN(const auto found, SearchBatch(*batch, timestamp_ms, lower, upper));
    if (found) return found;
  }
}

}  // namespace weir::log
