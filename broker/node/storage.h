// Storage: all data directories of a running broker, and what becomes of the broker when they fail.
//
// Laws:
//  1. A data directory that fails is used no more in this life (D-13): its partitions go offline,
//     and the last one that fails ends the process.
// Thread rule: main thread, blocking; WatchFailures and the end of a directory on the metadata
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/broker_config.h"
#include "broker/log/data_directory.h"
#include "common/base/executor.h"

namespace weir::node {

class Storage {
 public:
  // Both outlive the storage.
  Storage(const handlers::BrokerConfig& config, Executor& metadata_thread)
      : config_(config), metadata_thread_(metadata_thread) {}
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  // Errors: those of log::OpenDataDirectories.
  Status Open();
  // Who is told that a directory has failed, once its store is marked; also of those that have
  // failed before this call. Metadata thread.
  void WatchFailures(std::function<void(uint32_t directory)> on_failed);
  // Writes the cluster down in every directory that has not failed. Errors: those of
  // NodeDirectory::AdoptCluster.
  Status AdoptCluster(const Uuid& cluster_id);
  // Ends the directories' threads.
  void Stop();

  const log::DataDirectories& directories() const { return directories_; }
  log::LogDirectories View() const { return log::ViewOf(directories_); }
  // In the order of the configuration.
  std::vector<log::DirectoryPlace> Places() const;
  // On the disk with the least.
  uint64_t RoomBytes() const;

 private:
  // Any thread.
  void OnStoreFailed(uint32_t directory, const std::string& reason);
  void OnDirectoryFailed(uint32_t directory, const std::string& reason);

  const handlers::BrokerConfig& config_;
  Executor& metadata_thread_;
  log::DataDirectories directories_;
  // Metadata thread. Unset: failures wait in early_failures_.
  std::function<void(uint32_t)> on_failed_;
  std::vector<std::pair<uint32_t, std::string>> early_failures_;
};

}  // namespace weir::node
