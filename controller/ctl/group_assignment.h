// What a member of a consumer group was assigned, as Kafka's consumer protocol writes it:
//
//   int16 version | count int32 | count x (topic string | count int32 | partitions int32) | user
//   data
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace weir::ctl {

// By topic and partition.
using Assignment = std::vector<std::pair<std::string, int32_t>>;

// No bytes: nothing is assigned. Errors: kInvalidRequest for bytes of another protocol.
Result<Assignment> ParseAssignment(std::string_view bytes);

}  // namespace weir::ctl
