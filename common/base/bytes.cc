#include "common/base/bytes.h"

#include <cstring>

namespace weir {

SharedBytes SharedBytes::Copy(std::string_view text) {
  auto buffer = Buffer::Allocate(text.size());
  if (!text.empty()) std::memcpy(buffer->data(), text.data(), text.size());
  return SharedBytes(std::move(buffer), 0, text.size());
}

}  // namespace weir
