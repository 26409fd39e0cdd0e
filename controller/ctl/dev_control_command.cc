// weir dev restart|status|stop: commands to the `weir dev` that runs on a directory.
#include <sstream>

#include <nlohmann/json.hpp>

#include "controller/ctl/commands.h"
#include "controller/ctl/dev/control_socket.h"
#include "controller/ctl/dev/node_plan.h"

namespace weir::ctl {
namespace {

// A node has ten seconds to stop before it is killed; stopping goes in two steps.
constexpr Duration kControlTimeout = std::chrono::seconds(30);

// "NODE broker-1 pid=12 kafka=127.0.0.1:9092 …" or "NODE broker-1 exited signal=9" as an object.
nlohmann::ordered_json ParseNodeLine(const std::string& line) {
  std::istringstream words(line);
  nlohmann::ordered_json node;
  std::string word;
  words >> word >> word;
  node["node"] = word;
  node["running"] = false;
  while (words >> word) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (key == "pid") node["running"] = true;
    if (key == "pid" || key == "signal" || key == "code")
      node[key] = std::stoll(value);
    else
      node[key] = value;
  }
  return node;
}

// --data, wherever it stands: after the verb, or before it as an option of `weir dev`.
class DataOption {
 public:
  explicit DataOption(CLI::App& app) : own_(AddTo(app)), dev_(app.get_parent()) {}

  std::string Value() const {
    const CLI::Option* of_dev = dev_->get_option("--data");
    const CLI::Option* given = own_->count() > 0 ? own_ : of_dev;
    return given->count() > 0 ? given->as<std::string>() : dev::DevOptions().data_dir;
  }

 private:
  static const CLI::Option* AddTo(CLI::App& app) {
    return app.add_option("--data", "Directory of the running cluster (default ./weir-data)");
  }

  const CLI::Option* own_;
  const CLI::App* dev_;
};

// Sends one request and prints the NODE lines that come back.
Outcome CallAndPrint(Session& session, const std::string& data_dir, const std::string& request) {
  const auto lines = dev::CallControl(data_dir, request, kControlTimeout);
  if (!lines)
    return FailWith(ExitCode::kLocal, lines.error(),
                    lines.error().code == ErrorCode::kResourceNotFound
                        ? "weir dev --data " + data_dir
                        : "weir dev status --data " + data_dir);
  auto json = nlohmann::ordered_json::array();
  for (const std::string& line : *lines) {
    if (session.json())
      json.push_back(ParseNodeLine(line));
    else
      session.Print(line + "\n");
  }
  if (session.json()) session.Print(json.dump(1) + "\n");
  return ExitCode::kOk;
}

class DevRestart final : public Command {
 public:
  explicit DevRestart(CLI::App& app) : data_(app) {
    app.add_option("NODE", node_, "controller-1, broker-2, ...")->required();
  }
  Outcome Run(Session& session) override {
    return CallAndPrint(session, data_.Value(), "restart " + node_);
  }

 private:
  DataOption data_;
  std::string node_;
};

class DevStatus final : public Command {
 public:
  explicit DevStatus(CLI::App& app) : data_(app) {}
  Outcome Run(Session& session) override { return CallAndPrint(session, data_.Value(), "status"); }

 private:
  DataOption data_;
};

class DevStop final : public Command {
 public:
  explicit DevStop(CLI::App& app) : data_(app) {}
  Outcome Run(Session& session) override { return CallAndPrint(session, data_.Value(), "stop"); }

 private:
  DataOption data_;
};

}  // namespace

void AddDevControlCommands(Commands& commands, CLI::App& dev) {
  commands.Add<DevRestart>(dev, "restart", "Start a node of the running cluster again");
  commands.Add<DevStatus>(dev, "status", "Which nodes run, and where");
  commands.Add<DevStop>(dev, "stop", "Stop the running cluster");
}

}  // namespace weir::ctl
