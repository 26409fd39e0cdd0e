// weir partition elect: preferred and unclean leader elections.
#include <charconv>

#include "controller/ctl/commands.h"

namespace weir::ctl {
namespace {

using admin::v1::ElectLeadersReply;
using admin::v1::ElectLeadersRequest;
using admin::v1::PartitionElection;

class PartitionElect final : public Command {
 public:
  explicit PartitionElect(CLI::App& app) {
    app.add_option("WHICH", names_, "TOPIC or TOPIC:PARTITION,...; none: all partitions");
    app.add_flag("--unclean", unclean_,
                 "Give partitions without a leader any replica that is up; what it lacks is lost");
    app.add_flag("-y,--yes", yes_, "Do not ask before an unclean election");
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    ElectLeadersRequest request;
    request.set_kind(unclean_ ? admin::v1::ELECTION_KIND_UNCLEAN
                              : admin::v1::ELECTION_KIND_PREFERRED);
    request.set_validate_only(dry_run_);
    for (const std::string& name : names_)
      if (!AddNamed(name, *request.add_topics()))
        return UsageError("\"" + name + "\" is not TOPIC or TOPIC:PARTITION,...",
                          "weir partition elect orders:0,1");
    if (unclean_ && !yes_ && !dry_run_ && !Confirm(session))
      return UsageError("the unclean election was not confirmed; nothing was changed",
                        "weir partition elect --unclean --dry-run");
    WEIR_CTL_ASSIGN_OR_RETURN(const ElectLeadersReply reply,
                              session.Call(rpc::kElectLeaders, request));
    return Show(session, reply);
  }

 private:
  static bool AddNamed(const std::string& text, admin::v1::TopicPartitions& named) {
    const size_t colon = text.find(':');
    named.set_topic(text.substr(0, colon));
    if (named.topic().empty()) return false;
    if (colon == std::string::npos) return true;
    const char* at = text.data() + colon + 1;
    const char* const end = text.data() + text.size();
    while (true) {
      int32_t partition = -1;
      const auto [next, error] = std::from_chars(at, end, partition);
      if (error != std::errc() || partition < 0) return false;
      named.add_partitions(partition);
      if (next == end) return true;
      if (*next != ',') return false;
      at = next + 1;
    }
  }

  // The question goes to stderr: stdout is for the answer.
  static bool Confirm(Session& session) {
    session.streams().err << "Records that were acknowledged may be lost. Type \"lose\" to go on: "
                          << std::flush;
    std::string typed;
    return std::getline(session.streams().in, typed) && typed == "lose";
  }

  Outcome Show(Session& session, const ElectLeadersReply& reply) const {
    PartErrors errors(session);
    std::string text;
    for (const PartitionElection& election : reply.partitions()) {
      const std::string subject =
          election.topic() +
          (election.partition() < 0 ? "" : "-" + std::to_string(election.partition()));
      const bool needless =
          election.error().code() == static_cast<int>(ErrorCode::kElectionNotNeeded);
      if (needless) {
        text += subject + "  " + election.error().message() + "\n";
      } else if (errors.Add(subject, election.error())) {
        text += subject + (dry_run_ ? "  would be led by " : "  is led by ") +
                std::to_string(election.leader_id()) +
                (election.unclean() ? "  acknowledged records may be lost" : "") + "\n";
      }
    }
    if (reply.partitions().empty()) text = "no partition needs an election\n";
    if (reply.remaining() > 0)
      text += std::to_string(reply.remaining()) + " more partitions: repeat the command\n";
    session.PrintReply(reply, [&text] { return text; });
    return errors.Finish();
  }

  std::vector<std::string> names_;
  bool unclean_ = false;
  bool yes_ = false;
  bool dry_run_ = false;
};

}  // namespace

void AddPartitionElectCommand(Commands& commands) {
  CLI::App& partition = commands.Noun("partition", "Leaders and replicas of partitions");
  commands.Add<PartitionElect>(partition, "elect", "Elect preferred, or any, leaders");
}

}  // namespace weir::ctl
