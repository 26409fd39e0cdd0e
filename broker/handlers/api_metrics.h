// ApiMetrics: requests counted and timed by API, for /metrics.
// Thread rule: any thread; updates are atomic additions.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/time.h"
#include "common/runtime/metrics.h"

namespace weir::handlers {

class Registry;

class ApiMetrics {
 public:
  // For the APIs of the registry.
  ApiMetrics(runtime::Metrics& metrics, const Registry& registry);

  void Answered(int16_t api_key, int16_t version, Duration took);
  // A request that closed its connection: an API or version that is not served, malformed bytes.
  void Refused() { refused_->Add(); }

 private:
  struct OfApi {
    runtime::Counter* requests = nullptr;
    runtime::Histogram* seconds = nullptr;
  };

  // By API key.
  std::vector<OfApi> apis_;
  runtime::Counter* refused_;
};

}  // namespace weir::handlers
