#include "controller/quorum/conversions.h"

#include <memory>
#include <string>
#include <utility>

namespace weir::quorum {
namespace {

void Put(const raft::VoterKey& key, raft::v1::VoterKey* out) {
  out->set_controller_id(key.id.value());
  out->set_directory_id(key.directory_id.ToBytes());
}

Result<raft::VoterKey> Get(const raft::v1::VoterKey& key) {
  WEIR_ASSIGN_OR_RETURN(const Uuid directory_id, Uuid::FromBytes(key.directory_id()));
  return raft::VoterKey{NodeId(key.controller_id()), directory_id};
}

void Put(const raft::SnapshotMeta& meta, raft::v1::SnapshotMeta* out) {
  out->set_last_index(meta.last_index.value());
  out->set_last_term(meta.last_term.value());
  *out->mutable_configuration() = ToProto(meta.configuration);
}

Result<raft::SnapshotMeta> Get(const raft::v1::SnapshotMeta& meta) {
  WEIR_ASSIGN_OR_RETURN(raft::Configuration configuration, FromProto(meta.configuration()));
  return raft::SnapshotMeta{LogIndex(meta.last_index()), Term(meta.last_term()),
                            std::move(configuration)};
}

// One overload per message: a new kind breaks the build here.
struct Writer {
  raft::v1::RaftMessage& out;

  void operator()(const raft::PreVoteRequest& m) const {
    auto* to = out.mutable_pre_vote_request();
    to->set_campaign_term(m.campaign_term.value());
    to->set_last_index(m.last_index.value());
    to->set_last_term(m.last_term.value());
  }
  void operator()(const raft::PreVoteResponse& m) const {
    auto* to = out.mutable_pre_vote_response();
    to->set_campaign_term(m.campaign_term.value());
    to->set_granted(m.granted);
  }
  void operator()(const raft::VoteRequest& m) const {
    auto* to = out.mutable_vote_request();
    to->set_last_index(m.last_index.value());
    to->set_last_term(m.last_term.value());
    to->set_leadership_transfer(m.leadership_transfer);
  }
  void operator()(const raft::VoteResponse& m) const {
    out.mutable_vote_response()->set_granted(m.granted);
  }
  void operator()(const raft::AppendRequest& m) const {
    auto* to = out.mutable_append_request();
    to->set_prev_index(m.prev_index.value());
    to->set_prev_term(m.prev_term.value());
    to->set_commit_index(m.commit_index.value());
    for (const raft::Entry& entry : m.entries) {
      auto* e = to->add_entries();
      e->set_term(entry.term.value());
      e->set_index(entry.index.value());
      e->set_type(static_cast<raft::v1::EntryType>(entry.type));
      if (entry.payload != nullptr) e->set_payload(*entry.payload);
    }
  }
  void operator()(const raft::AppendResponse& m) const {
    auto* to = out.mutable_append_response();
    to->set_success(m.success);
    to->set_index(m.index.value());
    to->set_hint_index(m.hint_index.value());
    to->set_hint_term(m.hint_term.value());
  }
  void operator()(const raft::HeartbeatRequest& m) const {
    auto* to = out.mutable_heartbeat_request();
    to->set_commit_index(m.commit_index.value());
    to->set_read_sequence(m.read_sequence);
  }
  void operator()(const raft::HeartbeatResponse& m) const {
    out.mutable_heartbeat_response()->set_read_sequence(m.read_sequence);
  }
  void operator()(const raft::SnapshotRequest& m) const {
    auto* to = out.mutable_snapshot_request();
    Put(m.meta, to->mutable_meta());
    to->set_offset(m.offset);
    if (m.data != nullptr) to->set_data(*m.data);
    to->set_is_last(m.is_last);
  }
  void operator()(const raft::SnapshotResponse& m) const {
    auto* to = out.mutable_snapshot_response();
    to->set_snapshot_index(m.snapshot_index.value());
    to->set_snapshot_term(m.snapshot_term.value());
    to->set_next_offset(m.next_offset);
    to->set_restart(m.restart);
    to->set_installed(m.installed);
  }
  void operator()(const raft::TimeoutNow&) const { out.mutable_timeout_now(); }
};

Result<raft::Message> ReadAppend(const raft::v1::AppendRequest& m,
                                 const raft::MessageHeader& header) {
  raft::AppendRequest out{
      header, LogIndex(m.prev_index()), Term(m.prev_term()), {}, LogIndex(m.commit_index())};
  out.entries.reserve(static_cast<size_t>(m.entries_size()));
  for (const auto& e : m.entries()) {
    if (!raft::v1::EntryType_IsValid(e.type()) || e.type() == raft::v1::ENTRY_UNSPECIFIED) {
      return Fail(ErrorCode::kInvalidRequest, "an entry of an unknown type");
    }
    out.entries.push_back({Term(e.term()), LogIndex(e.index()),
                           static_cast<raft::EntryType>(e.type()),
                           std::make_shared<const std::string>(e.payload())});
  }
  return raft::Message(std::move(out));
}

Result<raft::Message> ReadSnapshot(const raft::v1::SnapshotRequest& m,
                                   const raft::MessageHeader& header) {
  WEIR_ASSIGN_OR_RETURN(raft::SnapshotMeta meta, Get(m.meta()));
  return raft::Message(raft::SnapshotRequest{header, std::move(meta), m.offset(),
                                             std::make_shared<const std::string>(m.data()),
                                             m.is_last()});
}

Result<raft::MessageHeader> ReadHeader(const raft::v1::RaftMessage& message) {
  raft::MessageHeader header;
  WEIR_ASSIGN_OR_RETURN(header.cluster_id, Uuid::FromBytes(message.cluster_id()));
  WEIR_ASSIGN_OR_RETURN(header.from, Get(message.from()));
  WEIR_ASSIGN_OR_RETURN(header.to, Get(message.to()));
  header.term = Term(message.term());
  return header;
}

}  // namespace

raft::v1::RaftMessage ToProto(const raft::Message& message) {
  raft::v1::RaftMessage out;
  const raft::MessageHeader& header = raft::HeaderOf(message);
  out.set_cluster_id(header.cluster_id.ToBytes());
  Put(header.from, out.mutable_from());
  Put(header.to, out.mutable_to());
  out.set_term(header.term.value());
  std::visit(Writer{out}, message);
  return out;
}

Result<raft::Message> FromProto(const raft::v1::RaftMessage& message) {
  using Kind = raft::v1::RaftMessage::KindCase;
  WEIR_ASSIGN_OR_RETURN(const raft::MessageHeader header, ReadHeader(message));
  switch (message.kind_case()) {
    case Kind::kPreVoteRequest: {
      const auto& m = message.pre_vote_request();
      return raft::PreVoteRequest{header, Term(m.campaign_term()), LogIndex(m.last_index()),
                                  Term(m.last_term())};
    }
    case Kind::kPreVoteResponse: {
      const auto& m = message.pre_vote_response();
      return raft::PreVoteResponse{header, Term(m.campaign_term()), m.granted()};
    }
    case Kind::kVoteRequest: {
      const auto& m = message.vote_request();
      return raft::VoteRequest{header, LogIndex(m.last_index()), Term(m.last_term()),
                               m.leadership_transfer()};
    }
    case Kind::kVoteResponse:
      return raft::VoteResponse{header, message.vote_response().granted()};
    case Kind::kAppendRequest:
      return ReadAppend(message.append_request(), header);
    case Kind::kAppendResponse: {
      const auto& m = message.append_response();
      return raft::AppendResponse{header, m.success(), LogIndex(m.index()),
                                  LogIndex(m.hint_index()), Term(m.hint_term())};
    }
    case Kind::kHeartbeatRequest: {
      const auto& m = message.heartbeat_request();
      return raft::HeartbeatRequest{header, LogIndex(m.commit_index()), m.read_sequence()};
    }
    case Kind::kHeartbeatResponse:
      return raft::HeartbeatResponse{header, message.heartbeat_response().read_sequence()};
    case Kind::kSnapshotRequest:
      return ReadSnapshot(message.snapshot_request(), header);
    case Kind::kSnapshotResponse: {
      const auto& m = message.snapshot_response();
      return raft::SnapshotResponse{header,
                                    LogIndex(m.snapshot_index()),
                                    Term(m.snapshot_term()),
                                    m.next_offset(),
                                    m.restart(),
                                    m.installed()};
    }
    case Kind::kTimeoutNow:
      return raft::TimeoutNow{header};
    case Kind::KIND_NOT_SET:
      break;
  }
  return Fail(ErrorCode::kInvalidRequest, "a Raft message of an unknown kind");
}

raft::v1::Configuration ToProto(const raft::Configuration& configuration) {
  raft::v1::Configuration out;
  for (const raft::Member& member : configuration.members) {
    auto* to = out.add_members();
    Put(member.key(), to->mutable_key());
    to->set_address(member.address);
    to->set_voter(member.is_voter);
  }
  return out;
}

Result<raft::Configuration> FromProto(const raft::v1::Configuration& configuration) {
  raft::Configuration out;
  for (const auto& member : configuration.members()) {
    WEIR_ASSIGN_OR_RETURN(const raft::VoterKey key, Get(member.key()));
    out.members.push_back({key.id, key.directory_id, member.address(), member.voter()});
  }
  return out;
}

}  // namespace weir::quorum
