#include "controller/ctl/profile.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>

#include "common/runtime/files.h"

namespace weir::ctl {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string Text(const YAML::Node& node, const char* key) {
  return node[key] ? node[key].as<std::string>() : std::string();
}

// yaml-cpp reports by exceptions; they end at LoadProfiles.
ProfileFile Parse(const std::string& text) {
  ProfileFile file;
  const YAML::Node root = YAML::Load(text);
  if (root.IsNull()) return file;
  file.current = Text(root, "current");
  for (const auto& entry : root["profiles"])
    file.profiles[entry.first.as<std::string>()] = {Text(entry.second, "admin"),
                                                    Text(entry.second, "kafka")};
  return file;
}

}  // namespace

std::string ProfileFilePath() {
  if (std::string path = Environment("WEIR_PROFILE_FILE"); !path.empty()) return path;
  std::string folder = Environment("XDG_CONFIG_HOME");
  if (folder.empty()) folder = Environment("HOME") + "/.config";
  return folder + "/weir/profiles.yaml";
}

Result<ProfileFile> LoadProfiles(const std::string& path) {
  const Result<std::string> text = runtime::ReadFile(path);
  if (!text && text.error().code == ErrorCode::kResourceNotFound) return ProfileFile{};
  if (!text) return tl::unexpected<Error>(text.error());
  try {
    return Parse(*text);
  } catch (const YAML::Exception& exception) {
    return Fail(ErrorCode::kInvalidConfig, path + ": " + exception.what());
  }
}

Status SaveProfiles(const std::string& path, const ProfileFile& file) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "current" << YAML::Value << file.current;
  out << YAML::Key << "profiles" << YAML::Value << YAML::BeginMap;
  for (const auto& [name, profile] : file.profiles)
    out << YAML::Key << name << YAML::Value << YAML::BeginMap << YAML::Key << "admin" << YAML::Value
        << profile.admin << YAML::Key << "kafka" << YAML::Value << profile.kafka << YAML::EndMap;
  out << YAML::EndMap << YAML::EndMap;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (!folder.empty()) WEIR_RETURN_IF_ERROR(runtime::MakeDirectories(folder));
  return runtime::WriteFileAtomically(path, std::string(out.c_str()) + "\n");
}

Result<Profile> ChooseProfile(const ProfileFile& file, const std::string& name) {
  const std::string& wanted = name.empty() ? file.current : name;
  if (wanted.empty()) return Profile{};
  const auto found = file.profiles.find(wanted);
  if (found != file.profiles.end()) return found->second;
  return Fail(ErrorCode::kResourceNotFound,
              "no profile " + wanted + "; `weir profile list` shows them");
}

}  // namespace weir::ctl
