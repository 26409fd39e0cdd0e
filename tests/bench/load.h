// The runs: produce, consume, first ack, and those of groups.
#pragma once

#include "tests/bench/options.h"
#include "tests/bench/report.h"

namespace weir::bench {

// Sends options.records. With a rate it is an open loop: record i is due at start + i / rate
// whatever happened to those before it, and its latency counts from then, so that a stall shows in
// full (no coordinated omission). Ends once all are acknowledged.
Report Produce(const Options& options);

// Reads every partition from offset 0 until options.records have come.
Report Consume(const Options& options);

// Milliseconds from now to the first acknowledged record, against a server that is just starting.
Report FirstAck(const Options& options);

// Runs of simulated group members, one file each in groups/: its head says what it measures.
Report GroupJoin(const Options& options);
Report GroupHeartbeat(const Options& options);
Report GroupCommit(const Options& options);
Report GroupAdmin(const Options& options);
Report GroupOffsets(const Options& options);

}  // namespace weir::bench
