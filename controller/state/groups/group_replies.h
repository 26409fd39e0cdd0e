// Replies that carry an error, of every kind of group call. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.h"
#include "controller/state/groups/group_event.h"

namespace weir::state {

inline group::v1::JoinGroupReply JoinFailure(ErrorCode error, std::string_view member_id) {
  group::v1::JoinGroupReply reply;
  reply.set_error_code(static_cast<int32_t>(error));
  reply.set_generation_id(-1);
  reply.set_member_id(std::string(member_id));
  return reply;
}

inline group::v1::SyncGroupReply SyncFailure(ErrorCode error) {
  group::v1::SyncGroupReply reply;
  reply.set_error_code(static_cast<int32_t>(error));
  return reply;
}

inline group::v1::ConsumerGroupHeartbeatReply ConsumerHeartbeatFailure(const Error& error) {
  group::v1::ConsumerGroupHeartbeatReply reply;
  reply.set_error_code(static_cast<int32_t>(error.code));
  reply.set_error_message(error.message);
  return reply;
}

// What a call of that kind hears when its change was not appended: send it again.
GroupReply NotAvailable(const GroupReply& reply);

}  // namespace weir::state
