#include "tests/bench/report.h"

#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace weir::bench {
namespace {

double Rounded(double value) { return std::round(value * 1000) / 1000; }

nlohmann::ordered_json ToJson(const Report& report) {
  nlohmann::ordered_json out;
  out["mode"] = report.mode;
  if (!report.figures.empty()) {
    for (const auto& [name, value] : report.figures) out[name] = Rounded(value);
  } else if (report.elapsed_ms > 0) {
    out["elapsed_ms"] = Rounded(report.elapsed_ms);
    out["answered_ms"] = Rounded(report.answered_ms);
  } else {
    const double gigabytes = static_cast<double>(report.bytes) / 1e9;
    out["records"] = report.records;
    out["errors"] = report.errors;
    out["seconds"] = Rounded(report.seconds);
    out["records_per_s"] = std::round(static_cast<double>(report.records) / report.seconds);
    out["mb_per_s"] = Rounded(gigabytes * 1000 / report.seconds);
    out["server_cpu_s_per_gb"] = Rounded(report.server.cpu_s / gigabytes);
    out["client_cpu_s_per_gb"] = Rounded(report.client_cpu_s / gigabytes);
  }
  out["server_cpu_s"] = Rounded(report.server.cpu_s);
  out["server_resident_mib"] = Rounded(report.server.resident_mib);
  if (report.latency.count() > 0) {
    const auto milliseconds = [&report](double fraction) {
      return static_cast<double>(report.latency.Percentile(fraction)) / 1000;
    };
    out["p50_ms"] = milliseconds(0.5);
    out["p90_ms"] = milliseconds(0.9);
    out["p99_ms"] = milliseconds(0.99);
    out["p99_9_ms"] = milliseconds(0.999);
    out["max_ms"] = static_cast<double>(report.latency.max_us()) / 1000;
  }
  return out;
}

}  // namespace

void Print(const Report& report, const Options& options) {
  const nlohmann::ordered_json values = ToJson(report);
  if (options.json) {
    std::printf("%s\n", values.dump().c_str());
    return;
  }
  for (const auto& [name, value] : values.items()) {
    std::printf("%-22s %s\n", name.c_str(), value.dump().c_str());
  }
}

}  // namespace weir::bench
