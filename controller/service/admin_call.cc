#include "controller/service/admin_call.h"

#include <algorithm>

#include "common/rpc/server.h"

namespace weir::service {

Duration TimeoutOf(const grpc::CallbackServerContext& context) {
  const std::optional<Duration> left = rpc::TimeLeft(context);
  if (!left) return kDefaultTimeout;
  const Duration margin = std::min<Duration>(kAnswerMargin, *left / 4);
  return std::clamp<Duration>(*left - margin, Duration(0), kTimeoutMax);
}

bool IsForwarded(const grpc::CallbackServerContext& context) {
  return context.client_metadata().contains(kForwardedHeader);
}

void CountCall(std::string_view method, ErrorCode code, Duration took) {
  runtime::Metrics& metrics = runtime::Metrics::Global();
  metrics
      .AddHistogram("weir_controller_request_seconds", "Admin calls answered, by method.",
                    runtime::Metrics::LatencyBounds(), {{"method", std::string(method)}})
      .Observe(std::chrono::duration<double>(took).count());
  if (code == ErrorCode::kNone) return;
  metrics
      .AddCounter("weir_controller_request_errors_total", "Admin calls that failed as a whole.",
                  {{"method", std::string(method)}, {"error", std::string(ErrorName(code))}})
      .Add();
}

}  // namespace weir::service
