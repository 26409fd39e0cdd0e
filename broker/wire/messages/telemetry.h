// Client telemetry (KIP-714). Fields and versions are those of the protocol; DESIGN D9 and
// describe.h say how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "broker/wire/field_types.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// GetTelemetrySubscriptions (key 71): what the client should measure, and how often push it.
struct GetTelemetrySubscriptionsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kGetTelemetrySubscriptions, "GetTelemetrySubscriptionsRequest", {0, 0}, 0};

  Uuid client_instance_id;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ClientInstanceId", self.client_instance_id, Always());
  }
  friend bool operator==(const GetTelemetrySubscriptionsRequest&,
                         const GetTelemetrySubscriptionsRequest&) = default;
};

// client_instance_id is given to a client that asks with zero.
struct GetTelemetrySubscriptionsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kGetTelemetrySubscriptions, "GetTelemetrySubscriptionsResponse", {0, 0}, 0};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  Uuid client_instance_id;
  int32_t subscription_id = 0;
  std::vector<int8_t> accepted_compression_types;
  int32_t push_interval_ms = 0;
  int32_t telemetry_max_bytes = 0;
  bool delta_temporality = false;
  std::vector<std::string> requested_metrics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ClientInstanceId", self.client_instance_id, Always());
    visit("SubscriptionId", self.subscription_id, Always());
    visit("AcceptedCompressionTypes", self.accepted_compression_types, Always());
    visit("PushIntervalMs", self.push_interval_ms, Always());
    visit("TelemetryMaxBytes", self.telemetry_max_bytes, Always());
    visit("DeltaTemporality", self.delta_temporality, Always());
    visit("RequestedMetrics", self.requested_metrics, Always());
  }
  friend bool operator==(const GetTelemetrySubscriptionsResponse&,
                         const GetTelemetrySubscriptionsResponse&) = default;
};

// PushTelemetry (key 72): measurements as compressed OTLP bytes.
struct PushTelemetryRequest {
  static constexpr MessageInfo kInfo{ApiKey::kPushTelemetry, "PushTelemetryRequest", {0, 0}, 0};

  Uuid client_instance_id;
  int32_t subscription_id = 0;
  bool terminating = false;
  int8_t compression_type = 0;
  Bytes metrics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ClientInstanceId", self.client_instance_id, Always());
    visit("SubscriptionId", self.subscription_id, Always());
    visit("Terminating", self.terminating, Always());
    visit("CompressionType", self.compression_type, Always());
    visit("Metrics", self.metrics, Always());
  }
  friend bool operator==(const PushTelemetryRequest&, const PushTelemetryRequest&) = default;
};

// The outcome alone.
struct PushTelemetryResponse {
  static constexpr MessageInfo kInfo{ApiKey::kPushTelemetry, "PushTelemetryResponse", {0, 0}, 0};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
  }
  friend bool operator==(const PushTelemetryResponse&, const PushTelemetryResponse&) = default;
};

}  // namespace weir::wire
