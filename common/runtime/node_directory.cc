#include "common/runtime/node_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include "common/base/prng.h"
#include "common/runtime/clock.h"
#include "common/runtime/files.h"

namespace weir::runtime {
namespace {

constexpr const char* kFileName = "node.properties";
constexpr const char* kLockName = ".lock";

std::string_view KindName(NodeKind kind) {
  return kind == NodeKind::kController ? "controller" : "broker";
}

// "key=value" lines; unknown keys are kept out of sight so that a newer version may add some.
std::map<std::string, std::string> ParseProperties(const std::string& text) {
  std::map<std::string, std::string> properties;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    const std::string line = text.substr(begin, end - begin);
    const size_t equals = line.find('=');
    if (equals != std::string::npos) properties[line.substr(0, equals)] = line.substr(equals + 1);
    begin = end + 1;
  }
  return properties;
}

std::string ListOf(const std::vector<Uuid>& ids) {
  std::string text;
  for (const Uuid& id : ids) text += (text.empty() ? "" : ",") + id.ToString();
  return text;
}

Result<std::vector<Uuid>> ParseList(const std::string& text) {
  std::vector<Uuid> ids;
  std::istringstream parts(text);
  for (std::string id; std::getline(parts, id, ',');) {
    WEIR_ASSIGN_OR_RETURN(ids.emplace_back(), Uuid::Parse(id));
  }
  return ids;
}

Result<bool> IsBlank(const std::string& path) {
  std::error_code failed;
  std::filesystem::directory_iterator at(path, failed);
  for (; !failed && at != std::filesystem::directory_iterator(); at.increment(failed)) {
    const std::filesystem::path name = at->path().filename();
    if (name != kLockName && name != "lost+found") return false;
  }
  if (!failed) return true;
  return Fail(ErrorCode::kKafkaStorageError, "cannot read " + path + ": " + failed.message());
}

}  // namespace

Result<std::unique_ptr<NodeDirectory>> NodeDirectory::Open(const std::string& path, NodeKind kind,
                                                           NodeId node_id, bool bootstrap) {
  if (bootstrap) WEIR_RETURN_IF_ERROR(MakeDirectories(path));
  std::error_code unknown;
  const std::filesystem::file_status status = std::filesystem::status(path, unknown);
  if (unknown && status.type() != std::filesystem::file_type::not_found) {
    return Fail(ErrorCode::kKafkaStorageError, "cannot read " + path + ": " + unknown.message());
  }
  if (!std::filesystem::is_directory(status)) {
    return Fail(ErrorCode::kInvalidConfig, "data directory " + path +
                                               " does not exist; start once with --bootstrap to "
                                               "create and format it");
  }
  const std::string lock_path = path + "/" + kLockName;
  const int lock_fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_fd < 0) return Fail(ErrorCode::kKafkaStorageError, ErrnoMessage("open", lock_path));
  std::unique_ptr<NodeDirectory> directory(new NodeDirectory(path, lock_fd));
  if (flock(lock_fd, LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kInvalidConfig,
                "data directory " + path + " is in use by another process");
  }
  WEIR_RETURN_IF_ERROR(directory->Load(kind, node_id, bootstrap));
  return directory;
}

bool NodeDirectory::IsFormatted(const std::string& path) {
  std::error_code unknown;
  return std::filesystem::exists(path + "/" + kFileName, unknown);
}

NodeDirectory::~NodeDirectory() { close(lock_fd_); }

Status NodeDirectory::Load(NodeKind kind, NodeId node_id, bool bootstrap) {
  auto text = ReadFile(path_ + "/" + kFileName);
  if (!text && text.error().code != ErrorCode::kResourceNotFound) {
    return tl::unexpected(text.error());
  }
  if (!text) {
    if (!bootstrap) {
      return Fail(ErrorCode::kInvalidConfig,
                  "data directory " + path_ + " is not formatted; if this is a new " +
                      std::string(KindName(kind)) + ", start it once with --bootstrap");
    }
    WEIR_ASSIGN_OR_RETURN(const bool blank, IsBlank(path_));
    if (!blank) {
      return Fail(ErrorCode::kInvalidConfig, "data directory " + path_ +
                                                 " is not formatted and not empty; refusing to "
                                                 "format it");
    }
    Prng prng(RandomSeed());
    identity_ = NodeIdentity{kind, node_id, Uuid::Random(prng), Uuid{}};
    formatted_now_ = true;
    return Save();
  }
  auto properties = ParseProperties(*text);
  if (properties["kind"] != KindName(kind) ||
      properties["node.id"] != std::to_string(node_id.value())) {
    return Fail(ErrorCode::kInvalidConfig, "data directory " + path_ + " belongs to " +
                                               properties["kind"] + " " + properties["node.id"] +
                                               ", not to " + std::string(KindName(kind)) + " " +
                                               std::to_string(node_id.value()));
  }
  identity_.kind = kind;
  identity_.node_id = node_id;
  WEIR_ASSIGN_OR_RETURN(identity_.directory_id, Uuid::Parse(properties["directory.id"]));
  if (!properties["cluster.id"].empty()) {
    WEIR_ASSIGN_OR_RETURN(identity_.cluster_id, Uuid::Parse(properties["cluster.id"]));
  }
  WEIR_ASSIGN_OR_RETURN(identity_.siblings, ParseList(properties["sibling.ids"]));
  WEIR_ASSIGN_OR_RETURN(identity_.forgotten, ParseList(properties["forgotten.ids"]));
  return {};
}

Status NodeDirectory::Save() const {
  std::string text = "version=1\nkind=" + std::string(KindName(identity_.kind)) +
                     "\nnode.id=" + std::to_string(identity_.node_id.value()) +
                     "\ndirectory.id=" + identity_.directory_id.ToString() + "\n";
  if (!identity_.cluster_id.IsZero()) {
    text += "cluster.id=" + identity_.cluster_id.ToString() + "\n";
  }
  if (!identity_.siblings.empty()) text += "sibling.ids=" + ListOf(identity_.siblings) + "\n";
  if (!identity_.forgotten.empty()) text += "forgotten.ids=" + ListOf(identity_.forgotten) + "\n";
  return WriteFileAtomically(path_ + "/" + kFileName, text);
}

Status NodeDirectory::AdoptCluster(const Uuid& cluster_id) {
  if (identity_.cluster_id == cluster_id) return {};
  if (!identity_.cluster_id.IsZero()) {
    return Fail(ErrorCode::kInconsistentClusterId,
                "data directory " + path_ + " belongs to cluster " +
                    identity_.cluster_id.ToString() + ", but this is cluster " +
                    cluster_id.ToString());
  }
  identity_.cluster_id = cluster_id;
  return Save();
}

Status NodeDirectory::RecordSiblings(std::vector<Uuid> siblings, std::vector<Uuid> forgotten) {
  if (identity_.siblings == siblings && identity_.forgotten == forgotten) return {};
  identity_.siblings = std::move(siblings);
  identity_.forgotten = std::move(forgotten);
  return Save();
}

}  // namespace weir::runtime
