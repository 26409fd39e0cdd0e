// Broker options, the part about the node as a whole. Names, types, defaults
// and valid values are facts of the protocol's ecosystem; the sentences are ours.
#include "common/metadata/broker_options_parts.h"

namespace weir::metadata {
namespace {

using enum ConfigType;

constexpr std::nullopt_t kNone = std::nullopt;

constexpr ConfigOption kOptions[] = {
    {
        .name = "auto.create.topics.enable",
        .type = kBoolean,
        .default_value = "false",
        .dynamic = false,
    },
    {
        .name = "auto.leader.rebalance.enable",
        .type = kBoolean,
        .default_value = "true",
        .dynamic = false,
    },
    {
        .name = "background.threads",
        .type = kInt,
        .default_value = "10",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = true,
    },
    {
        .name = "config.providers",
        .type = kList,
        .default_value = "",
        .dynamic = true,
    },
    {
        .name = "cordoned.log.dirs",
        .type = kList,
        .default_value = "",
        .dynamic = true,
    },
    {
        .name = "create.topic.policy.class.name",
        .type = kClass,
        .default_value = kNone,
        .dynamic = false,
    },
    {
        .name = "default.replication.factor",
        .type = kInt,
        .default_value = "1",
        .dynamic = false,
    },
    {
        .name = "delete.records.purgatory.purge.interval.requests",
        .type = kInt,
        .default_value = "1",
        .dynamic = false,
    },
    {
        .name = "delete.topic.enable",
        .type = kBoolean,
        .default_value = "true",
        .dynamic = false,
    },
    {
        .name = "fetch.max.bytes",
        .type = kInt,
        .default_value = "57671680",
        .constraint = ConfigConstraint::AtLeast(1024),
        .dynamic = false,
    },
    {
        .name = "fetch.purgatory.purge.interval.requests",
        .type = kInt,
        .default_value = "1000",
        .dynamic = false,
    },
    {
        .name = "kafka.metrics.polling.interval.secs",
        .type = kInt,
        .default_value = "10",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "kafka.metrics.reporters",
        .type = kList,
        .default_value = "",
        .dynamic = false,
    },
    {
        .name = "max.incremental.fetch.session.cache.slots",
        .type = kInt,
        .default_value = "1000",
        .constraint = ConfigConstraint::AtLeast(0),
        .dynamic = false,
    },
    {
        .name = "max.request.partition.size.limit",
        .type = kInt,
        .default_value = "2000",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "metric.reporters",
        .type = kList,
        .default_value = kNone,
        .dynamic = true,
    },
    {
        .name = "metrics.num.samples",
        .type = kInt,
        .default_value = "2",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "metrics.recording.level",
        .type = kString,
        .default_value = "INFO",
        .dynamic = false,
    },
    {
        .name = "metrics.sample.window.ms",
        .type = kLong,
        .default_value = "30000",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "num.io.threads",
        .type = kInt,
        .default_value = "8",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = true,
    },
    {
        .name = "num.network.threads",
        .type = kInt,
        .default_value = "3",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = true,
    },
    {
        .name = "num.partitions",
        .type = kInt,
        .default_value = "1",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "num.recovery.threads.per.data.dir",
        .type = kInt,
        .default_value = "2",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = true,
    },
    {
        .name = "producer.purgatory.purge.interval.requests",
        .type = kInt,
        .default_value = "1000",
        .dynamic = false,
    },
    {
        .name = "queued.max.request.bytes",
        .type = kLong,
        .default_value = "-1",
        .dynamic = false,
    },
    {
        .name = "queued.max.requests",
        .type = kInt,
        .default_value = "500",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "quota.window.num",
        .type = kInt,
        .default_value = "11",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "quota.window.size.seconds",
        .type = kInt,
        .default_value = "1",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "request.timeout.ms",
        .type = kInt,
        .default_value = "30000",
        .dynamic = false,
    },
    {
        .name = "server.max.startup.time.ms",
        .type = kLong,
        .default_value = "9223372036854775807",
        .constraint = ConfigConstraint::AtLeast(0),
        .dynamic = false,
        .internal = true,
    },
    {
        .name = "telemetry.max.bytes",
        .type = kInt,
        .default_value = "1048576",
        .constraint = ConfigConstraint::AtLeast(1),
        .dynamic = false,
    },
    {
        .name = "unstable.api.versions.enable",
        .type = kBoolean,
        .default_value = "false",
        .dynamic = false,
        .internal = true,
    },
    {
        .name = "unstable.feature.versions.enable",
        .type = kBoolean,
        .default_value = "false",
        .dynamic = false,
        .internal = true,
    },
};

}  // namespace

std::span<const ConfigOption> BrokerOptionsOfNode() { return kOptions; }

}  // namespace weir::metadata
