#include "broker/log/log_reader.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/log/key_format.h"

namespace weir::log {
namespace {

tl::unexpected<Error> Damaged(LogPlace place, Offset last_offset, std::string_view what) {
  return Fail(ErrorCode::kCorruptMessage, "entry of partition " + ToString(place.partition) +
                                              " ending at " + ToString(last_offset) + ": " +
                                              std::string(what));
}

// Checks that an entry is what its key says and gives its first offset. Its bytes are what was
// written: the store has verified its own checksum.
Result<Offset> CheckEntry(LogPlace place, Offset last_offset, std::string_view bytes) {
  wire::BatchIterator batches(bytes);
  int64_t first = -1;
  int64_t last = -1;
  while (true) {
    auto batch = batches.Next();
    if (!batch) return Damaged(place, last_offset, batch.error().message);
    if (!*batch) break;
    if ((*batch)->base_offset() <= last) return Damaged(place, last_offset, "offsets go back");
    if (first < 0) first = (*batch)->base_offset();
    last = (*batch)->last_offset();
  }
  if (last != last_offset.value()) return Damaged(place, last_offset, "does not end at its key");
  return Offset(first);
}

struct Cursor {
  std::unique_ptr<KvIterator> iterator;
  LogPlace place;

  Cursor(KvStore& store, LogPlace at, Offset from) : place(at) {
    const LogKey lower = MakeLogKey(at.partition, from);
    const LogKey upper = MakeLogKeyEnd(at.partition);
    iterator = store.Scan(at.family, View(lower), View(upper));
    iterator->Seek(View(lower));
  }
  // The entry under the cursor, copied out of the store; nullopt at the end.
  Result<std::optional<TailCache::Run>> Take() {
    if (!iterator->Valid()) {
      WEIR_RETURN_IF_ERROR(iterator->status());
      return std::nullopt;
    }
    const std::optional<ParsedLogKey> key = ParseLogKey(iterator->key());
    if (!key || key->partition != place.partition) {
      return Fail(ErrorCode::kKafkaStorageError, "the store holds a damaged log key");
    }
    SharedBytes bytes = SharedBytes::Copy(iterator->value());
    WEIR_ASSIGN_OR_RETURN(const Offset first, CheckEntry(place, key->last_offset, bytes.view()));
    return TailCache::Run{first, key->last_offset, std::move(bytes)};
  }
};

}  // namespace

Result<std::vector<TailCache::Run>> ReadEntries(KvStore& store, LogPlace place, Offset from,
                                                Offset upper, size_t bytes_max) {
  std::vector<TailCache::Run> runs;
  size_t bytes = 0;
  for (Cursor cursor(store, place, from);; cursor.iterator->Next()) {
    WEIR_ASSIGN_OR_RETURN(std::optional<TailCache::Run> run, cursor.Take());
    if (!run || run->base_offset >= upper) return runs;
    bytes += run->bytes.size();
    const bool last = run->last_offset + 1 >= upper || bytes >= bytes_max;
    runs.push_back(*std::move(run));
    if (last) return runs;
  }
}

Status VisitBatches(KvStore& store, LogPlace place, Offset from, const VisitBatch& visit) {
  for (Cursor cursor(store, place, from);; cursor.iterator->Next()) {
    WEIR_ASSIGN_OR_RETURN(const std::optional<TailCache::Run> run, cursor.Take());
    if (!run) return {};
    wire::BatchIterator batches(run->bytes.view());
    while (true) {
      WEIR_ASSIGN_OR_RETURN(const auto batch, batches.Next());
      if (!batch) break;
      if (!visit(*batch)) return {};
    }
  }
}

}  // namespace weir::log
