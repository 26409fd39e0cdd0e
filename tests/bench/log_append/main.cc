// bench_log_append: what storing costs, without network: batches go through PartitionRouter,
// LogWriter and RocksDB, synced before they are answered.
//
//   bench_log_append DIRECTORY [batch KiB] [partitions] [MiB in all] [batches per request]
//   [requests in flight]
//
// Prints MB/s, CPU-s/GB (all threads; one copy per batch in place of the socket read included),
// entries and syncs, and memory. What one plain write() of a GB costs at that moment stands beside
// it: every byte is written twice (log and blob file), so on a busy machine that is most of it.
//
// Thread rule: main drives one shard; writer and syncer are threads of their own.
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "broker/log/log_store.h"
#include "broker/replica/partition_router.h"
#include "broker/wire/record_batch_builder.h"
#include "common/base/prng.h"
#include "common/runtime/clock.h"
#include "common/runtime/rocksdb/rocksdb_store.h"
#include "common/runtime/thread_executor.h"

namespace weir {
namespace {

constexpr size_t kRecordBytes = 512;

struct Load {
  std::string directory;
  size_t batch_bytes = 64 * 1024;
  int partitions = 12;
  size_t total_bytes = 1024 * 1024 * 1024;
  size_t batches_per_request = 8;
  size_t requests_in_flight = 5;
};

struct Cpu {
  double user = 0;
  double system = 0;
};

Cpu CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

long ResidentMiB() {
  long pages = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * 4096 / (1024 * 1024);
}

// CPU-s/GB of writing a new file, and nothing else.
double PlainWriteCost(const std::string& directory) {
  const std::string path = directory + "/plain-write";
  const std::string block(1024 * 1024, 'x');
  constexpr int kBlocks = 256;
  const Cpu before = CpuSeconds();
  {
    std::ofstream file(path, std::ios::binary);
    for (int i = 0; i < kBlocks; ++i) {
      file.write(block.data(), static_cast<std::streamsize>(block.size()));
    }
  }
  const Cpu after = CpuSeconds();
  std::filesystem::remove(path);
  const double gb = kBlocks * static_cast<double>(block.size()) / 1e9;
  return (after.user - before.user + after.system - before.system) / gb;
}

std::string MakeBatch(size_t bytes) {
  wire::RecordBatchBuilder builder;
  Prng prng(1);
  std::string value(kRecordBytes, 'x');
  while (builder.records_bytes() + kRecordBytes < bytes) {
    for (char& c : value) c = static_cast<char>(prng.Next());
    builder.Add(runtime::WallNow().value(), std::nullopt, value);
  }
  return std::string(builder.Build().view());
}

class Bench {
 public:
  Bench(const Load& load, KvStore& store)
      : load_(load),
        batch_(MakeBatch(load.batch_bytes)),
        log_store_(
            log::LogStore::Open(store, writer_, syncer_, std::make_shared<log::LogStartMap>())
                .value()),
        router_(NodeId(1), *log_store_, {&shard_}, 64 * 1024 * 1024) {}
  ~Bench() {
    shard_.Stop();
    writer_.Stop();
    syncer_.Stop();
  }

  void Open() {
    std::vector<replica::Assignment> assignments;
    for (int i = 0; i < load_.partitions; ++i) {
      assignments.push_back({.partition = Name(i),
                             .leader = NodeId(1),
                             .leader_epoch = LeaderEpoch(0),
                             .partition_epoch = PartitionEpoch(0),
                             .replicas = {NodeId(1)},
                             .isr = {NodeId(1)},
                             .config = std::make_shared<log::LogConfig>()});
    }
    const auto begin = std::chrono::steady_clock::now();
    router_.Assign(std::move(assignments), [this] { Signal(); });
    Wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("opened %d partitions in %.3f s, %ld MiB resident\n", load_.partitions,
                took.count(), ResidentMiB());
  }

  void Run() {
    const double plain = PlainWriteCost(load_.directory);
    const Cpu before = CpuSeconds();
    const auto begin = std::chrono::steady_clock::now();
    shard_.Post([this] {
      for (size_t i = 0; i < load_.requests_in_flight; ++i) SendNext();
    });
    Wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const Cpu after = CpuSeconds();
    const double gb = static_cast<double>(sent_) / 1e9;
    const double user = (after.user - before.user) / gb;
    const double system = (after.system - before.system) / gb;
    const log::LogWriter::Counters& counters = log_store_->writer().counters();
    const auto count = [](const std::atomic<uint64_t>& n) {
      return static_cast<unsigned long long>(n.load());
    };
    std::printf("%zu KiB batches, %d partitions: %.0f MB/s, %.2f CPU-s/GB (%.2f user, %.2f system)",
                load_.batch_bytes / 1024, load_.partitions, gb * 1000 / took.count(), user + system,
                user, system);
    std::printf(", a plain write %.2f, %llu entries, %llu writes, %llu syncs, %ld MiB resident\n",
                plain, count(counters.entries), count(counters.writes), count(counters.syncs),
                ResidentMiB());
  }

 private:
  static replica::TopicPartition Name(int index) {
    replica::TopicPartition name;
    name.topic_id.bytes.fill(9);
    name.partition = PartitionIndex(index);
    return name;
  }

  void SendNext() {
    if (sent_ >= load_.total_bytes) {
      if (--ending_ == 0) Signal();
      return;
    }
    replica::AppendRequest request;
    request.api_version = 9;
    request.deadline = MonoTime::max();
    // One buffer per request, as the network has it.
    auto buffer = Buffer::Allocate(batch_.size() * load_.batches_per_request);
    for (size_t i = 0; i < load_.batches_per_request; ++i) {
      batch_.copy(buffer->data() + i * batch_.size(), batch_.size());
      request.parts.push_back({Name(static_cast<int>(next_++ % load_.partitions)),
                               SharedBytes(buffer, i * batch_.size(), batch_.size())});
    }
    sent_ += buffer->size();
    router_.Append(0, std::move(request), [this](std::vector<replica::AppendOutcome> outcomes) {
      for (const replica::AppendOutcome& outcome : outcomes) {
        if (outcome.error != ErrorCode::kNone) std::abort();
      }
      shard_.Post([this] { SendNext(); });
    });
  }

  void Signal() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_one();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
    done_ = false;
  }

  Load load_;
  std::string batch_;
  runtime::ThreadExecutor shard_{"shard"};
  runtime::ThreadExecutor writer_{"log-writer"};
  runtime::ThreadExecutor syncer_{"log-sync"};
  std::unique_ptr<log::LogStore> log_store_;
  replica::PartitionRouter router_;
  size_t sent_ = 0;
  size_t next_ = 0;
  size_t ending_ = load_.requests_in_flight;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: bench_log_append DIRECTORY [batch KiB] [partitions] [MiB] "
                 "[batches per request] [requests in flight]\n");
    return 2;
  }
  const auto number = [&](int at, size_t otherwise) {
    return argc > at ? static_cast<size_t>(std::atoll(argv[at])) : otherwise;
  };
  Load load;
  load.directory = argv[1];
  load.batch_bytes = number(2, 64) * 1024;
  load.partitions = static_cast<int>(number(3, 12));
  load.total_bytes = number(4, 1024) * 1024 * 1024;
  load.batches_per_request = number(5, 8);
  load.requests_in_flight = number(6, 5);
  std::filesystem::create_directories(load.directory);
  auto store = runtime::OpenRocksDb(load.directory, {});
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  Bench bench(load, **store);
  bench.Open();
  bench.Run();
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
