// weir partition list|move|cancel.
#include <charconv>

#include "controller/ctl/commands.h"

namespace weir::ctl {
namespace {

using admin::v1::AlterPartitionReassignmentsReply;
using admin::v1::AlterPartitionReassignmentsRequest;
using admin::v1::ListPartitionReassignmentsReply;
using admin::v1::ListPartitionReassignmentsRequest;
using admin::v1::OngoingReassignment;

std::string NameOf(const std::string& topic, int32_t partition) {
  return topic + "-" + std::to_string(partition);
}

bool ParseNumber(std::string_view text, int32_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && *number >= 0;
}

Outcome ShowAltered(Session& session, const AlterPartitionReassignmentsReply& reply,
                    const std::string& what) {
  PartErrors errors(session);
  std::string text;
  for (const auto& altered : reply.partitions()) {
    const std::string name = NameOf(altered.topic(), altered.partition());
    if (errors.Add(name, altered.error())) text += what + " " + name + "\n";
  }
  session.PrintReply(reply, [&text] { return text; });
  return errors.Finish();
}

class PartitionList final : public Command {
 public:
  explicit PartitionList(CLI::App& app) {
    app.add_option("TOPIC", topics_, "Only moves of these topics");
  }

  Outcome Run(Session& session) override {
    ListPartitionReassignmentsRequest request;
    for (const std::string& topic : topics_) request.add_topics(topic);
    WEIR_CTL_ASSIGN_OR_RETURN(const ListPartitionReassignmentsReply reply,
                              session.Call(rpc::kListPartitionReassignments, request));
    session.PrintReply(reply, [&reply] {
      Table table({"PARTITION", "LEADER", "FROM", "TO", "ISR", "THROTTLE"});
      for (const OngoingReassignment& move : reply.partitions())
        table.AddRow({NameOf(move.topic(), move.partition()), std::to_string(move.leader_id()),
                      JoinIds(move.original_ids()), JoinIds(move.target_ids()),
                      JoinIds(move.isr_ids()),
                      move.throttled_rate() == 0 ? "-" : std::to_string(move.throttled_rate())});
      return table.empty() ? std::string("no partition is being moved\n") : table.ToText();
    });
    return ExitCode::kOk;
  }

 private:
  std::vector<std::string> topics_;
};

class PartitionMove final : public Command {
 public:
  explicit PartitionMove(CLI::App& app) {
    app.add_option("TOPIC", topic_, "Topic")->required();
    app.add_option("-p,--partition", targets_,
                   "PARTITION:BROKER[,BROKER...], the preferred leader first; may be repeated")
        ->required()
        ->expected(1)
        ->take_all();
    AddThrottle(app, throttled_rate_);
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    AlterPartitionReassignmentsRequest request;
    request.set_validate_only(dry_run_);
    request.set_throttled_rate(throttled_rate_);
    for (const std::string& target : targets_) {
      auto* wanted = request.add_partitions();
      wanted->set_topic(topic_);
      if (!Parse(target, wanted))
        return UsageError("'" + target + "' is not PARTITION:BROKER[,BROKER...]",
                          "weir partition move " + topic_ + " -p 0:1,2,3");
    }
    WEIR_CTL_ASSIGN_OR_RETURN(const AlterPartitionReassignmentsReply reply,
                              session.Call(rpc::kAlterPartitionReassignments, request));
    return ShowAltered(session, reply, dry_run_ ? "would move" : "moving");
  }

 private:
  static bool Parse(std::string_view text, admin::v1::PartitionReassignment* wanted) {
    const size_t colon = text.find(':');
    int32_t number = 0;
    if (colon == std::string_view::npos || !ParseNumber(text.substr(0, colon), &number))
      return false;
    wanted->set_partition(number);
    std::string_view rest = text.substr(colon + 1);
    while (true) {
      const size_t comma = rest.find(',');
      if (!ParseNumber(rest.substr(0, comma), &number)) return false;
      wanted->add_target_ids(number);
      if (comma == std::string_view::npos) return true;
      rest.remove_prefix(comma + 1);
    }
  }

  std::string topic_;
  std::vector<std::string> targets_;
  int64_t throttled_rate_ = 0;
  bool dry_run_ = false;
};

class PartitionCancel final : public Command {
 public:
  explicit PartitionCancel(CLI::App& app) {
    app.add_option("TOPIC", topic_, "Topic")->required();
    app.add_option("-p,--partition", partitions_, "Only this partition; may be repeated")
        ->expected(1)
        ->take_all();
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    std::vector<int32_t> partitions = partitions_;
    if (partitions.empty()) {
      ListPartitionReassignmentsRequest moves;
      moves.add_topics(topic_);
      WEIR_CTL_ASSIGN_OR_RETURN(const ListPartitionReassignmentsReply found,
                                session.Call(rpc::kListPartitionReassignments, moves));
      for (const auto& move : found.partitions()) partitions.push_back(move.partition());
    }
    if (partitions.empty())
      return FailWith(ExitCode::kRefused, {ErrorCode::kNoReassignmentInProgress,
                                           "no partition of " + topic_ + " is being moved"});
    AlterPartitionReassignmentsRequest request;
    request.set_validate_only(dry_run_);
    for (const int32_t partition : partitions) {
      auto* wanted = request.add_partitions();
      wanted->set_topic(topic_);
      wanted->set_partition(partition);
      wanted->set_cancel(true);
    }
    WEIR_CTL_ASSIGN_OR_RETURN(const AlterPartitionReassignmentsReply reply,
                              session.Call(rpc::kAlterPartitionReassignments, request));
    return ShowAltered(session, reply, dry_run_ ? "would take back" : "took back");
  }

 private:
  std::string topic_;
  std::vector<int32_t> partitions_;
  bool dry_run_ = false;
};

}  // namespace

void AddPartitionCommands(Commands& commands) {
  CLI::App& partition = commands.Noun("partition", "Where the replicas of partitions are");
  commands.Add<PartitionList>(partition, "list", "The moves that are under way");
  commands.Add<PartitionMove>(partition, "move", "Move replicas to other brokers");
  commands.Add<PartitionCancel>(partition, "cancel", "Take moves back");
}

}  // namespace weir::ctl
