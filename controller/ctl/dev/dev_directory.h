// The directory of a development cluster: DIR/cluster.json (nodes, ports, the cluster's id, whether
// it has been up), DIR/lock, DIR/control (the socket of the running `weir dev`), and
// DIR/<node>/{data,log}.
//
// Laws:
//  1. One `weir dev` per directory. The lock is held by it and by its children (they inherit the
//     descriptor), so that the successor of a killed `weir dev` waits until the last orphan ended.
//  2. The node count, and with several nodes the controllers' addresses, are fixed by the first
//     start: the quorum's log names its members by address.
// Thread rule: main thread, blocking.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"
#include "controller/ctl/dev/node_plan.h"

namespace weir::ctl::dev {

// What DIR/cluster.json remembers.
struct ClusterFile {
  // Nodes and first ports; data_dir is not kept.
  DevOptions options;
  // host:port of every controller, separated by commas.
  std::string controllers;
  // 22 characters.
  std::string cluster_id;
  // Set once the cluster has been READY: from then on nothing is formatted.
  bool formatted = false;
};

class DevDirectory {
 public:
  // Creates `path` if need be and locks it. While orphans of a killed `weir dev` hold the lock,
  // waits for them up to `orphan_wait`. Errors: kDuplicateResource when a `weir dev` runs on it,
  // kKafkaStorageError otherwise.
  static Result<std::unique_ptr<DevDirectory>> Lock(const std::string& path, Duration orphan_wait);
  ~DevDirectory();
  DevDirectory(const DevDirectory&) = delete;
  DevDirectory& operator=(const DevDirectory&) = delete;

  // Absolute.
  const std::string& path() const { return path_; }
  int lock_fd() const { return lock_fd_; }

  // Nothing when the directory is new. Errors: kKafkaStorageError, kInvalidConfig when it cannot be
  // read or is not ours.
  Result<std::optional<ClusterFile>> LoadCluster() const;
  Status SaveCluster(const ClusterFile& cluster) const;

 private:
  DevDirectory(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  std::string path_;
  int lock_fd_;
};

}  // namespace weir::ctl::dev
