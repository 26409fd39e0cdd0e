#include "broker/handlers/api_metrics.h"

#include <string>

#include "broker/wire/api_keys.h"

namespace weir::handlers {

ApiMetrics::ApiMetrics(runtime::Metrics& metrics) {
  for (const wire::ApiFacts& api : wire::AllApis()) {
    const auto key = static_cast<size_t>(api.key);
    if (apis_.size() <= key) apis_.resize(key + 1);
    if (api.broker_range.empty()) continue;
    const runtime::MetricLabels labels = {{"api", std::string(api.name)}};
    apis_[key].requests =
        &metrics.AddCounter("weir_requests_total", "Kafka requests answered, by API.", labels);
    apis_[key].seconds = &metrics.AddHistogram(
        "weir_request_seconds", "Time from a request's arrival to its answer, waiting included.",
        runtime::Metrics::LatencyBounds(), labels);
  }
  refused_ = &metrics.AddCounter("weir_requests_refused_total",
                                 "Requests that closed their connection: not served or malformed.");
}

void ApiMetrics::Answered(int16_t api_key, int16_t, Duration took) {
  OfApi& api = apis_[static_cast<size_t>(api_key)];
  if (api.requests == nullptr) return;
  api.requests->Add();
  api.seconds->Observe(std::chrono::duration<double>(took).count());
}

}  // namespace weir::handlers
