// The identity of a node's data directory: a small file `node.properties` that says which cluster,
// which node, and which directory this is. A wiped disk gets a new directory id and so is a new
// identity (DESIGN §3). A lock on the directory keeps a second process out.
//
// Laws:
//  1. An empty directory is formatted only when the caller says so (`bootstrap`); a directory
//     with foreign content never is.
//  2. A directory remembers which others the node had when it was last used, and which it was told
//     to forget.
//  3. The cluster id is written once; a directory of another cluster is refused with both ids.
// Thread rule: start-up only, blocking.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/uuid.h"

namespace weir::runtime {

enum class NodeKind { kController, kBroker };

struct NodeIdentity {
  NodeKind kind = NodeKind::kController;
  NodeId node_id;
  Uuid directory_id;
  // Zero until the node has joined a cluster.
  Uuid cluster_id;
  // All directories of the node, this one too; empty until RecordSiblings.
  std::vector<Uuid> siblings;
  // Directories that the node had and has no more.
  std::vector<Uuid> forgotten;
};

class NodeDirectory {
 public:
  // Opens and locks `path`, formatting it if it is empty or absent and `bootstrap` is set.
  // Errors: kKafkaStorageError (cannot read or write), kInvalidConfig (not formatted and no
  // bootstrap; another node's or kind's directory; another process has it), kInvalidRequest (what
  // is written there is no identity).
  static Result<std::unique_ptr<NodeDirectory>> Open(const std::string& path, NodeKind kind,
                                                     NodeId node_id, bool bootstrap);
  // Whether `path` is a formatted directory; false too when that cannot be told.
  static bool IsFormatted(const std::string& path);
  ~NodeDirectory();
  NodeDirectory(const NodeDirectory&) = delete;
  NodeDirectory& operator=(const NodeDirectory&) = delete;

  const std::string& path() const { return path_; }
  const NodeIdentity& identity() const { return identity_; }
  // Whether this Open formatted it.
  bool formatted_now() const { return formatted_now_; }

  // Records the cluster on first contact. The same id again is a no-op.
  // Errors: kInconsistentClusterId, naming both ids; kKafkaStorageError.
  Status AdoptCluster(const Uuid& cluster_id);
  // Records the directories of the node, and those that it is to forget. The same again is a no-op.
  // Errors: kKafkaStorageError.
  Status RecordSiblings(std::vector<Uuid> siblings, std::vector<Uuid> forgotten);

 private:
  NodeDirectory(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  Status Load(NodeKind kind, NodeId node_id, bool bootstrap);
  Status Save() const;

  std::string path_;
  int lock_fd_;
  NodeIdentity identity_;
  bool formatted_now_ = false;
};

}  // namespace weir::runtime
