#include "common/runtime/rocksdb/rocksdb_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/crc32c.h"
#include "common/base/fault.h"
#include "common/runtime/log.h"
#include "common/runtime/rocksdb/crc_hook.h"
#include "common/runtime/rocksdb/direct_file_system.h"
#include "common/runtime/rocksdb/fatal_switch.h"
#include "common/runtime/rocksdb/frozen_file_system.h"
#include "common/runtime/rocksdb/rocksdb_log.h"
#include "common/runtime/rocksdb/rocksdb_options.h"
#include "common/runtime/rocksdb/rocksdb_reclaim.h"

namespace weir::runtime {
namespace {

constexpr size_t kPrefixBytes = 4;

using FamilyHandles = std::vector<rocksdb::ColumnFamilyHandle*>;

rocksdb::Slice ToSlice(std::string_view view) { return {view.data(), view.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

tl::unexpected<Error> StorageError(std::string_view what, const rocksdb::Status& status) {
  return Fail(ErrorCode::kKafkaStorageError, std::string(what) + ": " + status.ToString());
}

// Tells what is damaged from what cannot be reached: a disk that does not give its bytes is taken
// for failed as a whole.
tl::unexpected<Error> ReadError(std::string_view what, const rocksdb::Status& status,
                                FatalSwitch& fatal) {
  tl::unexpected<Error> error = StorageError(what, status);
  if (status.IsIOError()) fatal.Trip(error.value().message);
  if (status.IsCorruption()) error.value().code = ErrorCode::kCorruptMessage;
  return error;
}

class ErrorListener : public rocksdb::EventListener {
 public:
  explicit ErrorListener(std::shared_ptr<FatalSwitch> fatal) : fatal_(std::move(fatal)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* status) override {
    // Without auto-resume even an error that RocksDB calls soft ends its flushes for good.
    if (!status->ok()) fatal_->Trip(status->ToString());
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*status*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  std::shared_ptr<FatalSwitch> fatal_;
};

class RocksDbBatch : public KvBatch {
 public:
  explicit RocksDbBatch(const FamilyHandles& families) : families_(families) {}

  using KvBatch::Put;
  void Put(KvFamily family, KvParts key, KvParts value) override {
    const rocksdb::SliceParts key_parts = Parts(key, key_slices_);
    const rocksdb::SliceParts value_parts = Parts(value, value_slices_);
    Check(batch_.Put(Handle(family), key_parts, value_parts));
  }
  void Delete(KvFamily family, std::string_view key) override {
    Check(batch_.Delete(Handle(family), ToSlice(key)));
  }
  void DeleteRange(KvFamily family, std::string_view begin, std::string_view end) override {
    Check(batch_.DeleteRange(Handle(family), ToSlice(begin), ToSlice(end)));
  }
  void Clear() override { batch_.Clear(); }
  size_t bytes() const override { return batch_.GetDataSize(); }
  size_t count() const override { return static_cast<size_t>(batch_.Count()); }

  rocksdb::WriteBatch* batch() { return &batch_; }

 private:
  static rocksdb::SliceParts Parts(KvParts parts, std::vector<rocksdb::Slice>& slices) {
    slices.clear();
    for (const std::string_view part : parts) slices.push_back(ToSlice(part));
    return {slices.data(), static_cast<int>(slices.size())};
  }
  // A batch lives in memory: it fails only for sizes no entry may have.
  static void Check(const rocksdb::Status& status) {
    WEIR_CHECK(status.ok(), status.ToString().c_str());
  }
  rocksdb::ColumnFamilyHandle* Handle(KvFamily family) const {
    return families_[static_cast<size_t>(family)];
  }

  const FamilyHandles& families_;
  rocksdb::WriteBatch batch_;
  std::vector<rocksdb::Slice> key_slices_;
  std::vector<rocksdb::Slice> value_slices_;
};

class RocksDbIterator : public KvIterator {
 public:
  RocksDbIterator(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, std::string_view lower,
                  std::string_view upper, bool one_prefix, std::shared_ptr<FatalSwitch> fatal)
      : lower_(lower),
        upper_(upper),
        lower_slice_(lower_),
        upper_slice_(upper_),
        fatal_(std::move(fatal)) {
    rocksdb::ReadOptions options;
    options.total_order_seek = !one_prefix;
    if (!lower_.empty()) options.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) options.iterate_upper_bound = &upper_slice_;
    iterator_.reset(db.NewIterator(options, family));
  }

  bool Valid() const override { return iterator_->Valid(); }
  void Seek(std::string_view key) override { iterator_->Seek(ToSlice(key)); }
  void SeekForPrev(std::string_view key) override { iterator_->SeekForPrev(ToSlice(key)); }
  void Next() override { iterator_->Next(); }
  std::string_view key() const override { return ToView(iterator_->key()); }
  std::string_view value() const override { return ToView(iterator_->value()); }
  Status status() const override {
    if (iterator_->status().ok()) return {};
    return ReadError("scan", iterator_->status(), *fatal_);
  }

 private:
  std::string lower_;
  std::string upper_;
  rocksdb::Slice lower_slice_;
  rocksdb::Slice upper_slice_;
  std::shared_ptr<FatalSwitch> fatal_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksDbStore : public KvStore {
 public:
  RocksDbStore(std::unique_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db,
               FamilyHandles families, std::shared_ptr<FatalSwitch> fatal)
      : env_(std::move(env)),
        db_(std::move(db)),
        families_(std::move(families)),
        fatal_(std::move(fatal)) {
    WEIR_CHECK(families_.size() == kKvFamilyCount);
  }
  ~RocksDbStore() override {
    for (rocksdb::ColumnFamilyHandle* handle : families_) db_->DestroyColumnFamilyHandle(handle);
  }

  std::unique_ptr<KvBatch> NewBatch() override { return std::make_unique<RocksDbBatch>(families_); }

  Status Write(KvBatch& batch) override {
    if (fatal_->poisoned()) return Poisoned();
    auto& own = static_cast<RocksDbBatch&>(batch);
    rocksdb::Status status = FaultRequested("kv.write")
                                 ? rocksdb::Status::IOError("injected")
                                 : db_->Write(rocksdb::WriteOptions(), own.batch());
    return Judge("write", status);
  }

  Status Sync() override {
    if (fatal_->poisoned()) return Poisoned();
    rocksdb::Status status =
        FaultRequested("kv.sync") ? rocksdb::Status::IOError("injected") : db_->SyncWAL();
    return Judge("sync", status);
  }

  Result<std::optional<std::string>> Get(KvFamily family, std::string_view key) override {
    std::string value;
    const rocksdb::Status status =
        db_->Get(rocksdb::ReadOptions(), Handle(family), ToSlice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return ReadError("get", status, *fatal_);
    return value;
  }

  std::unique_ptr<KvIterator> Scan(KvFamily family, std::string_view lower,
                                   std::string_view upper) override {
    // Within one partition the prefix filter spares files that do not know it.
    const bool one_prefix = family != KvFamily::kMeta && lower.size() >= kPrefixBytes &&
                            upper.substr(0, kPrefixBytes) == lower.substr(0, kPrefixBytes);
    return std::make_unique<RocksDbIterator>(*db_, Handle(family), lower, upper, one_prefix,
                                             fatal_);
  }

  uint64_t unflushed_bytes() const override {
    uint64_t bytes = 0;
    db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes);
    return bytes;
  }

  Status Flush() override {
    rocksdb::FlushOptions options;
    // Writes go on meanwhile: a stall would only hold this caller up.
    options.allow_write_stall = true;
    const rocksdb::Status status = db_->Flush(options, families_);
    return status.ok() ? Status() : StorageError("flush", status);
  }

  Status Reclaim(KvFamily family, uint64_t copy_bytes_max) override {
    const rocksdb::Status status = ReclaimSpace(*db_, *Handle(family), copy_bytes_max);
    return status.ok() ? Status() : StorageError("reclaim", status);
  }

 private:
  static Status Poisoned() { return Fail(ErrorCode::kKafkaStorageError, "the store has failed"); }
  Status Judge(std::string_view what, const rocksdb::Status& status) {
    // A call that met the failure may have been told that all is well.
    if (fatal_->poisoned()) return Poisoned();
    if (status.ok()) [[likely]]
      return {};
    fatal_->Trip(std::string(what) + ": " + status.ToString());
    return StorageError(what, status);
  }
  rocksdb::ColumnFamilyHandle* Handle(KvFamily family) const {
    return families_[static_cast<size_t>(family)];
  }

  std::unique_ptr<rocksdb::Env> env_;  // outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  FamilyHandles families_;  // by KvFamily
  std::shared_ptr<FatalSwitch> fatal_;
};

// Opens the database with all families. A new one gets its families in one call: opening it with
// all of them would sync RocksDB's options file once for each.
rocksdb::Status OpenFamilies(rocksdb::DBOptions options, const std::string& directory,
                             const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                             FamilyHandles* handles, rocksdb::DB** db) {
  rocksdb::Env* env = options.env;
  if (env->FileExists(directory + "/CURRENT").ok()) {
    return rocksdb::DB::Open(options, directory, families, handles, db);
  }
  rocksdb::Status status = rocksdb::DB::Open(options, directory, {families.back()}, handles, db);
  if (!status.ok()) return status;
  const std::vector<rocksdb::ColumnFamilyDescriptor> others(families.begin(), families.end() - 1);
  FamilyHandles created;
  status = (*db)->CreateColumnFamilies(others, &created);
  handles->insert(handles->begin(), created.begin(), created.end());
  if (status.ok()) return status;
  for (rocksdb::ColumnFamilyHandle* handle : *handles) (*db)->DestroyColumnFamilyHandle(handle);
  delete *db;
  return status;
}

// Opening reads and writes RocksDB's own logs, CRCs included: the counter shows who computed
// them.
void ReportOpened(const std::string& directory, uint64_t calls_before, bool direct_io) {
  const bool in_force = CrcHookCalls() > calls_before;
  LogInfo("storage", "store opened",
          {{"directory", directory},
           {"crc_hook", in_force},
           {"crc_hardware", in_force && Crc32cIsHardware()},
           {"direct_io", direct_io}});
  if (!in_force) LogWarn("storage", "the CRC hook is not in force: appends cost twice the CPU", {});
}

// The files of the database, under what the options ask for.
std::shared_ptr<rocksdb::FileSystem> ChooseFileSystem(const RocksDbOptions& options, bool direct_io,
                                                      const std::shared_ptr<FatalSwitch>& fatal) {
  std::shared_ptr<rocksdb::FileSystem> base = options.file_system_for_test;
  if (!base) base = rocksdb::FileSystem::Default();
  auto frozen = std::make_shared<FrozenFileSystem>(base, fatal);
  if (!direct_io) return frozen;
  return std::make_shared<DirectFileSystem>(frozen);
}

}  // namespace

Result<std::unique_ptr<KvStore>> OpenRocksDb(const std::string& directory, RocksDbOptions options) {
  auto fatal = std::make_shared<FatalSwitch>(options.on_fatal);
  const bool direct_io = options.direct_io && SupportsDirectIo(directory);
  if (options.direct_io && !direct_io) {
    LogWarn("storage", "no direct I/O here: appends cost more CPU", {{"directory", directory}});
  }
  std::unique_ptr<rocksdb::Env> env =
      rocksdb::NewCompositeEnv(ChooseFileSystem(options, direct_io, fatal));
  rocksdb::DBOptions db_options =
      MakeDbOptions(options, std::make_shared<ErrorListener>(fatal), env.get());
  db_options.info_log = std::make_shared<RocksDbLog>(directory);
  db_options.use_direct_io_for_flush_and_compaction = direct_io;
  if (options.file_system_for_test) db_options.sst_file_manager.reset();
  const uint64_t calls_before = CrcHookCalls();
  rocksdb::DB* raw = nullptr;
  FamilyHandles handles;
  const rocksdb::Status status =
      OpenFamilies(db_options, directory, MakeFamilies(options), &handles, &raw);
  if (!status.ok()) return StorageError("open " + directory, status);
  auto store = std::make_unique<RocksDbStore>(std::move(env), std::unique_ptr<rocksdb::DB>(raw),
                                              std::move(handles), fatal);
  if (fatal->poisoned()) {
    return Fail(ErrorCode::kKafkaStorageError, "open " + directory + ": " + fatal->message());
  }
  fatal->Arm();
  ReportOpened(directory, calls_before, direct_io);
  return store;
}

}  // namespace weir::runtime
