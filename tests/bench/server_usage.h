// Processor time and memory of processes, from /proc: what the servers under load cost.
//
// Law: a process that is gone counts with what was last seen of it.
// Runs on one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::bench {

struct Usage {
  double cpu_s = 0;
  double resident_mib = 0;
};

class ServerUsage {
 public:
  // `pids`: the server's processes. The clock of cpu_s starts now.
  explicit ServerUsage(std::vector<int> pids);

  // Processor seconds of all processes since construction, and their resident memory now.
  Usage Measure();

  // Waits until the processes together use less than 5 % of one core over 200 ms, for at most
  // `timeout_ms`: what a server puts off past its last answer is its cost too.
  void WaitUntilIdle(int64_t timeout_ms);

 private:
  double TotalCpuSeconds();

  std::vector<int> pids_;
  std::vector<double> last_cpu_s_;
  double cpu_s_at_start_;
};

// Processor seconds of this process so far.
double OwnCpuSeconds();

}  // namespace weir::bench
