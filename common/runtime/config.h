// The configuration of a node: a table of keys, and their values from four places. A later one
// wins: default, YAML file (--config FILE), environment (WEIR_NODE_ID), flag (--node-id or
// --node.id).
//
// Laws:
//  1. A key or flag that is not in the table is an error that names the nearest one.
//  2. Every value is checked against its kind before anything starts.
//  3. `--key=` gives the empty value; it never takes the next argument.
//  4. In YAML `node: {id: 1}` and `node.id: 1` are the same.
// Thread rule: loaded at start-up; immutable afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace weir::runtime {

enum class ConfigKind {
  kString,
  kInt,    // decimal, 64 bits
  kBool,   // true or false
  kBytes,  // integer with an optional KiB, MiB or GiB
  kList,   // comma-separated, or a YAML sequence
};

struct ConfigKey {
  const char* name;  // lower case words with dots, e.g. "node.id"
  ConfigKind kind;
  // As it would be typed; null: the key must be given. Kinds other than kString and kList read ""
  // as 0.
  const char* default_value;
  // One or two sentences: meaning, unit, when to change it. Shown by --help.
  const char* doc;
};

enum class ConfigOrigin { kDefault, kFile, kEnvironment, kFlag };

class Config {
 public:
  struct Value {
    std::string text;
    ConfigOrigin origin = ConfigOrigin::kDefault;
  };

  // All accessors REQUIRE a key of the table, of the kind asked for.
  const std::string& GetString(std::string_view name) const;
  int64_t GetInt(std::string_view name) const;
  bool GetBool(std::string_view name) const;
  uint64_t GetBytes(std::string_view name) const;
  std::vector<std::string> GetList(std::string_view name) const;
  const Value& Get(std::string_view name) const;
  const std::map<std::string, Value, std::less<>>& values() const { return values_; }

 private:
  friend class ConfigLoader;
  std::map<std::string, Value, std::less<>> values_;
};

struct LoadedConfig {
  Config config;
  // Set by --help, --version and --check-config: print it and exit with success.
  std::optional<std::string> print_and_exit;
};

// Reads the four places. `program` and `version` are shown by --help and --version.
// Errors: kInvalidConfig with the key, its origin and what is wrong with it; one error at a time.
Result<LoadedConfig> LoadConfig(std::span<const ConfigKey> keys, std::string_view program,
                                std::string_view version, int argc, const char* const* argv);

// Of `candidates` the one with the fewest edits to `word`; for "did you mean".
std::string_view NearestName(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace weir::runtime
