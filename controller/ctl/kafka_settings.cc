#include "controller/ctl/kafka_settings.h"

#include <CLI/CLI.hpp>

#include "controller/ctl/key_values.h"

namespace weir::ctl {

void AddKafkaSettings(CLI::App& app, std::vector<std::string>& settings) {
  app.add_option("-X,--set", settings, "KEY=VALUE setting of librdkafka; may be repeated")
      ->expected(1)
      ->take_all();
}

Status AppendKafkaSettings(const std::vector<std::string>& settings, KafkaOptions& options) {
  for (const std::string& text : settings) {
    WEIR_ASSIGN_OR_RETURN(auto pair, ParseKeyValue(text));
    options.settings.push_back(std::move(pair));
  }
  return {};
}

Result<KafkaOptions> KafkaOptionsOf(Session& session, const std::vector<std::string>& settings) {
  KafkaOptions options;
  options.timeout_ms = session.options().timeout_ms;
  WEIR_RETURN_IF_ERROR(AppendKafkaSettings(settings, options));
  WEIR_ASSIGN_OR_RETURN(options.bootstrap_servers, session.KafkaAddresses());
  return options;
}

}  // namespace weir::ctl
