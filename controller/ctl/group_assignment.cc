#include "controller/ctl/group_assignment.h"

#include <algorithm>

#include "controller/ctl/big_endian_fields.h"

namespace weir::ctl {

Result<Assignment> ParseAssignment(std::string_view bytes) {
  Assignment assignment;
  if (bytes.empty()) return assignment;
  BigEndianFields fields(bytes);
  const int64_t version = fields.Integer(2);
  for (int64_t topics = fields.Integer(4); topics > 0 && fields.ok(); --topics) {
    const std::string topic(fields.Text());
    for (int64_t left = fields.Integer(4); left > 0 && fields.ok(); --left) {
      const auto partition = static_cast<int32_t>(fields.Integer(4));
      if (fields.ok()) assignment.emplace_back(topic, partition);
    }
  }
  if (!fields.ok() || version < 0)
    return Fail(ErrorCode::kInvalidRequest, "not an assignment of the consumer protocol");
  std::sort(assignment.begin(), assignment.end());
  return assignment;
}

}  // namespace weir::ctl
