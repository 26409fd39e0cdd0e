#include "common/runtime/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <numeric>

#include <CLI/CLI.hpp>

#include "common/base/check.h"

namespace weir::runtime {
namespace {

tl::unexpected<Error> ConfigError(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, std::move(message));
}

const char* OriginName(ConfigOrigin origin) {
  switch (origin) {
    case ConfigOrigin::kDefault:
      return "default";
    case ConfigOrigin::kFile:
      return "configuration file";
    case ConfigOrigin::kEnvironment:
      return "environment";
    case ConfigOrigin::kFlag:
      return "command line";
  }
  return "";
}

bool ParseInteger(std::string_view text, int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "64MiB" -> 67108864.
bool ParseBytes(std::string_view text, uint64_t& bytes) {
  uint64_t unit = 1;
  constexpr std::pair<std::string_view, uint64_t> kUnits[] = {
      {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}};
  for (const auto& [suffix, factor] : kUnits) {
    if (text.ends_with(suffix)) {
      text.remove_suffix(suffix.size());
      unit = factor;
    }
  }
  int64_t count = 0;
  if (!ParseInteger(text, count) || count < 0) return false;
  if (static_cast<uint64_t>(count) > INT64_MAX / unit) return false;
  bytes = static_cast<uint64_t>(count) * unit;
  return true;
}

// What a value of that kind must look like; empty when `text` does.
std::string_view KindProblem(ConfigKind kind, const std::string& text) {
  int64_t integer = 0;
  uint64_t bytes = 0;
  switch (kind) {
    case ConfigKind::kString:
    case ConfigKind::kList:
      return {};
    case ConfigKind::kInt:
      return text.empty() || ParseInteger(text, integer) ? "" : "must be a whole number";
    case ConfigKind::kBool:
      return text.empty() || text == "true" || text == "false" ? "" : "must be true or false";
    case ConfigKind::kBytes:
      return text.empty() || ParseBytes(text, bytes)
                 ? ""
                 : "must be a number of bytes, with KiB, MiB or GiB if you like";
  }
  return {};
}

std::string EnvironmentName(std::string_view key) {
  std::string name = "WEIR_";
  for (char c : key) {
    name += c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(c));
  }
  return name;
}

// Nested maps become dotted names, sequences comma-separated values.
Status Flatten(const YAML::Node& node, const std::string& prefix,
               std::map<std::string, std::string>& flat) {
  if (node.IsMap()) {
    for (const auto& item : node) {
      const auto name = item.first.as<std::string>();
      const std::string separator = prefix.empty() ? "" : ".";
      WEIR_RETURN_IF_ERROR(Flatten(item.second, prefix + separator + name, flat));
    }
    return {};
  }
  std::string text;
  if (node.IsSequence()) {
    for (const auto& item : node) {
      if (!item.IsScalar()) return ConfigError(prefix + ": a list of plain values is expected");
      text += (text.empty() ? "" : ",") + item.as<std::string>();
    }
  } else if (node.IsScalar()) {
    text = node.as<std::string>();
  }
  flat[prefix] = text;
  return {};
}

Result<std::map<std::string, std::string>> ReadYaml(const std::string& path) {
  std::map<std::string, std::string> flat;
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (root.IsNull()) return flat;
    if (!root.IsMap()) return ConfigError(path + ": a map of keys and values is expected");
    WEIR_RETURN_IF_ERROR(Flatten(root, "", flat));
  } catch (const YAML::Exception& failure) {
    return ConfigError(path + ": " + failure.what());
  }
  return flat;
}

}  // namespace

std::string_view NearestName(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view nearest;
  size_t nearest_edits = SIZE_MAX;
  for (std::string_view candidate : candidates) {
    std::vector<size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        const size_t substitute = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
      }
    }
    if (row.back() < nearest_edits) {
      nearest_edits = row.back();
      nearest = candidate;
    }
  }
  return nearest;
}

// Gathers values in the order of the places; the last one stays.
class ConfigLoader {
 public:
  explicit ConfigLoader(std::span<const ConfigKey> keys) : keys_(keys) {
    for (const ConfigKey& key : keys) {
      names_.push_back(key.name);
      if (key.default_value != nullptr) {
        config_.values_[key.name] = {key.default_value, ConfigOrigin::kDefault};
      }
    }
  }

  Status Set(const std::string& name, const std::string& text, ConfigOrigin origin) {
    const auto key = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const ConfigKey& k) { return name == k.name; });
    if (key == keys_.end()) {
      return ConfigError("unknown key " + name + " (" + OriginName(origin) +
                         "); the nearest key is " + std::string(NearestName(name, names_)));
    }
    const std::string_view problem = KindProblem(key->kind, text);
    if (!problem.empty()) {
      return ConfigError(name + " (" + OriginName(origin) + ") " + std::string(problem) +
                         ", not \"" + text + "\"");
    }
    config_.values_[name] = {text, origin};
    return {};
  }

  Result<Config> Finish() {
    for (const ConfigKey& key : keys_) {
      if (!config_.values_.contains(key.name)) {
        return ConfigError(std::string(key.name) + " is not set; give it in the configuration " +
                           "file, as --" + key.name + " or as " + EnvironmentName(key.name));
      }
    }
    return std::move(config_);
  }

 private:
  std::span<const ConfigKey> keys_;
  std::vector<std::string_view> names_;
  Config config_;
};

// The command line as typed: CLI11 reads it, except for two things that it cannot say:
// `--key=` (an empty value) and which key an unknown flag was meant to be.
class CommandLine {
 public:
  CommandLine(std::span<const ConfigKey> keys, std::string_view program, std::string_view version)
      : app_("Configuration: defaults, then --config FILE, then environment, then flags.",
             std::string(program)),
        program_(program),
        version_(version) {
    app_.allow_extras();
    app_.add_option("--config", file_, "YAML file with any of these keys");
    app_.add_flag("--check-config", check_only_, "check the configuration and exit");
    app_.set_version_flag("--version", program_ + " " + version_);
    flag_names_ = {"--config", "--check-config", "--version", "--help"};
    for (const ConfigKey& key : keys) AddKey(key);
  }

  // Returns what --help or --version print; empty when neither was given.
  Result<std::string> Parse(int argc, const char* const* argv) {
    // CLI11 wants the last argument first, and not the program.
    std::vector<std::string> arguments;
    for (int i = argc - 1; i > 0; --i) {
      if (!TakeEmptyValue(argv[i])) arguments.emplace_back(argv[i]);
    }
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      return app_.help();
    } catch (const CLI::CallForVersion&) {
      return program_ + " " + version_ + "\n";
    } catch (const CLI::ParseError& failure) {
      return ConfigError(failure.what());
    }
    for (const std::string& extra : app_.remaining()) return Unexpected(extra);
    return std::string();
  }

  const std::string& file() const { return file_; }
  bool check_only() const { return check_only_; }

  Status SetFlags(ConfigLoader& loader) const {
    for (const Flag& flag : flags_) {
      if (flag.option->count() == 0 && !flag.empty_value) continue;
      // `--bootstrap` alone means true.
      const bool bare =
          flag.key->kind == ConfigKind::kBool && flag.value->empty() && !flag.empty_value;
      WEIR_RETURN_IF_ERROR(
          loader.Set(flag.key->name, bare ? "true" : *flag.value, ConfigOrigin::kFlag));
    }
    return {};
  }

 private:
  struct Flag {
    const ConfigKey* key;
    std::string dashed;  // "--node-id"
    CLI::Option* option;
    std::unique_ptr<std::string> value;  // CLI11 holds its address
    bool empty_value = false;
  };

  void AddKey(const ConfigKey& key) {
    const std::string dotted = "--" + std::string(key.name);
    std::string dashed = dotted;
    std::replace(dashed.begin(), dashed.end(), '.', '-');
    auto value = std::make_unique<std::string>();
    CLI::Option* option =
        app_.add_option(dashed == dotted ? dashed : dashed + "," + dotted, *value, key.doc);
    if (key.kind == ConfigKind::kBool) option->expected(0, 1);
    option->type_name(key.default_value == nullptr ? "(required)"
                                                   : "[" + std::string(key.default_value) + "]");
    flag_names_.push_back(dashed);
    flags_.push_back({&key, std::move(dashed), option, std::move(value)});
  }

  // `--key=`: to CLI11 it is `--key`, which takes the next argument for the value.
  bool TakeEmptyValue(std::string_view argument) {
    if (!argument.ends_with('=')) return false;
    argument.remove_suffix(1);
    for (Flag& flag : flags_) {
      const bool dotted = argument.starts_with("--") && argument.substr(2) == flag.key->name;
      if (argument != flag.dashed && !dotted) continue;
      flag.empty_value = true;
      return true;
    }
    return false;
  }

  tl::unexpected<Error> Unexpected(const std::string& argument) const {
    if (!argument.starts_with("--")) return ConfigError("unexpected argument " + argument);
    const std::string name = argument.substr(0, argument.find('='));
    const std::vector<std::string_view> names(flag_names_.begin(), flag_names_.end());
    return ConfigError("unknown flag " + name + "; the nearest flag is " +
                       std::string(NearestName(name, names)));
  }

  CLI::App app_;
  const std::string program_;
  const std::string version_;
  std::string file_;
  bool check_only_ = false;
  std::vector<std::string> flag_names_;
  std::vector<Flag> flags_;
};

Result<LoadedConfig> LoadConfig(std::span<const ConfigKey> keys, std::string_view program,
                                std::string_view version, int argc, const char* const* argv) {
  CommandLine line(keys, program, version);
  LoadedConfig loaded;
  WEIR_ASSIGN_OR_RETURN(std::string shown, line.Parse(argc, argv));
  if (!shown.empty()) {
    loaded.print_and_exit = std::move(shown);
    return loaded;
  }
  ConfigLoader loader(keys);
  if (!line.file().empty()) {
    WEIR_ASSIGN_OR_RETURN(const auto values, ReadYaml(line.file()));
    for (const auto& [name, text] : values) {
      WEIR_RETURN_IF_ERROR(loader.Set(name, text, ConfigOrigin::kFile));
    }
  }
  for (const ConfigKey& key : keys) {
    if (const char* text = std::getenv(EnvironmentName(key.name).c_str()); text != nullptr) {
      WEIR_RETURN_IF_ERROR(loader.Set(key.name, text, ConfigOrigin::kEnvironment));
    }
  }
  WEIR_RETURN_IF_ERROR(line.SetFlags(loader));
  WEIR_ASSIGN_OR_RETURN(loaded.config, loader.Finish());
  if (line.check_only()) loaded.print_and_exit = "configuration is valid\n";
  return loaded;
}

const Config::Value& Config::Get(std::string_view name) const {
  const auto value = values_.find(name);
  WEIR_CHECK(value != values_.end(), "the key is not in the table");
  return value->second;
}

const std::string& Config::GetString(std::string_view name) const { return Get(name).text; }

int64_t Config::GetInt(std::string_view name) const {
  int64_t value = 0;
  const std::string& text = Get(name).text;
  WEIR_CHECK(text.empty() || ParseInteger(text, value));
  return value;
}

bool Config::GetBool(std::string_view name) const { return Get(name).text == "true"; }

uint64_t Config::GetBytes(std::string_view name) const {
  uint64_t bytes = 0;
  const std::string& text = Get(name).text;
  WEIR_CHECK(text.empty() || ParseBytes(text, bytes));
  return bytes;
}

std::vector<std::string> Config::GetList(std::string_view name) const {
  std::vector<std::string> items;
  const std::string& text = Get(name).text;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find(',', begin);
    if (end == std::string::npos) end = text.size();
    std::string item = text.substr(begin, end - begin);
    item.erase(0, item.find_first_not_of(' '));
    item.erase(item.find_last_not_of(' ') + 1);
    if (!item.empty()) items.push_back(std::move(item));
    begin = end + 1;
  }
  return items;
}

}  // namespace weir::runtime
