// GroupEvent: one event of the group coordinator while it is handled (group_coordinator.h), and
// what comes out of it.
//
// Laws:
//  1. Whatever part of the coordinator works on a group within an event works on the same draft:
//     the records of the event are one batch.
// Thread rule: plain values; lives for one event.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/prng.h"
#include "common/base/time.h"
#include "controller/state/decision.h"
#include "controller/state/groups/group_draft.h"
#include "controller/state/groups/group_soft_state.h"
#include "proto/group.pb.h"

namespace weir::state {

struct GroupContext {
  // The working image.
  const MetadataImage& image;
  MonoTime now;
  // Never null. For member ids.
  Prng* prng;
};

using GroupReply =
    std::variant<group::v1::JoinGroupReply, group::v1::SyncGroupReply, group::v1::LeaveGroupReply,
                 group::v1::DeleteGroupsReply, group::v1::ConsumerGroupHeartbeatReply>;

struct GroupAnswer {
  GroupCallId call = 0;
  GroupReply reply;
};

struct GroupOutcome {
  // At most limits::kMetadataBatchBytesMax bytes; often none.
  Records records;
  // By call; also of calls that came earlier and waited.
  std::vector<GroupAnswer> answers;
  // The groups that it is about.
  std::vector<std::string> group_ids;
  // What happened and why, a line each, for the log.
  std::vector<std::string> notes;
};

struct GroupEvent {
  const GroupContext& context;
  // The groups it touches.
  std::map<std::string, GroupDraft, std::less<>> drafts;
  GroupOutcome outcome;

  GroupDraft& DraftOf(const std::string& group_id) {
    const auto found = drafts.find(group_id);
    if (found != drafts.end()) return found->second;
    return drafts.try_emplace(group_id, context.image, group_id).first->second;
  }
  void Note(std::string_view group_id, const std::string& text) {
    outcome.notes.push_back("group " + std::string(group_id) + ": " + text);
  }
};

// What a JoinGroup makes of the member, which is `known` if it was one before; null: it was none.
GroupDraft::MemberFields FieldsOf(const group::v1::JoinGroupRequest& request,
                                  const metadata::GroupMember* known);

// "client-1b4e28ba-2fa1-41d2-883f-0016d3cca427", as Kafka's look.
std::string NewMemberId(const std::string& prefix, Prng& prng);

}  // namespace weir::state
