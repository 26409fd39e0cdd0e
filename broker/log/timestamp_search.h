// Finding a record by its time inside stored batches, which means looking into them (and
// decompressing those that qualify by their header).
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::log {

struct FoundRecord {
  Offset offset;
  WallTime timestamp;
};

// The first record in `batches` with `timestamp_ms` or more and lower <= offset < upper; nullopt
// when there is none. Errors: kCorruptMessage, kInvalidRecord for batches whose records cannot be
// read.
Result<std::optional<FoundRecord>> FirstAtOrAfter(std::string_view batches, int64_t timestamp_ms,
                                                  Offset lower, Offset upper);

}  // namespace weir::log
