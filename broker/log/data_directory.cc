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

bool Has(const std::vector<Uuid>& ids, const Uuid& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Takes `id` out of `ids`; false when it is not there.
bool Take(const Uuid& id, std::vector<Uuid>& ids) { return std::erase(ids, id) > 0; }

std::string ListOf(const std::vector<Uuid>& ids) {
  std::string text;
  for (const Uuid& id : ids) text += (text.empty() ? "" : ",") + id.ToString();
  return text;
}

// What the open directories know of others.
struct Siblings {
  // Not among the open ones, and not forgotten.
  std::vector<Uuid> missing;
  // The path of one that knows the first of them.
  std::string beside;
  std::vector<Uuid> forgotten;
};

Siblings SiblingsOf(const DataDirectories& directories) {
  std::vector<Uuid> open;
  for (const auto& directory : directories.opened) open.push_back(directory->id());
  Siblings siblings;
  for (const auto& directory : directories.opened) {
    for (const Uuid& id : directory->node().identity().forgotten) {
      if (!Has(open, id) && !Has(siblings.forgotten, id)) siblings.forgotten.push_back(id);
    }
  }
  for (const auto& directory : directories.opened) {
    for (const Uuid& id : directory->node().identity().siblings) {
      if (Has(open, id) || Has(siblings.forgotten, id) || Has(siblings.missing, id)) continue;
      if (siblings.missing.empty()) siblings.beside = directory->path();
      siblings.missing.push_back(id);
    }
  }
  return siblings;
}

// Law 3. Errors: kInvalidConfig.
Status Forget(const std::vector<Uuid>& named, const DataDirectories& directories,
              Siblings& siblings) {
  for (const Uuid& id : named) {
    std::string there;
    for (const auto& directory : directories.opened) {
      if (directory->id() == id) there = directory->path();
    }
    for (const UnopenedDirectory& unopened : directories.unopened) {
      if (unopened.id == id) there = unopened.path;
    }
    if (!there.empty()) {
      return Fail(ErrorCode::kInvalidConfig, "forget.directory: " + id.ToString() + " is " + there +
                                                 ", which is there; take it out of data.dir first");
    }
    if (Take(id, siblings.missing)) {
      siblings.forgotten.push_back(id);
    } else if (!Has(siblings.forgotten, id)) {
      return Fail(ErrorCode::kInvalidConfig,
                  "forget.directory: this broker had no data directory " + id.ToString() +
                      (siblings.missing.empty() ? "; none is missing"
                                                : "; missing: " + ListOf(siblings.missing)));
    }
  }
  return {};
}

// `unformatted`: a directory in data.dir that may stand where the missing one was; may be empty.
Error MissingError(const Siblings& siblings, const std::string& unformatted) {
  const std::string ids = ListOf(siblings.missing);
  const std::string what = siblings.missing.size() == 1
                               ? "data directory " + ids + ", which this broker had beside " +
                                     siblings.beside + ", is missing"
                               : "data directories " + ids + ", which this broker had beside " +
                                     siblings.beside + ", are missing";
  if (unformatted.empty()) {
    return {ErrorCode::kInvalidConfig,
            what +
                ": is its disk mounted, and in data.dir? If it is lost for good, start once with "
                "--forget-directory " +
                ids + ": what it held is then fetched from other brokers"};
  }
  return {ErrorCode::kInvalidConfig,
          what + ", and " + unformatted +
              " is not formatted: is its disk mounted? If a new disk takes the place of a lost "
              "one, start once with --bootstrap --forget-directory " +
              ids + ": what it held is then fetched from other brokers"};
}

// Laws 1 to 3; afterwards each knows all of them.
Status KnowEachOther(DataDirectories& directories, const std::vector<Uuid>& forget) {
  for (const auto& directory : directories.opened) directories.ids.push_back(directory->id());
  Siblings siblings = SiblingsOf(directories);
  WEIR_RETURN_IF_ERROR(Forget(forget, directories, siblings));
  const UnopenedDirectory* stranger = nullptr;
  size_t nameless = 0;
  std::vector<Uuid> unaccounted = siblings.missing;
  for (const UnopenedDirectory& unopened : directories.unopened) {
    if (Take(unopened.id, unaccounted)) {
      directories.ids.push_back(unopened.id);
    } else if (unopened.id.IsZero()) {
      stranger = &unopened;
      ++nameless;
    } else {
      return tl::unexpected<Error>(unopened.error);
    }
  }
  // Which of the missing ones they are does not matter.
  if (nameless > unaccounted.size()) return tl::unexpected<Error>(stranger->error);
  if (unaccounted.size() > nameless) {
    siblings.missing = std::move(unaccounted);
    return tl::unexpected<Error>(MissingError(siblings, ""));
  }
  directories.ids.insert(directories.ids.end(), unaccounted.begin(), unaccounted.end());
  directories.forgotten = std::move(siblings.forgotten);
  for (const auto& directory : directories.opened) {
    WEIR_RETURN_IF_ERROR(directory->node().RecordSiblings(directories.ids, directories.forgotten));
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
  Status accepted;
  std::string unformatted;
  for (const std::string& path : paths) {
    const Status opened = OpenNext(path, options, directories);
    if (opened || !accepted) continue;
    // The others may know why.
    accepted = opened;
    if (!runtime::NodeDirectory::IsFormatted(path)) unformatted = path;
  }
  if (!accepted) {
    const Siblings siblings = SiblingsOf(directories);
    const bool explains =
        !unformatted.empty() && directories.unopened.empty() && !siblings.missing.empty();
    return tl::unexpected<Error>(explains ? MissingError(siblings, unformatted) : accepted.error());
  }
  if (directories.opened.empty()) {
    return tl::unexpected<Error>(directories.unopened.front().error);
  }
  WEIR_RETURN_IF_ERROR(KnowEachOther(directories, options.forget));
  WEIR_RETURN_IF_ERROR(ViewOf(directories).CheckDistinct());
  return directories;
}

LogDirectories ViewOf(const DataDirectories& directories) {
  std::vector<LogStore*> stores;
  for (const auto& directory : directories.opened) stores.push_back(&directory->store());
  return LogDirectories(std::move(stores), directories.unopened.size(),
                        !directories.forgotten.empty());
}

}  // namespace weir::log
