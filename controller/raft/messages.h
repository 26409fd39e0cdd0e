// The messages between the servers of one cluster, as plain values; the transport translates them
// to and from proto/raft.proto.
//
// Laws:
//  1. Every message has a header; `term` is the sender's current term at the time of sending.
//  2. Delivery is unreliable on purpose: any message may be lost, repeated, delayed or reordered
//     . Nothing is owed a reply.
//  3. A request names the server it is for by VoterKey; a server drops what is for another cluster
//     or another directory id.
// Thread rule: plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "controller/raft/types.h"

namespace weir::raft {

struct MessageHeader {
  Uuid cluster_id;
  VoterKey from;
  VoterKey to;
  Term term;
};

// Thesis section 9.6: would you vote for me in `campaign_term`? Changes nothing at the receiver.
struct PreVoteRequest {
  MessageHeader header;
  Term campaign_term;  // header.term + 1
  LogIndex last_index;
  Term last_term;
};

struct PreVoteResponse {
  MessageHeader header;
  Term campaign_term;  // of the request
  bool granted = false;
};

// Thesis section 3.4. Asks for the receiver's vote in header.term.
struct VoteRequest {
  MessageHeader header;
  LogIndex last_index;
  Term last_term;
  // The leader asked for this election (thesis section 3.10): leader stickiness does not apply.
  bool leadership_transfer = false;
};

struct VoteResponse {
  MessageHeader header;
  bool granted = false;
};

// Thesis section 3.5. Entries that follow (prev_term, prev_index); may be empty.
struct AppendRequest {
  MessageHeader header;
  LogIndex prev_index;
  Term prev_term;
  std::vector<Entry> entries;
  LogIndex commit_index;
};

struct AppendResponse {
  MessageHeader header;
  bool success = false;
  // success: everything up to here equals the leader's log and is on the follower's disk.
  // otherwise: the request's prev_index.
  LogIndex index;
  // Only when not successful: the last place at which the follower's log may agree with the
  // leader's.
  LogIndex hint_index;
  Term hint_term;
};

// Keeps leadership and confirms reads; never carries entries, so that it stays small and fast.
struct HeartbeatRequest {
  MessageHeader header;
  LogIndex commit_index;  // no higher than what this follower is known to have
  uint64_t read_sequence = 0;
};

struct HeartbeatResponse {
  MessageHeader header;
  uint64_t read_sequence = 0;  // of the request
};

// A piece of a snapshot (thesis section 5.3). The core makes it without bytes; the leader's node
// fills `data` and `is_last` from its snapshot file.
struct SnapshotRequest {
  MessageHeader header;
  SnapshotMeta meta;
  uint64_t offset = 0;  // of data in the snapshot, in bytes
  std::shared_ptr<const std::string> data;
  bool is_last = false;
};

struct SnapshotResponse {
  MessageHeader header;
  LogIndex snapshot_index;  // meta.last_index of the snapshot in question
  Term snapshot_term;
  uint64_t next_offset = 0;  // everything before it is stored
  bool restart = false;      // begin again at next_offset: the pieces did not fit together
  bool installed = false;    // the whole snapshot is in effect and on disk
};

// Thesis section 3.10: start an election now.
struct TimeoutNow {
  MessageHeader header;
};

using Message = std::variant<PreVoteRequest, PreVoteResponse, VoteRequest, VoteResponse,
                             AppendRequest, AppendResponse, HeartbeatRequest, HeartbeatResponse,
                             SnapshotRequest, SnapshotResponse, TimeoutNow>;

const MessageHeader& HeaderOf(const Message& message);
MessageHeader& MutableHeaderOf(Message& message);
// "AppendRequest"
std::string_view MessageName(const Message& message);
// "1->2 AppendRequest term=3 prev=2/13 entries=[3/14 normal 'a'] commit=13"
std::string ToString(const Message& message);

}  // namespace weir::raft
