// Fault sites: named places where a test may make production code fail the way disks and networks
// do.
//
//   if (FaultRequested("kv.sync")) return Fail(ErrorCode::kKafkaStorageError, "injected");
//
// Laws:
//  1. Without a hook no site ever fails; the cost is one relaxed load.
//  2. A site stands where the real failure would be seen, so that what follows is the real path.
// Thread rule: sites are asked from any thread; the hook is set before the threads that ask exist.
#pragma once

#include <atomic>
#include <string_view>

namespace weir {

using FaultHook = bool (*)(std::string_view site);

namespace fault_internal {
inline std::atomic<FaultHook> hook{nullptr};
}  // namespace fault_internal

inline bool FaultRequested(std::string_view site) {
  const FaultHook hook = fault_internal::hook.load(std::memory_order_relaxed);
  return hook != nullptr && hook(site);
}

// Null takes the hook away.
inline void SetFaultHookForTest(FaultHook hook) { fault_internal::hook.store(hook); }

}  // namespace weir
