#include "controller/ctl/group_assignment.h"

#include <algorithm>

namespace weir::ctl {
namespace {

// Big-endian fields, one after the other; once one is missing all that follow are.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  int32_t Integer(size_t size) {
    uint32_t value = 0;
    const std::string_view raw = Take(size);
    for (const char byte : raw) value = value << 8 | static_cast<uint8_t>(byte);
    return size == 2 ? static_cast<int16_t>(value) : static_cast<int32_t>(value);
  }
  std::string_view Text() {
    const int32_t size = Integer(2);
    if (size < 0) ok_ = false;
    return Take(static_cast<size_t>(std::max(size, 0)));
  }
  bool ok() const { return ok_; }

 private:
  std::string_view Take(size_t size) {
    if (size > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

Result<Assignment> ParseAssignment(std::string_view bytes) {
  Assignment assignment;
  if (bytes.empty()) return assignment;
  Fields fields(bytes);
  const int32_t version = fields.Integer(2);
  for (int32_t topics = fields.Integer(4); topics > 0 && fields.ok(); --topics) {
    const std::string topic(fields.Text());
    for (int32_t left = fields.Integer(4); left > 0 && fields.ok(); --left) {
      const int32_t partition = fields.Integer(4);
      if (fields.ok()) assignment.emplace_back(topic, partition);
    }
  }
  if (!fields.ok() || version < 0)
    return Fail(ErrorCode::kInvalidRequest, "not an assignment of the consumer protocol");
  std::sort(assignment.begin(), assignment.end());
  return assignment;
}

}  // namespace weir::ctl
