// The -X option of the commands that speak Kafka, and what they connect with.

#pragma once

#include <string>
#include <vector>

#include "controller/ctl/command.h"
#include "controller/ctl/kafka_client.h"

namespace weir::ctl {

// -X KEY=VALUE into `settings`.
void AddKafkaSettings(CLI::App& app, std::vector<std::string>& settings);

// Errors: ParseKeyValue's.
Status AppendKafkaSettings(const std::vector<std::string>& settings, KafkaOptions& options);

// The session's brokers and timeout, and `settings`. Errors: those of AppendKafkaSettings and of
// Session::KafkaAddresses.
Result<KafkaOptions> KafkaOptionsOf(Session& session, const std::vector<std::string>& settings);

}  // namespace weir::ctl
