#include "controller/ctl/weir.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/base/check.h"
#include "common/runtime/config.h"
#include "controller/ctl/commands.h"

namespace weir::ctl {
namespace {

constexpr const char* kFooter = R"(
Exit codes:  0 done
             1 the cluster refused
             2 wrong command line
             3 no answer: unreachable, or out of time
             4 a failure on this machine
             130 interrupted
Environment: WEIR_ADMIN, WEIR_KAFKA     addresses, as --admin and --kafka
             WEIR_PROFILE_FILE          default ~/.config/weir/profiles.yaml
First steps: weir dev
             weir topic create hello
             echo world | weir topic produce hello
             weir topic consume hello -o :end)";

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--admin", options.admin,
                 "Controllers, HOST:PORT[,...] (default 127.0.0.1:9090 or the profile's)");
  app.add_option("--kafka", options.kafka,
                 "Brokers for produce and consume (default: what the controllers name)");
  app.add_option("--profile", options.profile, "Use this profile instead of the current one");
  app.add_option("--format", options.format, "text or json")
      ->transform(CLI::CheckedTransformer(std::map<std::string, OutputFormat>{
          {"text", OutputFormat::kText}, {"json", OutputFormat::kJson}}))
      ->option_text("text|json");
  app.add_option("--timeout-ms", options.timeout_ms, "Deadline of a call, milliseconds (30000)")
      ->check(CLI::Range(int64_t{1}, int64_t{3'600'000}));
}

void AddAllCommands(Commands& commands) {
  AddDevCommands(commands);
  CLI::App& topic = commands.Noun("topic", "Topics and their records");
  AddTopicReadCommands(commands, topic);
  AddTopicChangeCommands(commands, topic);
  AddProduceCommand(commands, topic);
  AddConsumeCommand(commands, topic);
  CLI::App& group = commands.Noun("group", "Consumer groups, their offsets and their lag");
  AddGroupReadCommands(commands, group);
  AddGroupChangeCommands(commands, group);
  AddClusterCommands(commands);
  AddBrokerCommands(commands);
  AddPartitionCommands(commands);
  AddPartitionElectCommand(commands);
  AddQuorumCommands(commands);
  AddProfileCommands(commands);
  AddErrorCodeCommand(commands);
}

void PrintFailure(const Failure& failure, bool json, std::ostream& err) {
  // What failed here, not in the cluster, has no advice that fits its code alone.
  const bool here = failure.exit_code == ExitCode::kUsage || failure.exit_code == ExitCode::kLocal;
  const std::string next =
      failure.next.empty() && !here ? NextCommand(failure.error.code) : failure.next;
  if (json) {
    const nlohmann::json error = {{"code", static_cast<int>(failure.error.code)},
                                  {"name", ErrorName(failure.error.code)},
                                  {"message", failure.error.message},
                                  {"next", next}};
    err << nlohmann::json{{"error", error}}.dump() << '\n';
    return;
  }
  err << "error: " << (here ? failure.error.message : ToString(failure.error)) << '\n';
  if (!next.empty()) err << "next:  " << next << '\n';
}

// The deepest command that was named: its --help is the one that helps.
std::string NamedCommand(const CLI::App& app) {
  std::string name = app.get_name();
  for (const CLI::App* sub : app.get_subcommands()) name += " " + NamedCommand(*sub);
  return name;
}

// The word that is no command where one was expected, with the nearest that is; or empty.
std::string ExplainUnknownCommand(const CLI::App& app) {
  const CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
  const std::vector<std::string> left_over = deepest->remaining(false);
  std::vector<std::string> names;
  for (const CLI::App* sub : deepest->get_subcommands(nullptr)) names.push_back(sub->get_name());
  for (const std::string& word : left_over.empty() ? app.remaining(true) : left_over) {
    if (word.starts_with('-') || names.empty()) continue;
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    return "no command \"" + word + "\"; did you mean \"" +
           std::string(runtime::NearestName(word, candidates)) + "\"?";
  }
  return {};
}

int HandleParseError(const CLI::App& app, const CLI::ParseError& error, Streams streams) {
  if (error.get_exit_code() == 0) return app.exit(error, streams.out, streams.err);
  const std::string unknown = ExplainUnknownCommand(app);
  streams.err << "error: " << (unknown.empty() ? error.what() : unknown) << '\n'
              << "next:  " << NamedCommand(app) << " --help\n";
  return static_cast<int>(ExitCode::kUsage);
}

}  // namespace

int RunWeir(int argc, const char* const* argv, const std::string& version, Streams streams) {
  CLI::App app("The command line of Weir, an event-streaming platform.", "weir");
  app.footer(kFooter);
  app.set_version_flag("--version", "weir " + version);
  app.require_subcommand(1);
  GlobalOptions options;
  AddGlobalOptions(app, options);
  Commands commands(app);
  AddAllCommands(commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return HandleParseError(app, error, streams);
  }
  Session session(options, version, streams);
  Command* command = commands.Chosen();
  WEIR_CHECK(command != nullptr);
  const Outcome outcome = command->Run(session);
  streams.out.flush();
  if (outcome) return static_cast<int>(*outcome);
  PrintFailure(outcome.error(), session.json(), streams.err);
  return static_cast<int>(outcome.error().exit_code);
}

}  // namespace weir::ctl
