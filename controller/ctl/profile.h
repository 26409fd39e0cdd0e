// Profiles: named clusters in a YAML file of the user, so that addresses need not be typed.
//
//   current: local
//   profiles:
//     local: {admin: "127.0.0.1:9090", kafka: "127.0.0.1:9092"}
//
// Laws:
//  1. The file is $WEIR_PROFILE_FILE, else $XDG_CONFIG_HOME/weir/profiles.yaml, else
//     ~/.config/weir/profiles.yaml. No file means no profiles.
//  2. Flags and environment win over the profile.
// Thread rule: blocking file access.
#pragma once

#include <map>
#include <string>

#include "common/base/result.h"

namespace weir::ctl {

struct Profile {
  // host:port, separated by commas; empty: the default.
  std::string admin;
  std::string kafka;
};

struct ProfileFile {
  // Name of the profile in use; empty: none.
  std::string current;
  std::map<std::string, Profile> profiles;
};

std::string ProfileFilePath();

// Errors: kInvalidConfig when the file is not of this form.
Result<ProfileFile> LoadProfiles(const std::string& path);
// Errors: kKafkaStorageError.
Status SaveProfiles(const std::string& path, const ProfileFile& file);

// The profile `name`, or the one in use when `name` is empty, or an empty one when there is none.
// Errors: kResourceNotFound when a named profile does not exist.
Result<Profile> ChooseProfile(const ProfileFile& file, const std::string& name);

}  // namespace weir::ctl
