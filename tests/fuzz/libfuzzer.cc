// libFuzzer's entry for one target, named by the build (WEIR_FUZZ_TARGET). clang only.
#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const weir::fuzz::Target* const target = weir::fuzz::FindTarget(WEIR_FUZZ_TARGET);
  WEIR_CHECK(target != nullptr);
  target->run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
