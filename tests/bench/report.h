// What a run found out, as JSON and as a table.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/bench/histogram.h"
#include "tests/bench/options.h"
#include "tests/bench/server_usage.h"

namespace weir::bench {

struct Report {
  const char* mode = "";
  int64_t records = 0;
  int64_t bytes = 0;  // of record values, before compression
  int64_t errors = 0;
  double seconds = 0;
  // Empty when the mode times no single records.
  Histogram latency;
  // Mode create and first-ack: the one duration.
  double elapsed_ms = 0;
  double answered_ms = 0;
  // What a mode alone measures, by name; then records and bytes are not shown.
  std::vector<std::pair<std::string, double>> figures;
  Usage server;
  double client_cpu_s = 0;
};

// One line of JSON with --json, a table otherwise. MB and GB are 10^6 and 10^9 bytes.
void Print(const Report& report, const Options& options);

}  // namespace weir::bench
