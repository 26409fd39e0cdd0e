// Founding: how a cluster begins, and how a blank controller learns which one it belongs to.
//
// With `bootstrap` every initial voter makes its own directory id and asks the others for theirs
// (Identify). Whoever has heard all of them, all blank or founders of the very same configuration,
// writes that configuration down. It depends on nothing but their answers, so all write the same
// one. A majority of blank disks therefore never elects anybody by itself, and a wiped voter comes
// back as a stranger.
//
//   blank, bootstrap --all initial voters blank--> founded
//   blank, bootstrap --a founder names this directory--> founded (the same configuration)
//   blank, bootstrap --a member of a formed cluster does not--> observer of that cluster
//   blank, join      --any member answers--> observer
//
// Laws:
//  1. The founding configuration is written once, before any vote or entry.
//  2. An observer has no configuration and never votes until the log makes it a voter.
// Thread rule: pure functions and start-up file access.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/quorum/disk.h"
#include "controller/raft/types.h"
#include "proto/raft.pb.h"

namespace weir::quorum {

struct InitialVoter {
  NodeId id;
  std::string address;

  friend bool operator==(const InitialVoter&, const InitialVoter&) = default;
};

// "1@host:port" each, ordered by id afterwards. Errors: kInvalidConfig.
Result<std::vector<InitialVoter>> ParseInitialVoters(const std::vector<std::string>& texts);
std::string ToString(const std::vector<InitialVoter>& voters);

struct Founding {
  Uuid cluster_id;
  raft::Configuration configuration;

  friend bool operator==(const Founding&, const Founding&) = default;
};

// None when this directory was never a founder's. Errors: kCorruptMessage, kKafkaStorageError.
Result<std::optional<Founding>> LoadFounding(const Disk& disk);
Status SaveFounding(Disk& disk, const Founding& founding);

// What a blank bootstrapping controller knows.
struct FoundingView {
  raft::VoterKey self;
  std::vector<InitialVoter> voters;
  // Zero: made from the directory ids of all.
  Uuid cluster_id;
  // By controller id: the last answers of the other initial voters.
  std::map<NodeId, raft::v1::IdentifyReply> answers;
};

struct FoundingDecision {
  // At most one is set. None: wait, for this reason.
  std::optional<Founding> found;
  std::optional<Uuid> observe;
  std::string waiting_for;
};

FoundingDecision DecideFounding(const FoundingView& view);

}  // namespace weir::quorum
