// weir group list|describe: what consumer groups there are, who is in them and how far they are.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "common/base/utf8.h"
#include "common/rpc/status.h"
#include "controller/ctl/commands.h"
#include "controller/ctl/group_assignment.h"
#include "controller/ctl/group_offsets.h"
#include "controller/ctl/kafka_admin.h"
#include "controller/ctl/kafka_settings.h"

namespace weir::ctl {
namespace {

using group::v1::DescribedGroup;
using group::v1::DescribedMember;
using group::v1::GroupDescription;
using group::v1::GroupPartition;

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

std::string MemberTable(const GroupDescription& group) {
  Table table({"MEMBER", "INSTANCE", "CLIENT", "HOST", "ASSIGNMENT"});
  for (const auto& member : group.members()) {
    std::string assigned;
    for (const std::string& each : member.assignment())
      assigned += (assigned.empty() ? "" : ",") + each;
    table.AddRow({member.member_id(), OrDash(member.instance_id()), OrDash(member.client_id()),
                  OrDash(member.host()), OrDash(assigned)});
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

std::string GroupText(const GroupDescription& group) {
  std::string text = "Group        " + group.group_id() + "\n";
  text += "State        " + group.state() + "\n";
  text += "Type         " + OrDash(group.type()) + "\n";
  text += "Protocol     " + OrDash(group.protocol()) + " (" + OrDash(group.protocol_type()) + ")\n";
  text += "Generation   " + NumberOrDash(group.generation_id()) + "\n";
  text += "Coordinator  " + NumberOrDash(group.coordinator_id()) + " (" +
          OrDash(group.coordinator()) + ")\n";
  text += "Members      " + std::to_string(group.members_size()) + "\n";
  text += "Lag          " + LagText(group) + "\n";
  if (!group.members().empty()) text += "\n" + MemberTable(group);
  if (!group.partitions().empty()) text += "\n" + PartitionTable(group);
  return text;
}

void FillMember(const DescribedMember& from, group::v1::GroupMember& to) {
  to.set_member_id(ToUtf8(from.member_id()));
  to.set_instance_id(ToUtf8(from.instance_id()));
  to.set_client_id(ToUtf8(from.client_id()));
  to.set_host(ToUtf8(from.client_host()));
}

using Owners = std::map<std::pair<std::string, int32_t>, const group::v1::GroupMember*>;

void FillMembers(const DescribedGroup& from, GroupDescription& to, Owners& owners) {
  for (const DescribedMember& described : from.members()) {
    auto* member = to.add_members();
    FillMember(described, *member);
    const auto assignment = ParseAssignment(described.assignment());
    if (!assignment) continue;  // of another protocol
    for (const auto& [topic, partition] : *assignment) {
      member->add_assignment(topic + "-" + std::to_string(partition));
      owners[{topic, partition}] = member;
    }
  }
}

class GroupDescribe final : public Command {
 public:
  explicit GroupDescribe(CLI::App& app) { app.add_option("GROUP", groups_, "Groups")->required(); }

  Outcome Run(Session& session) override {
    group::v1::DescribeGroupsRequest request;
    for (const std::string& group : groups_) request.add_group_ids(group);
    WEIR_CTL_ASSIGN_OR_RETURN(const group::v1::DescribeGroupsReply reply,
                              session.Call(rpc::kDescribeGroups, request));
    PartErrors errors(session);
    group::v1::GroupDescriptions descriptions;
    std::string text;
    for (int i = 0; i < reply.groups_size() && i < static_cast<int>(groups_.size()); ++i) {
      const std::string& name = groups_[static_cast<size_t>(i)];
      auto* group = descriptions.add_groups();
      group->set_group_id(ToUtf8(name));
      const Status described = Describe(session, name, reply.groups(i), *group);
      if (!described && ExitCodeOf(described.error().code) == ExitCode::kUnreachable)
        return FailWith(ExitCode::kUnreachable, described.error());
      admin::v1::AdminError error;
      if (!described) {
        rpc::SetAdminError(described.error(), &error);
        group->set_error_code(static_cast<int32_t>(described.error().code));
        group->set_error_message(described.error().message);
      }
      if (errors.Add(name, error)) text += (text.empty() ? "" : "\n") + GroupText(*group);
    }
    session.PrintReply(descriptions, [&text] { return text; });
    return errors.Finish();
  }

 private:
  static Status Describe(Session& session, const std::string& name, const DescribedGroup& from,
                         GroupDescription& group) {
    WEIR_ASSIGN_OR_RETURN(const CoordinatedOffsets found, AskGroupOffsets(session, name));
    const ErrorCode error = ErrorCodeFromNumber(static_cast<int16_t>(from.error_code()));
    const bool only_offsets = error == ErrorCode::kGroupIdNotFound && !IsEmpty(found.offsets);
    if (error != ErrorCode::kNone && !only_offsets)
      return Fail(error, "there is no group " + name + ", and nothing is committed for it");
    group.set_state(only_offsets ? "Empty" : from.state());
    group.set_type(only_offsets ? "classic" : from.type());
    group.set_protocol_type(ToUtf8(from.protocol_type()));
    group.set_protocol(ToUtf8(from.protocol_name()));
    group.set_generation_id(only_offsets ? -1 : from.generation_id());
    group.set_coordinator_id(found.coordinator_id);
    group.set_coordinator(found.coordinator);
    Owners owners;
    group.mutable_members()->Reserve(from.members_size());
    FillMembers(from, group, owners);
    FillPartitions(session, found.offsets, owners, group);
    return {};
  }

  static void FillPartitions(Session& session, const group::v1::GroupOffsets& offsets,
                             const Owners& owners, GroupDescription& group) {
    std::map<std::pair<std::string, int32_t>, group::v1::PartitionOffset> rows;
    for (const auto& offset : offsets.partitions())
      rows[{offset.topic(), offset.partition()}] = offset;
    for (const auto& [owned, member] : owners)
      if (!rows.contains(owned)) rows[owned] = Uncommitted(session, owned);
    for (const auto& [id, offset] : rows) {
      GroupPartition* partition = group.add_partitions();
      *partition->mutable_offset() = offset;
      const auto owner = owners.find(id);
      if (owner == owners.end()) continue;
      partition->set_member_id(owner->second->member_id());
      partition->set_client_id(owner->second->client_id());
      partition->set_host(owner->second->host());
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
