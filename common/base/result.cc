#include "common/base/result.h"

namespace weir {

std::string ToString(const Error& error) {
  std::string text(ErrorName(error.code));
  if (!error.message.empty()) text += ": " + error.message;
  return text;
}

}  // namespace weir
