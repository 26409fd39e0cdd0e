// GroupDraft: one group while a decision about it is made: the group as it will be, and the records
// that make it so.
//
// Laws:
//  1. The records are those that changed something, and no others; the group's own record comes
//     first and is written once, however often its fields changed.
//  2. They fit the image that the draft began from: Apply skips none of them.
// Thread rule: plain value, lives for one decision.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/metadata/group.h"
#include "controller/state/decision.h"
#include "controller/state/groups/consumer_reconciler.h"

namespace weir::state {

class GroupDraft {
 public:
  // REQUIRES: the image outlives the draft.
  GroupDraft(const MetadataImage& image, std::string group_id);

  const std::string& group_id() const { return group_id_; }
  // Whether the group is there, be it only in this draft.
  bool exists() const { return exists_; }
  const metadata::Group& group() const { return group_; }
  metadata::GroupState state() const { return group_.state; }

  // All that follow bring the group into being, except Remove.
  void SetState(metadata::GroupState state);
  void SetGeneration(int32_t generation);
  void SetProtocolType(const std::string& protocol_type);
  void SetProtocolName(const std::string& protocol_name);
  void SetLeader(const std::string& leader);
  void SetType(metadata::GroupType type);
  void SetAssignmentEpoch(int32_t epoch);
  void SetTopicsHash(uint64_t hash);

  struct MemberFields {
    std::string instance_id;
    int32_t session_timeout_ms = 0;
    int32_t rebalance_timeout_ms = 0;
    bool uses_classic_protocol = false;
  };
  // `replaces`: the static member's id until now; empty: none.
  void PutMember(const std::string& member_id, const MemberFields& fields,
                 const std::string& replaces = "");
  // REQUIRES for those that follow: the members exist.
  void PutSubscription(const std::string& member_id, metadata::GroupSubscription subscription);
  void PutAssignment(const std::string& member_id, const std::string& assignment);
  void PutTarget(const std::string& member_id, const metadata::PartitionsByTopic& target);
  void PutProgress(const std::string& member_id, const MemberProgress& progress);
  void RemoveMembers(const std::vector<std::string>& member_ids);

  // Removes the group. REQUIRES: it has no members.
  void Remove();

  // Of the records so far, about.
  size_t record_bytes() const { return record_bytes_; }
  Records TakeRecords();

 private:
  template <class FillRecord>
  void Add(FillRecord fill);

  const std::string group_id_;
  bool existed_ = false;
  bool exists_ = false;
  bool header_changed_ = false;
  metadata::Group group_;
  Records records_;
  size_t record_bytes_ = 0;
};

}  // namespace weir::state
