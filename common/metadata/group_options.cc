#include "common/metadata/group_options.h"

namespace weir::metadata {
namespace {

using enum ConfigType;

constexpr ConfigOption kOptions[] = {
    {.name = "consumer.assignment.interval.ms",
     .type = kInt,
     .default_value = "1000",
     .constraint = ConfigConstraint::AtLeast(0),
     .synonyms = "group.consumer.assignment.interval.ms",
     .doc = "Shortest time between two assignments of the group."},
    {.name = "consumer.heartbeat.interval.ms",
     .type = kInt,
     .default_value = "5000",
     .constraint = ConfigConstraint::AtLeast(1),
     .synonyms = "group.consumer.heartbeat.interval.ms",
     .doc = "How often the group's members are to send heartbeats."},
    {.name = "consumer.session.timeout.ms",
     .type = kInt,
     .default_value = "45000",
     .constraint = ConfigConstraint::AtLeast(1),
     .synonyms = "group.consumer.session.timeout.ms",
     .doc = "Silence after which a member of the group is removed."},
};

}  // namespace

std::span<const ConfigOption> GroupOptions() { return kOptions; }

const ConfigOption* FindGroupOption(std::string_view name) { return FindOption(kOptions, name); }

}  // namespace weir::metadata
