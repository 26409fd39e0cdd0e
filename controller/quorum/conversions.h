// Raft's values to and from proto/raft.proto.
// Thread rule: pure functions.
#pragma once

#include "controller/raft/messages.h"
#include "proto/raft.pb.h"

namespace weir::quorum {

raft::v1::RaftMessage ToProto(const raft::Message& message);
// Errors: kInvalidRequest when an id has not 16 bytes, the kind is missing or an entry's type is
// unknown.
Result<raft::Message> FromProto(const raft::v1::RaftMessage& message);

raft::v1::Configuration ToProto(const raft::Configuration& configuration);
Result<raft::Configuration> FromProto(const raft::v1::Configuration& configuration);

}  // namespace weir::quorum
