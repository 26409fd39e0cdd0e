// The admin calls about the quorum itself: they ask Raft, not the metadata.
// Thread rule: loop thread, on the active controller (DescribeQuorumAt: on any).
#pragma once

#include <functional>

#include "controller/quorum/controller_node.h"

namespace weir::service {

admin::v1::DescribeQuorumReply DescribeQuorumAt(quorum::ControllerNode& node);

// Answers once the new voter is promoted and, with replaces_controller_id, the old one removed.
void ServeAddVoter(quorum::ControllerNode& node, const admin::v1::AddVoterRequest& request,
                   MonoTime deadline, std::function<void(Result<admin::v1::AddVoterReply>)> done);
void ServeRemoveVoter(quorum::ControllerNode& node, const admin::v1::RemoveVoterRequest& request,
                      MonoTime deadline,
                      std::function<void(Result<admin::v1::RemoveVoterReply>)> done);
// Answers once another controller is known to lead.
void ServeTransferLeadership(quorum::ControllerNode& node,
                             const admin::v1::TransferLeadershipRequest& request, MonoTime deadline,
                             std::function<void(Result<admin::v1::TransferLeadershipReply>)> done);

}  // namespace weir::service
