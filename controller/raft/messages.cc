// Messages: access to their headers, and their printed forms.
#include "controller/raft/messages.h"

#include <type_traits>

namespace weir::raft {
namespace {

std::string Position(Term term, LogIndex index) { return ToString(term) + "/" + ToString(index); }
std::string Verdict(bool granted) { return granted ? "granted" : "refused"; }

std::string Body(const PreVoteRequest& m) {
  return " campaign=" + ToString(m.campaign_term) + " last=" + Position(m.last_term, m.last_index);
}
std::string Body(const PreVoteResponse& m) {
  return " campaign=" + ToString(m.campaign_term) + " " + Verdict(m.granted);
}
std::string Body(const VoteRequest& m) {
  return " last=" + Position(m.last_term, m.last_index) +
         (m.leadership_transfer ? " transfer" : "");
}
std::string Body(const VoteResponse& m) { return " " + Verdict(m.granted); }
std::string Body(const AppendRequest& m) {
  std::string text = " prev=" + Position(m.prev_term, m.prev_index);
  text += " commit=" + ToString(m.commit_index) + " entries=[";
  for (size_t i = 0; i < m.entries.size(); ++i) text += (i ? ", " : "") + ToString(m.entries[i]);
  return text + "]";
}
std::string Body(const AppendResponse& m) {
  if (m.success) return " match=" + ToString(m.index);
  return " refused prev=" + ToString(m.index) + " hint=" + Position(m.hint_term, m.hint_index);
}
std::string Body(const HeartbeatRequest& m) {
  return " commit=" + ToString(m.commit_index) +
         (m.read_sequence ? " read=" + std::to_string(m.read_sequence) : "");
}
std::string Body(const HeartbeatResponse& m) {
  return m.read_sequence ? " read=" + std::to_string(m.read_sequence) : "";
}
std::string Body(const SnapshotRequest& m) {
  return " snapshot=" + ToString(m.meta) + " offset=" + std::to_string(m.offset) +
         " bytes=" + std::to_string(m.data ? m.data->size() : 0) + (m.is_last ? " last" : "");
}
std::string Body(const SnapshotResponse& m) {
  const std::string text = " snapshot=" + Position(m.snapshot_term, m.snapshot_index);
  if (m.installed) return text + " installed";
  return text + " next=" + std::to_string(m.next_offset) + (m.restart ? " restart" : "");
}
std::string Body(const TimeoutNow&) { return ""; }

struct NameOf {
  std::string_view operator()(const PreVoteRequest&) const { return "PreVoteRequest"; }
  std::string_view operator()(const PreVoteResponse&) const { return "PreVoteResponse"; }
  std::string_view operator()(const VoteRequest&) const { return "VoteRequest"; }
  std::string_view operator()(const VoteResponse&) const { return "VoteResponse"; }
  std::string_view operator()(const AppendRequest&) const { return "AppendRequest"; }
  std::string_view operator()(const AppendResponse&) const { return "AppendResponse"; }
  std::string_view operator()(const HeartbeatRequest&) const { return "HeartbeatRequest"; }
  std::string_view operator()(const HeartbeatResponse&) const { return "HeartbeatResponse"; }
  std::string_view operator()(const SnapshotRequest&) const { return "SnapshotRequest"; }
  std::string_view operator()(const SnapshotResponse&) const { return "SnapshotResponse"; }
  std::string_view operator()(const TimeoutNow&) const { return "TimeoutNow"; }
};

}  // namespace

const MessageHeader& HeaderOf(const Message& message) {
  return std::visit([](const auto& m) -> const MessageHeader& { return m.header; }, message);
}

MessageHeader& MutableHeaderOf(Message& message) {
  return std::visit([](auto& m) -> MessageHeader& { return m.header; }, message);
}

std::string_view MessageName(const Message& message) { return std::visit(NameOf{}, message); }

std::string ToString(const Message& message) {
  const MessageHeader& header = HeaderOf(message);
  std::string text = ToString(header.from.id) + "->" + ToString(header.to.id) + " ";
  text += MessageName(message);
  text += " term=" + ToString(header.term);
  return text + std::visit([](const auto& m) { return Body(m); }, message);
}

}  // namespace weir::raft
