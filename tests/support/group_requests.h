// Requests of the group protocol (proto/group.proto) as gateways send them, for a group of
// consumers. Thread rule: pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proto/group.pb.h"

namespace weir::test {

// Member id, assignment.
using AssignedMembers = std::vector<std::pair<std::string, std::string>>;

// Of a client that knows the newest versions; session 10 s, rebalance 60 s, protocol "range".
inline group::v1::JoinGroupRequest JoinOf(const std::string& group_id,
                                          const std::string& member_id = "",
                                          const std::string& instance_id = "") {
  group::v1::JoinGroupRequest request;
  request.set_group_id(group_id);
  request.set_member_id(member_id);
  request.set_instance_id(instance_id);
  request.set_client_id("client");
  request.set_client_host("/127.0.0.1");
  request.set_session_timeout_ms(10'000);
  request.set_rebalance_timeout_ms(60'000);
  request.set_protocol_type("consumer");
  request.set_requires_known_member_id(true);
  request.set_supports_skip_assignment(true);
  request.add_protocols()->set_name("range");
  request.mutable_protocols(0)->set_metadata("topics");
  return request;
}

inline group::v1::SyncGroupRequest SyncOf(const std::string& group_id, const std::string& member_id,
                                          int32_t generation,
                                          const AssignedMembers& assigned = {}) {
  group::v1::SyncGroupRequest request;
  request.set_group_id(group_id);
  request.set_member_id(member_id);
  request.set_generation_id(generation);
  for (const auto& [id, assignment] : assigned) {
    group::v1::MemberAssignment* added = request.add_assignments();
    added->set_member_id(id);
    added->set_assignment(assignment);
  }
  return request;
}

inline group::v1::HeartbeatRequest HeartbeatOf(const std::string& group_id,
                                               const std::string& member_id, int32_t generation) {
  group::v1::HeartbeatRequest request;
  request.set_group_id(group_id);
  request.set_member_id(member_id);
  request.set_generation_id(generation);
  return request;
}

}  // namespace weir::test
