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

// Takes `id` out of `ids`; false when it is not there.
bool Take(const Uuid& id, std::vector<Uuid>& ids) {
  const auto found = std::find(ids.begin(), ids.end(), id);
  if (found == ids.end()) return false;
  ids.erase(found);
  return true;
}

// Laws 1 and 2; afterwards each knows all of them.
Status KnowEachOther(DataDirectories& directories) {
  for (const auto& directory : directories.opened) directories.ids.push_back(directory->id());
  std::vector<Uuid> missing;
  std::string beside;
  for (const auto& directory : directories.opened) {
    for (const Uuid& id : directory->node().identity().siblings) {
      const auto knows = [&](const std::vector<Uuid>& ids) {
        return std::find(ids.begin(), ids.end(), id) != ids.end();
      };
      if (knows(directories.ids) || knows(missing)) continue;
      missing.push_back(id);
      beside = directory->path();
    }
  }
  const UnopenedDirectory* stranger = nullptr;
  size_t nameless = 0;
  for (const UnopenedDirectory& unopened : directories.unopened) {
    if (Take(unopened.id, missing)) {
      directories.ids.push_back(unopened.id);
    } else if (unopened.id.IsZero()) {
      stranger = &unopened;
      ++nameless;
    } else {
      return tl::unexpected<Error>(unopened.error);
    }
  }
  // Which of the missing ones they are does not matter.
  if (nameless > missing.size()) return tl::unexpected<Error>(stranger->error);
  if (missing.size() > nameless) {
    return Fail(ErrorCode::kInvalidConfig,
                "data directory " + missing.front().ToString() + ", which this broker had beside " +
                    beside + ", is missing: is its disk mounted, and in data.dir?");
  }
  directories.ids.insert(directories.ids.end(), missing.begin(), missing.end());
  for (const auto& directory : directories.opened) {
    WEIR_RETURN_IF_ERROR(directory->node().RecordSiblings(directories.ids));
  }
  return {};
}

// Opens one, or notes why it cannot be. Errors: what must end the start.
Status OpenNext(const std::string& path, const DataDirectory::Options& options,
                DataDirectories& directories) {
  auto node = runtime::NodeDirectory::Open(path, runtime::NodeKind::kBroker, options.node_id,
                                           options.bootstrap);
  if (!node) {
    if (node.error().code != ErrorCode::kKafkaStorageError) {
      return tl::unexpected<Error>(node.error());
    }
    directories.unopened.push_back({path, node.error(), {}});
    return {};
  }
  const Uuid id = (*node)->identity().directory_id;
  const auto number = static_cast<uint32_t>(directories.opened.size());
  auto directory = DataDirectory::Open(*std::move(node), number, options);
  if (directory) {
    directories.opened.push_back(*std::move(directory));
  } else {
    directories.unopened.push_back({path, directory.error(), id});
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

Result<std::unique_ptr<DataDirectory>> DataDirectory::Open(
    std::unique_ptr<runtime::NodeDirectory> node, uint32_t number, const Options& options) {
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
  store_options.on_fatal = [number, on_failed = options.on_failed](const std::string& reason) {
    on_failed(number, reason);
  };
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
    WEIR_RETURN_IF_ERROR(OpenNext(path, options, directories));
  }
  if (directories.opened.empty()) {
    return tl::unexpected<Error>(directories.unopened.front().error);
  }
  WEIR_RETURN_IF_ERROR(KnowEachOther(directories));
  WEIR_RETURN_IF_ERROR(ViewOf(directories).CheckDistinct());
  return directories;
}

LogDirectories ViewOf(const DataDirectories& directories) {
  std::vector<LogStore*> stores;
  for (const auto& directory : directories.opened) stores.push_back(&directory->store());
  return LogDirectories(std::move(stores), directories.unopened.size());
}

}  // namespace weir::log
