// weir profile create|use|list|show|delete.
#include <nlohmann/json.hpp>

#include "controller/ctl/commands.h"
#include "controller/ctl/profile.h"

namespace weir::ctl {
namespace {

nlohmann::ordered_json ToJsonObject(const ProfileFile& file, const std::string& name) {
  const Profile& profile = file.profiles.at(name);
  return {{"name", name},
          {"current", name == file.current},
          {"admin", profile.admin},
          {"kafka", profile.kafka}};
}

// Loads the file, lets `change` edit it, and saves it.
Outcome EditProfiles(const std::function<Status(ProfileFile&)>& change) {
  const std::string path = ProfileFilePath();
  Result<ProfileFile> file = LoadProfiles(path);
  if (!file) return FailWith(ExitCode::kLocal, file.error());
  if (const Status changed = change(*file); !changed)
    return FailWith(ExitCode::kUsage, changed.error(), "weir profile list");
  if (const Status saved = SaveProfiles(path, *file); !saved)
    return FailWith(ExitCode::kLocal, saved.error());
  return ExitCode::kOk;
}

Status RequireProfile(const ProfileFile& file, const std::string& name) {
  if (file.profiles.contains(name)) return {};
  return Fail(ErrorCode::kResourceNotFound, "no profile " + name);
}

// The new profile's addresses are the global --admin and --kafka.
class ProfileCreate final : public Command {
 public:
  explicit ProfileCreate(CLI::App& app) {
    app.add_option("NAME", name_, "Name; its addresses are --admin and --kafka")->required();
  }

  Outcome Run(Session& session) override {
    return EditProfiles([&](ProfileFile& file) -> Status {
      if (file.profiles.contains(name_))
        return Fail(ErrorCode::kDuplicateResource, "profile " + name_ + " exists");
      file.profiles[name_] = {session.options().admin, session.options().kafka};
      file.current = name_;
      session.Print("profile " + name_ + " created and in use\n");
      return {};
    });
  }

 private:
  std::string name_;
};

class ProfileUse final : public Command {
 public:
  explicit ProfileUse(CLI::App& app) {
    app.add_option("NAME", name_, "Profile to use from now on")->required();
  }

  Outcome Run(Session& session) override {
    return EditProfiles([&](ProfileFile& file) -> Status {
      WEIR_RETURN_IF_ERROR(RequireProfile(file, name_));
      file.current = name_;
      session.Print("profile " + name_ + " is in use\n");
      return {};
    });
  }

 private:
  std::string name_;
};

class ProfileDelete final : public Command {
 public:
  explicit ProfileDelete(CLI::App& app) {
    app.add_option("NAME", name_, "Profile to forget")->required();
  }

  Outcome Run(Session& session) override {
    return EditProfiles([&](ProfileFile& file) -> Status {
      WEIR_RETURN_IF_ERROR(RequireProfile(file, name_));
      file.profiles.erase(name_);
      if (file.current == name_) file.current.clear();
      session.Print("profile " + name_ + " deleted\n");
      return {};
    });
  }

 private:
  std::string name_;
};

class ProfileList final : public Command {
 public:
  explicit ProfileList(CLI::App&) {}

  Outcome Run(Session& session) override {
    const Result<ProfileFile> file = LoadProfiles(ProfileFilePath());
    if (!file) return FailWith(ExitCode::kLocal, file.error());
    Table table({"CURRENT", "NAME", "ADMIN", "KAFKA"});
    auto json = nlohmann::ordered_json::array();
    for (const auto& [name, profile] : file->profiles) {
      table.AddRow(
          {name == file->current ? "*" : "-", name, OrDash(profile.admin), OrDash(profile.kafka)});
      json.push_back(ToJsonObject(*file, name));
    }
    session.Print(session.json() ? json.dump(1) + "\n" : table.ToText());
    return ExitCode::kOk;
  }
};

class ProfileShow final : public Command {
 public:
  explicit ProfileShow(CLI::App& app) {
    app.add_option("NAME", name_, "Profile; default: the one in use");
  }

  Outcome Run(Session& session) override {
    const Result<ProfileFile> file = LoadProfiles(ProfileFilePath());
    if (!file) return FailWith(ExitCode::kLocal, file.error());
    const std::string& name = name_.empty() ? file->current : name_;
    if (const Status known = RequireProfile(*file, name); !known)
      return UsageError(name.empty() ? "no profile is in use" : known.error().message,
                        "weir profile create NAME --admin HOST:PORT");
    const Profile& profile = file->profiles.at(name);
    session.Print(session.json() ? ToJsonObject(*file, name).dump(1) + "\n"
                                 : "Name   " + name + "\nAdmin  " + OrDash(profile.admin) +
                                       "\nKafka  " + OrDash(profile.kafka) + "\n");
    return ExitCode::kOk;
  }

 private:
  std::string name_;
};

}  // namespace

void AddProfileCommands(Commands& commands) {
  CLI::App& profile =
      commands.Noun("profile", "Named clusters, so that addresses need not be typed");
  commands.Add<ProfileCreate>(profile, "create", "Remember addresses under a name and use it");
  commands.Add<ProfileUse>(profile, "use", "Choose the profile for later commands");
  commands.Add<ProfileList>(profile, "list", "All profiles");
  commands.Add<ProfileShow>(profile, "show", "One profile");
  commands.Add<ProfileDelete>(profile, "delete", "Forget a profile");
}

}  // namespace weir::ctl
