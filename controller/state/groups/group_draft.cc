#include "controller/state/groups/group_draft.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/check.h"

namespace weir::state {
namespace {

// What a record takes in a batch beside its own bytes, at most.
constexpr size_t kRecordOverheadBytes = 8;

}  // namespace

GroupDraft::GroupDraft(const MetadataImage& image, std::string group_id)
    : group_id_(std::move(group_id)) {
  const metadata::Group* known = image.FindGroup(group_id_);
  if (known == nullptr) return;
  existed_ = exists_ = true;
  group_ = *known;
}

void GroupDraft::SetState(metadata::GroupState state) {
  exists_ = true;
  if (std::exchange(group_.state, state) != state) header_changed_ = true;
}

void GroupDraft::SetGeneration(int32_t generation) {
  exists_ = true;
  if (std::exchange(group_.generation, generation) != generation) header_changed_ = true;
}

void GroupDraft::SetProtocolType(const std::string& protocol_type) {
  exists_ = true;
  if (std::exchange(group_.protocol_type, protocol_type) != protocol_type) header_changed_ = true;
}

void GroupDraft::SetProtocolName(const std::string& protocol_name) {
  exists_ = true;
  if (std::exchange(group_.protocol_name, protocol_name) != protocol_name) header_changed_ = true;
}

void GroupDraft::SetLeader(const std::string& leader) {
  exists_ = true;
  if (std::exchange(group_.leader, leader) != leader) header_changed_ = true;
}

void GroupDraft::SetType(metadata::GroupType type) {
  exists_ = true;
  if (std::exchange(group_.type, type) != type) header_changed_ = true;
}

void GroupDraft::SetAssignmentEpoch(int32_t epoch) {
  exists_ = true;
  if (std::exchange(group_.assignment_epoch, epoch) != epoch) header_changed_ = true;
}

void GroupDraft::SetTopicsHash(uint64_t hash) {
  exists_ = true;
  if (std::exchange(group_.topics_hash, hash) != hash) header_changed_ = true;
}

template <class FillRecord>
void GroupDraft::Add(FillRecord fill) {
  MetadataRecord record;
  auto* fields = fill(&record);
  fields->set_group_id(group_id_);
  const bool fits = metadata::ApplyToGroup(group_, *fields);
  WEIR_CHECK(fits, "a decision changes what is there");
  record_bytes_ += record.ByteSizeLong() + kRecordOverheadBytes;
  records_.push_back(std::move(record));
}

void GroupDraft::PutMember(const std::string& member_id, const MemberFields& fields,
                           const std::string& replaces) {
  exists_ = true;
  const metadata::GroupMember* known = group_.FindMember(member_id);
  if (known != nullptr && known->instance_id == fields.instance_id &&
      known->session_timeout_ms == fields.session_timeout_ms &&
      known->rebalance_timeout_ms == fields.rebalance_timeout_ms &&
      known->uses_classic_protocol == fields.uses_classic_protocol) {
    return;
  }
  Add([&](MetadataRecord* record) {
    auto* member = record->mutable_group_member();
    member->set_member_id(member_id);
    member->set_instance_id(fields.instance_id);
    member->set_session_timeout_ms(fields.session_timeout_ms);
    member->set_rebalance_timeout_ms(fields.rebalance_timeout_ms);
    member->set_uses_classic_protocol(fields.uses_classic_protocol);
    member->set_replaces_member_id(replaces);
    return member;
  });
}

void GroupDraft::PutSubscription(const std::string& member_id,
                                 metadata::GroupSubscription subscription) {
  const metadata::GroupMember* known = group_.FindMember(member_id);
  WEIR_CHECK(known != nullptr);
  if (known->subscription != nullptr && *known->subscription == subscription) return;
  Add([&](MetadataRecord* record) {
    auto* fields = record->mutable_group_subscription();
    metadata::FillRecord(group_id_, member_id, std::move(subscription), fields);
    return fields;
  });
}

void GroupDraft::PutAssignment(const std::string& member_id, const std::string& assignment) {
  const metadata::GroupMember* known = group_.FindMember(member_id);
  WEIR_CHECK(known != nullptr);
  const std::string_view present =
      known->assignment == nullptr ? std::string_view() : std::string_view(*known->assignment);
  if (present == assignment) return;
  Add([&](MetadataRecord* record) {
    auto* fields = record->mutable_group_assignment();
    fields->set_member_id(member_id);
    fields->set_assignment(assignment);
    return fields;
  });
}

void GroupDraft::PutTarget(const std::string& member_id,
                           const metadata::PartitionsByTopic& target) {
  const metadata::GroupMember* known = group_.FindMember(member_id);
  WEIR_CHECK(known != nullptr);
  if (metadata::Get(known->target) == target) return;
  Add([&](MetadataRecord* record) {
    auto* fields = record->mutable_group_target_assignment();
    fields->set_member_id(member_id);
    metadata::FillPartitions(target, fields->mutable_partitions());
    return fields;
  });
}

void GroupDraft::PutProgress(const std::string& member_id, const MemberProgress& progress) {
  const metadata::GroupMember* known = group_.FindMember(member_id);
  WEIR_CHECK(known != nullptr);
  const MemberProgress before = ProgressOf(*known);
  if (before.member_epoch != progress.member_epoch || before.state != progress.state ||
      before.previous_member_epoch != progress.previous_member_epoch) {
    Add([&](MetadataRecord* record) {
      auto* fields = record->mutable_group_member_epoch();
      fields->set_member_id(member_id);
      fields->set_member_epoch(progress.member_epoch);
      fields->set_previous_member_epoch(progress.previous_member_epoch);
      fields->set_state(static_cast<metadata::v1::ConsumerMemberState>(progress.state));
      return fields;
    });
  }
  if (before.assigned == progress.assigned &&
      before.pending_revocation == progress.pending_revocation) {
    return;
  }
  Add([&](MetadataRecord* record) {
    auto* fields = record->mutable_group_current_assignment();
    fields->set_member_id(member_id);
    metadata::FillPartitions(progress.assigned, fields->mutable_assigned());
    metadata::FillPartitions(progress.pending_revocation, fields->mutable_pending_revocation());
    return fields;
  });
}

void GroupDraft::RemoveMembers(const std::vector<std::string>& member_ids) {
  if (member_ids.empty()) return;
  Add([&](MetadataRecord* record) {
    auto* fields = record->mutable_remove_group_members();
    for (const std::string& id : member_ids) fields->add_member_ids(id);
    return fields;
  });
}

void GroupDraft::Remove() {
  WEIR_CHECK(exists_);
  WEIR_CHECK(group_.members.empty());
  exists_ = false;
  group_ = {};
}

Records GroupDraft::TakeRecords() {
  Records taken;
  taken.reserve(records_.size() + 1);
  if (exists_ && (header_changed_ || !existed_)) {
    MetadataRecord record;
    metadata::FillRecord(group_id_, group_, record.mutable_group());
    taken.push_back(std::move(record));
  }
  // A group that came and went within the draft leaves nothing.
  if (exists_ || existed_) {
    std::move(records_.begin(), records_.end(), std::back_inserter(taken));
  }
  if (existed_ && !exists_) {
    MetadataRecord record;
    record.mutable_remove_group()->set_group_id(group_id_);
    taken.push_back(std::move(record));
  }
  records_.clear();
  record_bytes_ = 0;
  return taken;
}

}  // namespace weir::state
