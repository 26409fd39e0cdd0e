#include "controller/ctl/dev/dev_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "common/runtime/clock.h"
#include "common/runtime/files.h"
#include "controller/ctl/dev/control_socket.h"

namespace weir::ctl::dev {
namespace {

constexpr const char* kClusterFile = "/cluster.json";
constexpr int kLockPollMs = 20;

// Nothing when a field is missing or of another kind.
std::optional<ClusterFile> ParseCluster(const nlohmann::json& json) {
  if (!json.is_object()) return std::nullopt;
  for (const char* number : {"nodes", "kafka_port", "admin_port", "http_port"})
    if (!json.contains(number) || !json[number].is_number_integer()) return std::nullopt;
  for (const char* text : {"cluster_id", "controllers"})
    if (!json.contains(text) || !json[text].is_string()) return std::nullopt;
  if (!json.contains("formatted") || !json["formatted"].is_boolean()) return std::nullopt;
  ClusterFile cluster;
  cluster.options = {json["nodes"], {}, json["kafka_port"], json["admin_port"], json["http_port"]};
  cluster.controllers = json["controllers"];
  cluster.cluster_id = json["cluster_id"];
  cluster.formatted = json["formatted"];
  return cluster;
}

}  // namespace

Result<std::unique_ptr<DevDirectory>> DevDirectory::Lock(const std::string& path,
                                                         Duration orphan_wait) {
  WEIR_RETURN_IF_ERROR(runtime::MakeDirectories(path));
  std::error_code error;
  const std::string absolute = std::filesystem::canonical(path, error).string();
  if (error) return Fail(ErrorCode::kKafkaStorageError, path + ": " + error.message());
  const std::string lock_path = absolute + "/lock";
  const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return Fail(ErrorCode::kKafkaStorageError, runtime::ErrnoMessage("open", lock_path));
  auto directory = std::unique_ptr<DevDirectory>(new DevDirectory(absolute, fd));
  const MonoTime deadline = runtime::SteadyNow() + orphan_wait;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (ControlIsAlive(absolute))
      return Fail(ErrorCode::kDuplicateResource, "another `weir dev` runs on " + absolute +
                                                     "; stop it with `weir dev stop --data " +
                                                     path + "`");
    if (runtime::SteadyNow() >= deadline)
      return Fail(ErrorCode::kKafkaStorageError,
                  "nodes of an earlier `weir dev` still run on " + absolute);
    // Waits for a condition that sends no event: the lock of processes that are not our children.
    ::poll(nullptr, 0, kLockPollMs);
  }
  return directory;
}

DevDirectory::~DevDirectory() { ::close(lock_fd_); }

Result<std::optional<ClusterFile>> DevDirectory::LoadCluster() const {
  const std::string file = path_ + kClusterFile;
  const Result<std::string> text = runtime::ReadFile(file);
  if (!text && text.error().code == ErrorCode::kResourceNotFound) return std::nullopt;
  if (!text) return tl::unexpected<Error>(text.error());
  const nlohmann::json json = nlohmann::json::parse(*text, nullptr, false);
  const std::optional<ClusterFile> cluster = ParseCluster(json);
  if (!cluster) return Fail(ErrorCode::kInvalidConfig, file + " is not a file of `weir dev`");
  return cluster;
}

Status DevDirectory::SaveCluster(const ClusterFile& cluster) const {
  const nlohmann::ordered_json json = {{"cluster_id", cluster.cluster_id},
                                       {"nodes", cluster.options.nodes},
                                       {"kafka_port", cluster.options.kafka_port},
                                       {"admin_port", cluster.options.admin_port},
                                       {"http_port", cluster.options.http_port},
                                       {"controllers", cluster.controllers},
                                       {"formatted", cluster.formatted}};
  return runtime::WriteFileAtomically(path_ + kClusterFile, json.dump(2) + "\n");
}

}  // namespace weir::ctl::dev
