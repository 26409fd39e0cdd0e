#include "broker/handlers/api_metrics.h"

#include <string>

#include "broker/handlers/registry.h"
#include "broker/wire/api_keys.h"

namespace weir::handlers {

ApiMetrics::ApiMetrics(runtime::Metrics& metrics, const Registry& registry) {
  apis_.resize(wire::AllApis().size());
  for (const ApiHandler& handler : registry.handlers()) {
    OfApi& api = apis_[static_cast<size_t>(handler.key)];
    const runtime::MetricLabels labels = {{"api", std::string(wire::ApiName(handler.key))}};
    api.requests =
        &metrics.AddCounter("weir_requests_total", "Kafka requests answered, by API.", labels);
    api.seconds = &metrics.AddHistogram(
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
