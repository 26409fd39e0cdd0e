#include "broker/node/storage.h"

#include <algorithm>
#include <limits>

#include "broker/node/end_at_once.h"
#include "common/runtime/log.h"

namespace weir::node {
namespace {

constexpr const char* kLastStoreFailed = "the store failed, the broker ends";

}  // namespace

Status Storage::Open() {
  log::DataDirectory::Options options{.node_id = config_.node_id,
                                      .bootstrap = config_.bootstrap,
                                      .direct_io = config_.direct_io,
                                      .disk_reserve_bytes = config_.disk_reserve_bytes,
                                      .forget = config_.forget_directories};
  options.on_failed = [this](uint32_t directory, const std::string& reason) {
    OnStoreFailed(directory, reason);
  };
  WEIR_ASSIGN_OR_RETURN(directories_, log::OpenDataDirectories(config_.data_dirs, options));
  for (const log::UnopenedDirectory& unopened : directories_.unopened) {
    LogError("broker", "data directory cannot be opened: its replicas are offline",
             {{"directory", unopened.path},
              {"reason", unopened.error.message},
              {"directories_left", directories_.opened.size()}});
  }
  return {};
}

void Storage::OnStoreFailed(uint32_t directory, const std::string& reason) {
  if (config_.data_dirs.size() == 1) EndAtOnce(kLastStoreFailed, reason);
  metadata_thread_.Post([this, directory, reason] { OnDirectoryFailed(directory, reason); });
}

void Storage::WatchFailures(std::function<void(uint32_t)> on_failed) {
  on_failed_ = std::move(on_failed);
  for (const auto& [directory, reason] : early_failures_) OnDirectoryFailed(directory, reason);
}

void Storage::OnDirectoryFailed(uint32_t directory, const std::string& reason) {
  if (on_failed_ == nullptr) {
    early_failures_.emplace_back(directory, reason);
    return;
  }
  log::LogStore& store = directories_.opened[directory]->store();
  store.MarkFailed();
  const size_t left = View().live_count();
  if (left == 0) EndAtOnce(kLastStoreFailed, reason);
  LogError("broker", "data directory failed: its replicas are offline until it is repaired",
           {{"directory", directories_.opened[directory]->path()},
            {"reason", reason},
            {"partitions", store.partition_count()},
            {"directories_left", left}});
  on_failed_(directory);
}

Status Storage::AdoptCluster(const Uuid& cluster_id) {
  for (const auto& directory : directories_.opened) {
    if (directory->store().failed()) continue;
    WEIR_RETURN_IF_ERROR(directory->node().AdoptCluster(cluster_id));
  }
  return {};
}

void Storage::Stop() {
  for (const auto& directory : directories_.opened) directory->Stop();
}

std::vector<log::DirectoryPlace> Storage::Places() const {
  std::vector<log::DirectoryPlace> places;
  for (const std::string& path : config_.data_dirs) {
    log::DirectoryPlace& place = places.emplace_back();
    place.path = path;
    for (const auto& directory : directories_.opened) {
      if (directory->path() == path) place.store = &directory->store();
    }
  }
  return places;
}

uint64_t Storage::RoomBytes() const {
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (const auto& directory : directories_.opened) {
    if (directory->store().failed()) continue;
    least = std::min(least, directory->disk().room_bytes());
  }
  return least;
}

}  // namespace weir::node
