// What stopping or emptying a broker would mean: read calls for people and supervisors.
// Thread rule: pure functions.
#pragma once

#include "controller/state/decision.h"

namespace weir::state {

// A target for every replica on the broker: running brokers take them, on racks that the partition
// does not use yet as far as there are any, the least loaded first. A partition that is moving
// already keeps its target unless that names the broker. Nothing is decided: the caller hands the
// targets to AlterPartitionReassignments. Errors: kBrokerIdNotRegistered.
Result<admin::v1::PlanBrokerDrainReply> PlanBrokerDrain(
    const MetadataImage& image, const Defaults& defaults,
    const admin::v1::PlanBrokerDrainRequest& request);

// Whether every partition still has a leader and, for those that have enough in sync now,
// min.insync.replicas in-sync members once the broker is gone. Errors: kBrokerIdNotRegistered.
Result<admin::v1::CanStopBrokerReply> CanStopBroker(const MetadataImage& image,
                                                    const Defaults& defaults,
                                                    const admin::v1::CanStopBrokerRequest& request);

}  // namespace weir::state
