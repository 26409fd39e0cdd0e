// weir quorum describe|add|remove|replace|transfer: the controllers' Raft quorum.
#include <optional>

#include "controller/ctl/commands.h"

namespace weir::ctl {
namespace {

using admin::v1::AddVoterReply;
using admin::v1::AddVoterRequest;
using admin::v1::DescribeQuorumReply;
using admin::v1::DescribeQuorumRequest;
using admin::v1::QuorumMember;
using admin::v1::RemoveVoterReply;
using admin::v1::RemoveVoterRequest;
using admin::v1::TransferLeadershipReply;
using admin::v1::TransferLeadershipRequest;

// -1 is the API's "unknown".
std::string Known(int64_t value) { return value < 0 ? "-" : std::to_string(value); }

std::string MemberTable(const google::protobuf::RepeatedPtrField<QuorumMember>& members) {
  Table table({"CONTROLLER", "ROLE", "MATCH INDEX", "LAST CONTACT MS", "ADDRESS", "DIRECTORY ID"});
  for (const QuorumMember& member : members)
    table.AddRow({std::to_string(member.controller_id()),
                  member.leader() ? "leader" : (member.voter() ? "voter" : "learner"),
                  Known(member.match_index()), Known(member.last_contact_ms()),
                  OrDash(member.address()), OrDash(member.directory_id())});
  return table.ToText();
}

// After a change, or after a check that it would be taken.
std::string MemberText(const google::protobuf::RepeatedPtrField<QuorumMember>& members,
                       bool dry_run) {
  return (dry_run ? "the quorum would take this change; it is now\n" : "") + MemberTable(members);
}

class QuorumDescribe final : public Command {
 public:
  explicit QuorumDescribe(CLI::App&) {}

  Outcome Run(Session& session) override {
    WEIR_CTL_ASSIGN_OR_RETURN(const DescribeQuorumReply reply,
                              session.Call(rpc::kDescribeQuorum, DescribeQuorumRequest()));
    session.PrintReply(reply, [&reply] {
      return "Leader          " + Known(reply.leader_id()) + "\nTerm            " +
             std::to_string(reply.term()) + "\nCommit index    " +
             std::to_string(reply.commit_index()) + "\nSnapshot index  " +
             std::to_string(reply.snapshot_index()) + "\n\n" + MemberTable(reply.members());
    });
    return ExitCode::kOk;
  }
};

// Adds a voter, or replaces one by it.
class QuorumAdd : public Command {
 public:
  explicit QuorumAdd(CLI::App& app) {
    app.add_option("CONTROLLER", controller_id_, "Node id of the new controller")->required();
    app.add_option("--directory-id", directory_id_,
                   "Identity of its data directory: `weir quorum describe --admin ADDRESS`")
        ->required();
    app.add_option("--address", address_, "Its gRPC address, HOST:PORT")->required();
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    AddVoterRequest request;
    request.set_controller_id(controller_id_);
    request.set_directory_id(directory_id_);
    request.set_address(address_);
    request.set_validate_only(dry_run_);
    if (replaces_) request.set_replaces_controller_id(*replaces_);
    WEIR_CTL_ASSIGN_OR_RETURN(const AddVoterReply reply, session.Call(rpc::kAddVoter, request));
    session.PrintReply(reply, [&] { return MemberText(reply.members(), dry_run_); });
    return ExitCode::kOk;
  }

 protected:
  std::optional<int32_t> replaces_;

 private:
  int32_t controller_id_ = 0;
  std::string directory_id_;
  std::string address_;
  bool dry_run_ = false;
};

class QuorumReplace final : public QuorumAdd {
 public:
  explicit QuorumReplace(CLI::App& app) : QuorumAdd(app) {
    app.add_option("--replaces", replaces_,
                   "Node id of the voter that leaves (the same one when its disk was lost)")
        ->required();
  }
};

class QuorumRemove final : public Command {
 public:
  explicit QuorumRemove(CLI::App& app) {
    app.add_option("CONTROLLER", controller_id_, "Node id of the voter that leaves")->required();
    app.add_option("--directory-id", directory_id_, "Only if it has this directory");
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    RemoveVoterRequest request;
    request.set_controller_id(controller_id_);
    request.set_directory_id(directory_id_);
    request.set_validate_only(dry_run_);
    WEIR_CTL_ASSIGN_OR_RETURN(const RemoveVoterReply reply,
                              session.Call(rpc::kRemoveVoter, request));
    session.PrintReply(reply, [&] { return MemberText(reply.members(), dry_run_); });
    return ExitCode::kOk;
  }

 private:
  int32_t controller_id_ = 0;
  std::string directory_id_;
  bool dry_run_ = false;
};

class QuorumTransfer final : public Command {
 public:
  explicit QuorumTransfer(CLI::App& app) {
    app.add_option("CONTROLLER", controller_id_,
                   "Node id of the voter to lead; none: the one furthest ahead");
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    TransferLeadershipRequest request;
    request.set_controller_id(controller_id_);
    request.set_validate_only(dry_run_);
    WEIR_CTL_ASSIGN_OR_RETURN(const TransferLeadershipReply reply,
                              session.Call(rpc::kTransferLeadership, request));
    session.PrintReply(reply, [&] {
      const std::string who = "controller " + std::to_string(reply.leader_id());
      if (dry_run_) return who + " would lead\n";
      return who + " leads term " + std::to_string(reply.term()) + "\n";
    });
    return ExitCode::kOk;
  }

 private:
  int32_t controller_id_ = -1;
  bool dry_run_ = false;
};

}  // namespace

void AddQuorumCommands(Commands& commands) {
  CLI::App& quorum = commands.Noun("quorum", "The controllers' Raft quorum");
  commands.Add<QuorumDescribe>(quorum, "describe", "Leader, term, voters, learners");
  commands.Add<QuorumAdd>(quorum, "add", "Make a running controller a voter");
  commands.Add<QuorumRemove>(quorum, "remove", "Take a voter out of the quorum");
  commands.Add<QuorumReplace>(quorum, "replace", "Put a controller in another's place");
  commands.Add<QuorumTransfer>(quorum, "transfer", "Hand the leadership to another voter");
}

}  // namespace weir::ctl
