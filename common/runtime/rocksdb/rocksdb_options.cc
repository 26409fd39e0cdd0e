#include "common/runtime/rocksdb/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_manager.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <string>
#include <utility>

namespace weir::runtime {
namespace {

constexpr size_t kMiB = 1024 * 1024;
constexpr size_t kKiB = 1024;
constexpr size_t kPartitionPrefixBytes = 4;

// Drops dead entries while files are rewritten. Decides from the key, so that no blob is read, and
// removes key by key, so that every blob is accounted as garbage (STORAGE 1.3).
class DropFilter : public rocksdb::CompactionFilter {
 public:
  explicit DropFilter(KvDropRule rule) : rule_(std::move(rule)) {}
  const char* Name() const override { return "weir.drop"; }

  Decision FilterBlobByKey(int /*level*/, const rocksdb::Slice& key, std::string* /*new_value*/,
                           std::string* /*skip_until*/) const override {
    return Decide(key);
  }
  Decision FilterV2(int /*level*/, const rocksdb::Slice& key, ValueType /*type*/,
                    const rocksdb::Slice& /*value*/, std::string* /*new_value*/,
                    std::string* /*skip_until*/) const override {
    return Decide(key);
  }

 private:
  Decision Decide(const rocksdb::Slice& key) const {
    return rule_({key.data(), key.size()}) ? Decision::kRemove : Decision::kKeep;
  }

  KvDropRule rule_;
};

class DropFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  explicit DropFilterFactory(KvDropRuleFactory rules) : rules_(std::move(rules)) {}
  const char* Name() const override { return "weir.drop"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& /*context*/) override {
    return std::make_unique<DropFilter>(rules_());
  }

 private:
  KvDropRuleFactory rules_;
};

rocksdb::BlockBasedTableOptions TableOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.block_size = 16 * kKiB;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  return table;
}

rocksdb::ColumnFamilyOptions MetaFamily(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = 16 * kMiB;
  family.arena_block_size = 64 * kKiB;
  family.compression = rocksdb::kNoCompression;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(cache)));
  return family;
}

rocksdb::ColumnFamilyOptions LogFamily(KvFamily which, const RocksDbOptions& options,
                                       const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.memtable_bytes;
  family.max_write_buffer_number = 4;
  family.arena_block_size = 64 * kKiB;
  family.compression = rocksdb::kNoCompression;

  family.enable_blob_files = true;
  family.min_blob_size = 0;
  family.blob_file_size = 256 * kMiB;
  family.blob_compression_type = rocksdb::kNoCompression;
  family.blob_compaction_readahead_size = 2 * kMiB;
  // Only compaction relocates blobs for a reason; on append-only data it would copy what is alive.
  family.enable_blob_garbage_collection = which == KvFamily::kLogCompacted;
  family.blob_garbage_collection_age_cutoff = 0.5;
  family.blob_garbage_collection_force_threshold = which == KvFamily::kLogCompacted ? 0.5 : 1.0;

  family.compaction_style = rocksdb::kCompactionStyleLevel;
  family.level_compaction_dynamic_level_bytes = true;
  family.level_compaction_dynamic_file_size = true;
  family.target_file_size_base = 8 * kMiB;
  family.max_bytes_for_level_base = 64 * kMiB;
  family.level0_file_num_compaction_trigger = 16;
  family.level0_slowdown_writes_trigger = 60;
  family.level0_stop_writes_trigger = 120;
  // The safety net behind reclaiming: an eighth of the family's typical retention.
  family.periodic_compaction_seconds = which == KvFamily::kLogShort ? 3 * 3600 : 24 * 3600;
  if (options.drop_rules) {
    family.compaction_filter_factory = std::make_shared<DropFilterFactory>(options.drop_rules);
  }

  rocksdb::BlockBasedTableOptions table = TableOptions(cache);
  table.whole_key_filtering = false;
  family.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kPartitionPrefixBytes));
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

}  // namespace

rocksdb::DBOptions MakeDbOptions(const RocksDbOptions& options,
                                 std::shared_ptr<rocksdb::EventListener> listener,
                                 rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.max_total_wal_size = options.wal_bytes_max;
  db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.memtable_bytes_total);
  // One writer: nothing to gain from its concurrency options (STORAGE 1.2).
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  // Each new write-ahead log would at once take a tenth more than a memtable of disk, which a small
  // or nearly full disk needs for the memtable itself.
  db.allow_fallocate = false;
  db.max_background_jobs = 3;
  db.delayed_write_rate = 512 * kMiB;
  db.max_open_files = -1;
  db.skip_stats_update_on_db_open = true;
  db.advise_random_on_open = false;
  db.bytes_per_sync = kMiB;
  db.wal_bytes_per_sync = 512 * kKiB;
  db.compaction_readahead_size = 2 * kMiB;
  db.avoid_unnecessary_blocking_io = true;
  db.recycle_log_file_num = 0;
  db.track_and_verify_wals_in_manifest = false;
  db.max_manifest_file_size = 64 * kMiB;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  // The node stops at the first hard error; RocksDB must not resume behind our back.
  db.max_bgerror_resume_count = 0;
  db.listeners.push_back(std::move(listener));
  db.env = env;
  db.sst_file_manager.reset(
      rocksdb::NewSstFileManager(env, nullptr, "", 256 * kMiB, true, nullptr, 0.25));
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const RocksDbOptions& options) {
  rocksdb::LRUCacheOptions cache_options;
  cache_options.capacity = options.block_cache_bytes;
  cache_options.num_shard_bits = 2;
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(cache_options);
  return {{"log_s", LogFamily(KvFamily::kLogShort, options, cache)},
          {"log_l", LogFamily(KvFamily::kLogLong, options, cache)},
          {"clog", LogFamily(KvFamily::kLogCompacted, options, cache)},
          {rocksdb::kDefaultColumnFamilyName, MetaFamily(cache)}};
}

}  // namespace weir::runtime
