#include "tests/bench/server_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

namespace weir::bench {
namespace {

// utime and stime are fields 14 and 15 of /proc/<pid>/stat; the name before them may hold blanks.
std::optional<double> CpuSecondsOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) {
    return std::nullopt;
  }
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) {
    fields >> skipped;
  }
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double ResidentMibOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  double pages_total = 0;
  double pages_resident = 0;
  file >> pages_total >> pages_resident;
  return pages_resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024.0 * 1024.0);
}

}  // namespace

ServerUsage::ServerUsage(std::vector<int> pids)
    : pids_(std::move(pids)), last_cpu_s_(pids_.size(), 0), cpu_s_at_start_(TotalCpuSeconds()) {}

double ServerUsage::TotalCpuSeconds() {
  double total = 0;
  for (size_t index = 0; index < pids_.size(); ++index) {
    last_cpu_s_[index] = CpuSecondsOf(pids_[index]).value_or(last_cpu_s_[index]);
    total += last_cpu_s_[index];
  }
  return total;
}

Usage ServerUsage::Measure() {
  Usage usage{.cpu_s = TotalCpuSeconds() - cpu_s_at_start_};
  for (const int pid : pids_) {
    usage.resident_mib += ResidentMibOf(pid);
  }
  return usage;
}

void ServerUsage::WaitUntilIdle(int64_t timeout_ms) {
  constexpr int64_t kWindowMs = 200;
  constexpr double kIdleShareMax = 0.05;
  double before = TotalCpuSeconds();
  for (int64_t waited_ms = 0; !pids_.empty() && waited_ms < timeout_ms; waited_ms += kWindowMs) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kWindowMs));
    const double now = TotalCpuSeconds();
    if (now - before <= kIdleShareMax * static_cast<double>(kWindowMs) / 1000.0) {
      return;
    }
    before = now;
  }
}

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace weir::bench
