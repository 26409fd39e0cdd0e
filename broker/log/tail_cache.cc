#include "broker/log/tail_cache.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir::log {
namespace {

// Bookkeeping per run: the run itself, its age, the buffer's header.
constexpr size_t kRunOverheadBytes = 128;
// A slice that keeps alive more than so many times its size is copied.
constexpr size_t kWasteFactorMax = 4;

}  // namespace

void TailCache::Insert(PartitionHandle partition, Run run, size_t charge) {
  if (charge > kWasteFactorMax * run.bytes.size()) {
    run.bytes = SharedBytes::Copy(run.bytes.view());
    charge = run.bytes.size();
  }
  charge += kRunOverheadBytes;
  Tail& tail = tails_[partition];
  if (tail.generation == 0) tail.generation = ++last_generation_;
  if (!tail.runs.empty()) {
    WEIR_CHECK(tail.runs.back().last_offset < run.base_offset, "runs come in offset order");
  }
  tail.runs.push_back(std::move(run));
  tail.charged += charge;
  ages_.push_back({partition, tail.generation, charge});
  bytes_ += charge;
  while (bytes_ > bytes_max_ && !ages_.empty()) EvictOldest();
}

std::vector<const TailCache::Run*> TailCache::Find(PartitionHandle partition, Offset offset,
                                                   size_t bytes_max) const {
  const auto found = tails_.find(partition);
  if (found == tails_.end()) return {};
  const Tail& tail = found->second;
  const auto begin = tail.runs.begin() + static_cast<std::ptrdiff_t>(tail.first);
  if (begin == tail.runs.end() || offset < begin->base_offset) return {};
  auto run = std::lower_bound(begin, tail.runs.end(), offset,
                              [](const Run& r, Offset o) { return r.last_offset < o; });
  std::vector<const Run*> runs;
  size_t bytes = 0;
  for (; run != tail.runs.end(); ++run) {
    runs.push_back(&*run);
    bytes += run->bytes.size();
    if (bytes >= bytes_max) break;
  }
  return runs;
}

void TailCache::Drop(PartitionHandle partition) {
  const auto found = tails_.find(partition);
  if (found == tails_.end()) return;
  bytes_ -= found->second.charged;
  tails_.erase(found);
}

void TailCache::EvictOldest() {
  const Age age = ages_.front();
  ages_.pop_front();
  const auto found = tails_.find(age.partition);
  if (found == tails_.end() || found->second.generation != age.generation) return;
  Tail& tail = found->second;
  tail.runs[tail.first].bytes = SharedBytes();
  ++tail.first;
  tail.charged -= age.charge;
  bytes_ -= age.charge;
  if (tail.first == tail.runs.size()) {
    tails_.erase(found);
  } else if (tail.first * 2 > tail.runs.size()) {
    tail.runs.erase(tail.runs.begin(), tail.runs.begin() + static_cast<std::ptrdiff_t>(tail.first));
    tail.first = 0;
  }
}

}  // namespace weir::log
