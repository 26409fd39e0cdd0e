// weir broker drain|can-stop.
#include <algorithm>
#include <cstdio>
#include <set>

#include "controller/ctl/commands.h"
#include "controller/ctl/replica_sizes.h"

namespace weir::ctl {
namespace {

using admin::v1::AlterPartitionReassignmentsReply;
using admin::v1::AlterPartitionReassignmentsRequest;
using admin::v1::CanStopBrokerReply;
using admin::v1::CanStopBrokerRequest;
using admin::v1::DescribeBrokersReply;
using admin::v1::DescribeBrokersRequest;
using admin::v1::PlanBrokerDrainReply;
using admin::v1::PlanBrokerDrainRequest;
using admin::v1::PlannedMove;

// One call changes so many partitions: a batch of the metadata log holds them easily.
constexpr int kMovesPerCall = 1000;
constexpr Duration kSizeTimeout = std::chrono::seconds(2);

std::string NameOf(const std::string& topic, int32_t partition) {
  return topic + "-" + std::to_string(partition);
}

std::string SizeText(int64_t bytes) {
  if (bytes < 0) return "unknown";
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double size = static_cast<double>(bytes);
  size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", size, kUnits[unit]);
  return text;
}

// The largest copy of each partition, of the brokers that answer.
ReplicaSizes LargestCopies(const DescribeBrokersReply& brokers) {
  ReplicaSizes largest;
  for (const auto& broker : brokers.brokers()) {
    if (broker.fenced()) continue;
    for (const auto& endpoint : broker.endpoints()) {
      if (endpoint.security_protocol() != "PLAINTEXT") continue;
      const auto sizes =
          AskReplicaSizes(endpoint.host() + ":" + std::to_string(endpoint.port()), kSizeTimeout);
      if (!sizes) continue;
      for (const auto& [partition, bytes] : *sizes) {
        int64_t& most = largest[partition];
        most = std::max(most, bytes);
      }
      break;
    }
  }
  return largest;
}

struct Totals {
  int64_t bytes = 0;
  // What the busiest receiver takes.
  int64_t bytes_of_one_max = 0;
  int unknown = 0;
  int without_source = 0;
  int at_min_isr = 0;
};

Totals TotalsOf(const PlanBrokerDrainReply& plan) {
  Totals totals;
  std::map<int32_t, int64_t> by_receiver;
  for (const PlannedMove& move : plan.moves()) {
    totals.without_source += move.source_id() < 0 ? 1 : 0;
    totals.at_min_isr += move.at_min_isr() ? 1 : 0;
    if (move.bytes() < 0) {
      ++totals.unknown;
      continue;
    }
    const std::set<int32_t> before(move.original_ids().begin(), move.original_ids().end());
    for (const int32_t id : move.target_ids()) {
      if (before.contains(id)) continue;
      totals.bytes += move.bytes();
      int64_t& received = by_receiver[id];
      received += move.bytes();
      totals.bytes_of_one_max = std::max(totals.bytes_of_one_max, received);
    }
  }
  return totals;
}

class BrokerDrain final : public Command {
 public:
  explicit BrokerDrain(CLI::App& app) {
    app.add_option("BROKER", broker_id_, "Broker to empty; it need not be running")->required();
    app.add_flag("--plan", plan_only_, "Show what would move, how long it takes and what it risks");
    app.add_option("--rate", rate_mb_, "MB/s that one broker is reckoned to receive (50)")
        ->check(CLI::Range(int64_t{1}, int64_t{100'000}));
    AddThrottle(app, throttled_rate_);
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    PlanBrokerDrainRequest request;
    request.set_broker_id(broker_id_);
    WEIR_CTL_ASSIGN_OR_RETURN(PlanBrokerDrainReply plan,
                              session.Call(rpc::kPlanBrokerDrain, request));
    if (!plan_only_ && !dry_run_) return Execute(session, plan);
    WEIR_CTL_ASSIGN_OR_RETURN(const DescribeBrokersReply brokers,
                              session.Call(rpc::kDescribeBrokers, DescribeBrokersRequest()));
    const ReplicaSizes sizes = LargestCopies(brokers);
    for (PlannedMove& move : *plan.mutable_moves()) {
      const auto found = sizes.find({move.topic(), move.partition()});
      move.set_bytes(found == sizes.end() ? -1 : found->second);
    }
    session.PrintReply(plan, [&] { return PlanText(plan); });
    return plan.stuck().empty() ? ExitCode::kOk : ExitCode::kRefused;
  }

 private:
  std::string PlanText(const PlanBrokerDrainReply& plan) const {
    Table table({"PARTITION", "SIZE", "FROM", "TO", "COPIED FROM", "RISK"});
    for (const PlannedMove& move : plan.moves())
      table.AddRow({NameOf(move.topic(), move.partition()), SizeText(move.bytes()),
                    JoinIds(move.original_ids()), JoinIds(move.target_ids()),
                    move.source_id() < 0 ? "-" : std::to_string(move.source_id()), RiskOf(move)});
    return (table.empty() ? "" : table.ToText()) + Summary(plan) + StuckText(plan);
  }

  static std::string RiskOf(const PlannedMove& move) {
    if (move.source_id() < 0) return "waits: nobody with its records is running";
    return move.at_min_isr() ? "at min.insync.replicas" : "-";
  }

  std::string Summary(const PlanBrokerDrainReply& plan) const {
    const Totals totals = TotalsOf(plan);
    const int64_t seconds = totals.bytes_of_one_max / BytesPerSecond() + 1;
    std::string text = std::to_string(plan.moves_size()) + " replicas leave broker " +
                       std::to_string(broker_id_) + ": " + SizeText(totals.bytes) +
                       " to copy, about " + std::to_string(seconds) + " s at " +
                       SizeText(BytesPerSecond()) + "/s\n";
    if (totals.unknown > 0)
      text += std::to_string(totals.unknown) + " of unknown size are not counted\n";
    if (totals.without_source > 0)
      text += std::to_string(totals.without_source) +
              " have no running leader: their moves wait until one is back\n";
    text += totals.at_min_isr == 0
                ? "risk: no partition goes below min.insync.replicas if one more broker stops\n"
                : "risk: " + std::to_string(totals.at_min_isr) +
                      " partitions refuse acks=all writes if one more of their replicas stops\n";
    return text;
  }

  // What one broker receives: as reckoned, or as throttled if that is less.
  int64_t BytesPerSecond() const {
    const int64_t reckoned = rate_mb_ * 1'000'000;
    return throttled_rate_ == 0 ? reckoned : std::min(reckoned, throttled_rate_);
  }

  static std::string StuckText(const PlanBrokerDrainReply& plan) {
    std::string text;
    for (const auto& stuck : plan.stuck())
      text +=
          "cannot move " + NameOf(stuck.topic(), stuck.partition()) + ": " + stuck.reason() + "\n";
    return text;
  }

  Outcome Execute(Session& session, const PlanBrokerDrainReply& plan) const {
    PartErrors errors(session);
    AlterPartitionReassignmentsReply all;
    for (int first = 0; first < plan.moves_size(); first += kMovesPerCall) {
      AlterPartitionReassignmentsRequest request;
      request.set_throttled_rate(throttled_rate_);
      for (int i = first; i < std::min(first + kMovesPerCall, plan.moves_size()); ++i) {
        auto* wanted = request.add_partitions();
        wanted->set_topic(plan.moves(i).topic());
        wanted->set_partition(plan.moves(i).partition());
        *wanted->mutable_target_ids() = plan.moves(i).target_ids();
      }
      WEIR_CTL_ASSIGN_OR_RETURN(const AlterPartitionReassignmentsReply reply,
                                session.Call(rpc::kAlterPartitionReassignments, request));
      all.MergeFrom(reply);
    }
    int moving = 0;
    for (const auto& altered : all.partitions())
      moving += errors.Add(NameOf(altered.topic(), altered.partition()), altered.error()) ? 1 : 0;
    session.PrintReply(all, [&] {
      return std::to_string(moving) + " replicas are leaving broker " + std::to_string(broker_id_) +
             "\n" + StuckText(plan) + "next:  weir partition list\n";
    });
    const ExitCode code = errors.Finish();
    return plan.stuck().empty() ? code : ExitCode::kRefused;
  }

  int32_t broker_id_ = -1;
  bool plan_only_ = false;
  int64_t rate_mb_ = 50;
  int64_t throttled_rate_ = 0;
  bool dry_run_ = false;
};

class BrokerCanStop final : public Command {
 public:
  explicit BrokerCanStop(CLI::App& app) {
    app.add_option("BROKER", broker_id_, "Broker")->required();
  }

  Outcome Run(Session& session) override {
    CanStopBrokerRequest request;
    request.set_broker_id(broker_id_);
    WEIR_CTL_ASSIGN_OR_RETURN(const CanStopBrokerReply reply,
                              session.Call(rpc::kCanStopBroker, request));
    session.PrintReply(reply, [&] {
      std::string text =
          std::string(reply.can_stop() ? "yes" : "no") + ": " + reply.reason() + "\n";
      for (const auto& example : reply.examples())
        text += NameOf(example.topic(), example.partition()) + " " + example.problem() + "\n";
      return text;
    });
    return reply.can_stop() ? ExitCode::kOk : ExitCode::kRefused;
  }

 private:
  int32_t broker_id_ = -1;
};

}  // namespace

void AddDrainCommands(Commands& commands, CLI::App& broker) {
  commands.Add<BrokerDrain>(broker, "drain", "Move every replica off a broker");
  commands.Add<BrokerCanStop>(broker, "can-stop", "Whether a broker can stop without harm");
}

}  // namespace weir::ctl
