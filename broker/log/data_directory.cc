#include "broker/log/data_directory.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "broker/log/log_start_map.h"
#include "common/runtime/files.h"
#include "common/runtime/rocksdb/rocksdb_store.h"

namespace weir::log {
namespace {

// The first directory's threads go without a number.
std::string ThreadName(const char* name, uint32_t number) {
  return number == 0 ? name : name + ("-" + std::to_string(number));
}

DiskKeeper::ReadSpace SpaceOf(std::string directory) {
  return [directory = std::move(directory)]() -> Result<DiskSample> {
    WEIR_ASSIGN_OR_RETURN(const runtime::FileSystemSpace space,
                          runtime::ReadFileSystemSpace(directory));
    return DiskSample{.total_bytes = space.total_bytes, .available_bytes = space.available_bytes};
  };
}

// Law 1; afterwards each knows all of them.
Status KnowEachOther(const DataDirectories& directories) {
  std::vector<Uuid> ids;
  for (const auto& directory : directories) ids.push_back(directory->id());
  for (const auto& directory : directories) {
    for (const Uuid& id : directory->node().identity().siblings) {
      if (std::find(ids.begin(), ids.end(), id) != ids.end()) continue;
      return Fail(ErrorCode::kInvalidConfig,
                  "data directory " + id.ToString() + ", which this broker had beside " +
                      directory->path() + ", is missing: is its disk mounted, and in data.dir?");
    }
  }
  for (const auto& directory : directories) {
    WEIR_RETURN_IF_ERROR(directory->node().RecordSiblings(ids));
  }
  return {};
}

}  // namespace

DataDirectory::DataDirectory(std::unique_ptr<runtime::NodeDirectory> node, uint32_t number)
    : node_(std::move(node)),
      writer_(ThreadName("log-writer", number)),
      syncer_(ThreadName("log-sync", number)),
      disk_sampler_(ThreadName("disk-space", number)),
      disk_reclaimer_(ThreadName("disk-reclaim", number)) {}

Result<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::string& path, uint32_t number,
                                                           const Options& options) {
  WEIR_ASSIGN_OR_RETURN(
      auto node, runtime::NodeDirectory::Open(path, runtime::NodeKind::kBroker, options.node_id,
                                              options.bootstrap));
  std::unique_ptr<DataDirectory> directory(new DataDirectory(std::move(node), number));
  WEIR_RETURN_IF_ERROR(directory->OpenStore(number, options));
  return directory;
}

Status DataDirectory::OpenStore(uint32_t number, const Options& options) {
  const std::string path = this->path() + "/log";
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) {
    return Fail(ErrorCode::kKafkaStorageError, "cannot create " + path + ": " + failed.message());
  }
  auto starts = std::make_shared<LogStartMap>();
  runtime::RocksDbOptions store_options;
  store_options.direct_io = options.direct_io;
  store_options.drop_rules = LogStartMap::DropRules(starts);
  store_options.on_fatal = options.on_fatal;
  WEIR_ASSIGN_OR_RETURN(kv_, runtime::OpenRocksDb(path, std::move(store_options)));
  WEIR_ASSIGN_OR_RETURN(store_, LogStore::Open(*kv_, writer_, syncer_, starts, number));
  disk_ = std::make_unique<DiskKeeper>(*store_, disk_sampler_, disk_reclaimer_, SpaceOf(path),
                                       options.disk_reserve_bytes);
  return disk_->Start();
}

void DataDirectory::Stop() {
  disk_sampler_.Stop();
  disk_reclaimer_.Stop();
  writer_.Stop();
  syncer_.Stop();
}

Result<DataDirectories> OpenDataDirectories(const std::vector<std::string>& paths,
                                            const DataDirectory::Options& options) {
  DataDirectories directories;
  for (const std::string& path : paths) {
    const auto number = static_cast<uint32_t>(directories.size());
    WEIR_ASSIGN_OR_RETURN(auto directory, DataDirectory::Open(path, number, options));
    directories.push_back(std::move(directory));
  }
  WEIR_RETURN_IF_ERROR(KnowEachOther(directories));
  WEIR_RETURN_IF_ERROR(ViewOf(directories).CheckDistinct());
  return directories;
}

LogDirectories ViewOf(const DataDirectories& directories) {
  std::vector<LogStore*> stores;
  for (const auto& directory : directories) stores.push_back(&directory->store());
  return LogDirectories(std::move(stores));
}

bool AnyFull(const DataDirectories& directories) {
  return std::any_of(directories.begin(), directories.end(),
                     [](const auto& directory) { return directory->disk().full(); });
}

}  // namespace weir::log
