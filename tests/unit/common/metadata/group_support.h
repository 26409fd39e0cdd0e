// Records about groups, made briefly. Thread rule: pure functions.
#pragma once

#include <string>

#include "proto/record.pb.h"

namespace weir::metadata {

inline v1::MetadataRecord GroupRecordOf(const std::string& group_id, v1::GroupState state,
                                        int32_t generation) {
  v1::MetadataRecord record;
  record.mutable_group()->set_group_id(group_id);
  record.mutable_group()->set_type(v1::GROUP_TYPE_CLASSIC);
  record.mutable_group()->set_state(state);
  record.mutable_group()->set_generation(generation);
  record.mutable_group()->set_protocol_type("consumer");
  return record;
}

inline v1::MetadataRecord MemberRecordOf(const std::string& group_id, const std::string& member_id,
                                         const std::string& instance_id = "",
                                         const std::string& replaces = "") {
  v1::MetadataRecord record;
  record.mutable_group_member()->set_group_id(group_id);
  record.mutable_group_member()->set_member_id(member_id);
  record.mutable_group_member()->set_instance_id(instance_id);
  record.mutable_group_member()->set_replaces_member_id(replaces);
  record.mutable_group_member()->set_session_timeout_ms(10'000);
  return record;
}

inline v1::MetadataRecord SubscriptionRecordOf(const std::string& group_id,
                                               const std::string& member_id,
                                               const std::string& metadata) {
  v1::MetadataRecord record;
  record.mutable_group_subscription()->set_group_id(group_id);
  record.mutable_group_subscription()->set_member_id(member_id);
  v1::GroupProtocol* protocol = record.mutable_group_subscription()->add_protocols();
  protocol->set_name("range");
  protocol->set_metadata(metadata);
  return record;
}

inline v1::MetadataRecord AssignmentRecordOf(const std::string& group_id,
                                             const std::string& member_id,
                                             const std::string& assignment) {
  v1::MetadataRecord record;
  record.mutable_group_assignment()->set_group_id(group_id);
  record.mutable_group_assignment()->set_member_id(member_id);
  record.mutable_group_assignment()->set_assignment(assignment);
  return record;
}

inline v1::MetadataRecord RemovalRecordOf(const std::string& group_id,
                                          std::initializer_list<const char*> member_ids) {
  v1::MetadataRecord record;
  record.mutable_remove_group_members()->set_group_id(group_id);
  for (const char* id : member_ids) record.mutable_remove_group_members()->add_member_ids(id);
  return record;
}

}  // namespace weir::metadata
