// weir group list|describe: what consumer groups there are, who is in them and how far they are.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "common/base/utf8.h"
#include "common/rpc/status.h"
#include "controller/ctl/commands.h"
#include "controller/ctl/group_members.h"
#include "controller/ctl/group_offsets.h"
#include "controller/ctl/kafka_admin.h"
#include "controller/ctl/kafka_settings.h"

namespace weir::ctl {
namespace {

using group::v1::GroupDescription;
using group::v1::GroupMember;
using group::v1::GroupPartition;

// The member epoch of a static member that is away for a while (KIP-848).
constexpr int32_t kAwayEpoch = -2;

class GroupList final : public Command {
 public:
  explicit GroupList(CLI::App& app) {
    app.add_option("--state", states_, "Only groups in this state; may be repeated")
        ->delimiter(',')
        ->check(CLI::IsMember({"Empty", "PreparingRebalance", "CompletingRebalance", "Stable",
                               "Assigning", "Reconciling", "Dead"},
                              CLI::ignore_case))
        ->option_text("Empty|PreparingRebalance|CompletingRebalance|Stable|Assigning|Reconciling");
    app.add_option("--type", types_, "Only groups of this type; may be repeated")
        ->delimiter(',')
        ->check(CLI::IsMember({"classic", "consumer"}, CLI::ignore_case))
        ->option_text("classic|consumer");
    AddKafkaSettings(app, settings_);
  }

  Outcome Run(Session& session) override {
    group::v1::ListGroupsRequest request;
    for (const std::string& state : states_) request.add_states(state);
    for (const std::string& type : types_) request.add_types(type);
    WEIR_CTL_ASSIGN_OR_RETURN(const group::v1::ListGroupsReply reply,
                              session.Call(rpc::kListGroups, request));
    group::v1::GroupList list;
    for (const auto& listed : reply.groups()) {
      auto* group = list.add_groups();
      group->set_group_id(ToUtf8(listed.group_id()));
      group->set_state(listed.state());
      group->set_type(listed.type());
      group->set_protocol_type(ToUtf8(listed.protocol_type()));
    }
    if (MayPass(states_, "Empty") && MayPass(types_, "classic")) {
      if (const Status added = AddOffsetGroups(session, list); !added)
        session.streams().err << "groups that have offsets and never had members are missing: "
                              << ToString(added.error()) << '\n';
    }
    std::sort(list.mutable_groups()->begin(), list.mutable_groups()->end(),
              [](const auto& a, const auto& b) { return a.group_id() < b.group_id(); });
    session.PrintReply(list, [&list] {
      Table table({"GROUP", "STATE", "TYPE", "PROTOCOL TYPE"});
      for (const auto& group : list.groups())
        table.AddRow(
            {group.group_id(), group.state(), group.type(), OrDash(group.protocol_type())});
      return table.ToText();
    });
    return ExitCode::kOk;
  }

 private:
  static bool MayPass(const std::vector<std::string>& wanted, const std::string& name) {
    return wanted.empty() || std::ranges::any_of(wanted, [&name](const std::string& each) {
             return CLI::detail::to_lower(each) == CLI::detail::to_lower(name);
           });
  }

  // Offsets that somebody committed without joining are known to the brokers alone.
  Status AddOffsetGroups(Session& session, group::v1::GroupList& list) const {
    WEIR_ASSIGN_OR_RETURN(const KafkaOptions options, KafkaOptionsOf(session, settings_));
    WEIR_ASSIGN_OR_RETURN(const auto admin, KafkaAdmin::Create(options));
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> group_ids, admin->ListGroups());
    WEIR_ASSIGN_OR_RETURN(const group::v1::ListGroupsReply joined,
                          session.Call(rpc::kListGroups, group::v1::ListGroupsRequest()));
    std::set<std::string> known;
    for (const auto& group : joined.groups()) known.insert(group.group_id());
    for (const std::string& group_id : group_ids) {
      if (!known.insert(group_id).second) continue;
      auto* group = list.add_groups();
      group->set_group_id(ToUtf8(group_id));
      group->set_state("Empty");
      group->set_type("classic");
    }
    return {};
  }

  std::vector<std::string> states_, types_, settings_;
};

// ---- describe ---------------------------------------------------------------------------------

std::string Seconds(double seconds) {
  if (seconds < 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", seconds);
  return text;
}

std::string NumberOrDash(int64_t number) { return number < 0 ? "-" : std::to_string(number); }

std::string LagText(const GroupDescription& group) {
  int64_t records = 0;
  double seconds = 0;
  bool is_known = false;
  for (const GroupPartition& partition : group.partitions()) {
    is_known = is_known || partition.offset().lag_records() >= 0;
    records += std::max<int64_t>(0, partition.offset().lag_records());
    seconds = std::max(seconds, partition.offset().lag_seconds());
  }
  if (!is_known) return "-";
  return std::to_string(records) + " records, " + Seconds(seconds) + " s";
}

bool IsConsumerGroup(const GroupDescription& group) { return group.has_group_epoch(); }

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::string text;
  for (const std::string& each : names) text += (text.empty() ? "" : ",") + each;
  return OrDash(text);
}

std::string EpochText(int32_t epoch) {
  return epoch == kAwayEpoch ? "away" : std::to_string(epoch);
}

std::string MemberTable(const GroupDescription& group) {
  std::vector<std::string> header = {"MEMBER", "INSTANCE", "CLIENT", "HOST", "ASSIGNMENT"};
  if (IsConsumerGroup(group)) header.insert(header.end(), {"EPOCH", "TYPE", "TARGET"});
  Table table(header);
  for (const GroupMember& member : group.members()) {
    std::vector<std::string> row = {member.member_id(), OrDash(member.instance_id()),
                                    OrDash(member.client_id()), OrDash(member.host()),
                                    Joined(member.assignment())};
    if (IsConsumerGroup(group))
      row.insert(row.end(),
                 {EpochText(member.member_epoch()), member.type(), Joined(member.target())});
    table.AddRow(std::move(row));
  }
  return table.ToText();
}

std::string PartitionTable(const GroupDescription& group) {
  Table table(
      {"TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "LAG SECONDS", "MEMBER", "CLIENT", "HOST"});
  for (const GroupPartition& partition : group.partitions()) {
    const auto& offset = partition.offset();
    table.AddRow({offset.topic(), std::to_string(offset.partition()),
                  NumberOrDash(offset.committed_offset()), NumberOrDash(offset.log_end_offset()),
                  NumberOrDash(offset.lag_records()), Seconds(offset.lag_seconds()),
                  OrDash(partition.member_id()), OrDash(partition.client_id()),
                  OrDash(partition.host())});
  }
  return table.ToText();
}

std::string ProtocolText(const GroupDescription& group) {
  if (IsConsumerGroup(group))
    return "Assignor     " + OrDash(group.assignor()) + "\n" +  //
           "Epoch        " + std::to_string(group.group_epoch()) + " (assignment " +
           std::to_string(group.assignment_epoch()) + ")\n";
  return "Protocol     " + OrDash(group.protocol()) + " (" + OrDash(group.protocol_type()) + ")\n" +
         "Generation   " + NumberOrDash(group.generation_id()) + "\n";
}

std::string MemberCountText(const GroupDescription& group) {
  const auto classic = std::ranges::count_if(
      group.members(), [](const GroupMember& member) { return member.type() == "classic"; });
  const std::string text = std::to_string(group.members_size());
  return classic == 0 ? text : text + " (" + std::to_string(classic) + " by the classic protocol)";
}

std::string GroupText(const GroupDescription& group) {
  std::string text = "Group        " + group.group_id() + "\n";
  text += "State        " + group.state() + "\n";
  text += "Type         " + OrDash(group.type()) + "\n";
  text += ProtocolText(group);
  text += "Coordinator  " + NumberOrDash(group.coordinator_id()) + " (" +
          OrDash(group.coordinator()) + ")\n";
  text += "Members      " + MemberCountText(group) + "\n";
  text += "Lag          " + LagText(group) + "\n";
  if (!group.members().empty()) text += "\n" + MemberTable(group);
  if (!group.partitions().empty()) text += "\n" + PartitionTable(group);
  return text;
}

class GroupDescribe final : public Command {
 public:
  explicit GroupDescribe(CLI::App& app) { app.add_option("GROUP", groups_, "Groups")->required(); }

  Outcome Run(Session& session) override {
    WEIR_CTL_ASSIGN_OR_RETURN(std::vector<KnownGroup> known, AskGroups(session, groups_));
    PartErrors errors(session);
    group::v1::GroupDescriptions descriptions;
    std::string text;
    for (size_t i = 0; i < groups_.size(); ++i) {
      const std::string& name = groups_[i];
      const Status described = AddOffsets(session, name, known[i]);
      if (!described && ExitCodeOf(described.error().code) == ExitCode::kUnreachable)
        return FailWith(ExitCode::kUnreachable, described.error());
      auto* group = descriptions.add_groups();
      admin::v1::AdminError error;
      if (described) {
        *group = std::move(known[i].description);
      } else {
        rpc::SetAdminError(described.error(), &error);
        group->set_group_id(ToUtf8(name));
        group->set_error_code(static_cast<int32_t>(described.error().code));
        group->set_error_message(described.error().message);
      }
      if (errors.Add(name, error)) text += (text.empty() ? "" : "\n") + GroupText(*group);
    }
    session.PrintReply(descriptions, [&text] { return text; });
    return errors.Finish();
  }

 private:
  // Completes the description by what the coordinator knows.
  static Status AddOffsets(Session& session, const std::string& name, KnownGroup& known) {
    WEIR_ASSIGN_OR_RETURN(const CoordinatedOffsets found, AskGroupOffsets(session, name));
    GroupDescription& group = known.description;
    if (!known.exists) {
      if (IsEmpty(found.offsets))
        return Fail(ErrorCode::kGroupIdNotFound,
                    "there is no group " + name + ", and nothing is committed for it");
      group.set_state("Empty");
      group.set_type("classic");
      group.set_generation_id(-1);
    }
    group.set_coordinator_id(found.coordinator_id);
    group.set_coordinator(found.coordinator);
    FillPartitions(session, found.offsets, known);
    return {};
  }

  static void FillPartitions(Session& session, const group::v1::GroupOffsets& offsets,
                             KnownGroup& known) {
    std::map<std::pair<std::string, int32_t>, group::v1::PartitionOffset> rows;
    for (const auto& offset : offsets.partitions())
      rows[{offset.topic(), offset.partition()}] = offset;
    for (const auto& [owned, member] : known.owners)
      if (!rows.contains(owned)) rows[owned] = Uncommitted(session, owned);
    for (const auto& [id, offset] : rows) {
      GroupPartition* partition = known.description.add_partitions();
      *partition->mutable_offset() = offset;
      const auto owner = known.owners.find(id);
      if (owner == known.owners.end()) continue;
      const GroupMember& member = known.description.members(owner->second);
      partition->set_member_id(member.member_id());
      partition->set_client_id(member.client_id());
      partition->set_host(member.host());
    }
  }

  // A partition that a member owns and nobody has committed: only its log is known.
  static group::v1::PartitionOffset Uncommitted(Session& session,
                                                const std::pair<std::string, int32_t>& id) {
    group::v1::PartitionOffset offset;
    offset.set_topic(id.first);
    offset.set_partition(id.second);
    for (auto set : {&group::v1::PartitionOffset::set_committed_offset,
                     &group::v1::PartitionOffset::set_commit_timestamp_ms,
                     &group::v1::PartitionOffset::set_log_start_offset,
                     &group::v1::PartitionOffset::set_log_end_offset,
                     &group::v1::PartitionOffset::set_lag_records})
      (offset.*set)(-1);
    offset.set_lag_seconds(-1);
    offset.set_leader_epoch(-1);
    const auto addresses = session.KafkaAddresses();
    if (!addresses) return offset;
    const auto consumer = KafkaConsumer::Create(
        {.bootstrap_servers = *addresses, .timeout_ms = session.options().timeout_ms}, id.first);
    if (!consumer) return offset;
    if (const auto bounds = (*consumer)->Bounds(id.second)) {
      offset.set_log_start_offset(bounds->start);
      offset.set_log_end_offset(bounds->end);
    }
    return offset;
  }

  std::vector<std::string> groups_;
};

}  // namespace

void AddGroupReadCommands(Commands& commands, CLI::App& group) {
  commands.Add<GroupList>(group, "list", "Names, states and types of all groups");
  commands.Add<GroupDescribe>(group, "describe", "Members, committed offsets and lag of groups");
}

}  // namespace weir::ctl
