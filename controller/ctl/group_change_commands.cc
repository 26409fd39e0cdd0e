// weir group seek|undo-reset|delete: what an administrator changes about consumer groups.
//
// Laws:
//  1. Offsets are changed only while the group has no members: they would go on from where they
//     are, and commit that.
//  2. --plan shows what would change, and changes nothing.
#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "common/rpc/status.h"
#include "common/runtime/clock.h"
#include "controller/ctl/commands.h"
#include "controller/ctl/group_members.h"
#include "controller/ctl/group_offsets.h"
#include "controller/ctl/kafka_admin.h"
#include "controller/ctl/kafka_settings.h"

namespace weir::ctl {
namespace {

using group::v1::OffsetChanges;

constexpr int64_t kNone = -1;

// What a command is going to change.
struct Plan {
  OffsetChanges changes;
  // Texts to commit, one per change.
  std::vector<std::string> metadata;

  void Add(const std::string& topic, int32_t partition, int64_t before, int64_t after,
           const std::string& text = {}) {
    auto* change = changes.add_changes();
    change->set_topic(topic);
    change->set_partition(partition);
    change->set_before(before);
    change->set_after(after);
    metadata.push_back(text);
  }
};

void AddPlan(CLI::App& app, bool& plan) {
  app.add_flag("--plan,--dry-run", plan, "Show what would change, but change nothing");
}

// Law 1, before anything is sent that the coordinator would refuse. A group that nobody has joined
// is no error: its offsets may be set.
Status CheckNoMembers(Session& session, const std::string& name) {
  WEIR_ASSIGN_OR_RETURN(const KnownGroup group, AskGroup(session, name));
  const int members = group.description.members_size();
  if (members == 0) return {};
  return Fail(ErrorCode::kNonEmptyGroup, "group " + name + " has " + std::to_string(members) +
                                             (members == 1 ? " member" : " members") +
                                             ", which would commit over it: stop them first");
}

tl::unexpected<Failure> Refuse(const Error& error, const std::string& group) {
  std::string next;
  if (error.code == ErrorCode::kNonEmptyGroup || error.code == ErrorCode::kUnknownMemberId)
    next = "weir group describe " + group;
  return FailWith(ExitCodeOf(error.code), error, std::move(next));
}

// Sends the changes of `plan`, and puts what became of each there. Errors: of a whole request.
Status Execute(KafkaAdmin& admin, const std::string& group, Plan& plan) {
  std::vector<NewOffset> to_set, to_forget;
  std::vector<int> set_places, forget_places;
  for (int i = 0; i < plan.changes.changes_size(); ++i) {
    const auto& change = plan.changes.changes(i);
    const bool forget = change.after() == kNone;
    (forget ? to_forget : to_set)
        .push_back({change.topic(), change.partition(), change.after(),
                    plan.metadata[static_cast<size_t>(i)]});
    (forget ? forget_places : set_places).push_back(i);
  }
  const auto note = [&plan](const std::vector<int>& places, const std::vector<ErrorCode>& codes) {
    for (size_t i = 0; i < places.size(); ++i)
      plan.changes.mutable_changes(places[i])->set_error_code(static_cast<int32_t>(codes[i]));
  };
  if (!to_forget.empty()) {
    WEIR_ASSIGN_OR_RETURN(const auto codes, admin.ForgetOffsets(group, to_forget));
    note(forget_places, codes);
  }
  if (!to_set.empty()) {
    WEIR_ASSIGN_OR_RETURN(const auto codes, admin.CommitOffsets(group, to_set));
    note(set_places, codes);
  }
  return {};
}

std::string OffsetText(int64_t offset) { return offset < 0 ? "none" : std::to_string(offset); }

std::string PlanText(const OffsetChanges& changes) {
  Table table({"TOPIC", "PARTITION", "FROM", "TO"});
  for (const auto& change : changes.changes())
    if (change.error_code() == 0)
      table.AddRow({change.topic(), std::to_string(change.partition()), OffsetText(change.before()),
                    OffsetText(change.after())});
  return table.empty() ? std::string() : table.ToText();
}

// Carries the plan out unless it is only to be shown, and prints it.
Outcome Finish(Session& session, const KafkaOptions& options, const std::string& group, Plan plan,
               bool dry_run) {
  plan.changes.set_group_id(group);
  plan.changes.set_dry_run(dry_run);
  if (!dry_run) {
    WEIR_CTL_ASSIGN_OR_RETURN(const auto admin, KafkaAdmin::Create(options));
    if (const Status done = Execute(*admin, group, plan); !done) return Refuse(done.error(), group);
  }
  PartErrors errors(session);
  for (const auto& change : plan.changes.changes()) {
    const ErrorCode code = ErrorCodeFromNumber(static_cast<int16_t>(change.error_code()));
    admin::v1::AdminError error;
    if (code == ErrorCode::kUnknownMemberId)
      rpc::SetAdminError({code, "group " + group + " has members: stop them first"}, &error);
    else if (code != ErrorCode::kNone)
      rpc::SetAdminError({code, "not changed"}, &error);
    errors.Add(change.topic() + "-" + std::to_string(change.partition()), error);
  }
  const ExitCode code = errors.Finish();
  session.PrintReply(plan.changes, [&] {
    std::string text = PlanText(plan.changes);
    if (dry_run) return text + "nothing was changed (--plan)\n";
    if (code == ExitCode::kOk)
      text += "changed group " + group + "; back again: weir group " + "undo-reset " + group + "\n";
    return text;
  });
  return code;
}

// ---- seek -------------------------------------------------------------------------------------

// "orders" or "orders:0,2".
struct TopicChoice {
  std::string topic;
  // Empty: all.
  std::vector<int32_t> partitions;
};

std::optional<TopicChoice> ParseTopicChoice(std::string_view text) {
  TopicChoice choice;
  const size_t colon = text.find(':');
  choice.topic = std::string(text.substr(0, colon));
  if (choice.topic.empty()) return std::nullopt;
  if (colon == std::string_view::npos) return choice;
  std::string_view rest = text.substr(colon + 1);
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view number = rest.substr(0, comma);
    int32_t partition = -1;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), partition);
    if (error != std::errc() || end != number.data() + number.size() || partition < 0)
      return std::nullopt;
    choice.partitions.push_back(partition);
    if (comma == std::string_view::npos) return choice;
    rest.remove_prefix(comma + 1);
  }
}

using Committed = std::map<std::pair<std::string, int32_t>, int64_t>;

class GroupSeek final : public Command {
 public:
  explicit GroupSeek(CLI::App& app) {
    app.add_option("GROUP", group_, "Group")->required();
    app.add_option("-t,--topic", topics_,
                   "TOPIC[:PARTITION,...]; may be repeated (default: all that is committed)")
        ->expected(1)
        ->take_all();
    app.add_option("--to", to_,
                   "start, end, N, +N (after the start), -N (before the end) or @TIME, as in "
                   "weir topic consume -o; kept within what the partition holds")
        ->required();
    AddPlan(app, plan_);
    AddKafkaSettings(app, settings_);
  }

  Outcome Run(Session& session) override {
    const auto range = ParseOffsetRange(to_, runtime::WallNow());
    if (!range) return UsageError(range.error().message);
    if (range->to) return UsageError("--to " + to_ + ": one position is expected, not a range");
    std::vector<TopicChoice> choices;
    for (const std::string& text : topics_) {
      const auto choice = ParseTopicChoice(text);
      if (!choice) return UsageError("--topic " + text + ": TOPIC[:PARTITION,...] is expected");
      choices.push_back(*choice);
    }
    if (const Status empty = CheckNoMembers(session, group_); !empty)
      return Refuse(empty.error(), group_);
    WEIR_CTL_ASSIGN_OR_RETURN(const CoordinatedOffsets found, AskGroupOffsets(session, group_));
    Committed committed;
    for (const auto& offset : found.offsets.partitions())
      committed[{offset.topic(), offset.partition()}] = offset.committed_offset();
    if (choices.empty()) choices = ChoicesOf(committed);
    if (choices.empty())
      return FailWith(ExitCode::kRefused,
                      {ErrorCode::kGroupIdNotFound, "nothing is committed for group " + group_},
                      "weir group seek " + group_ + " --topic TOPIC --to " + to_);
    WEIR_CTL_ASSIGN_OR_RETURN(const KafkaOptions options, KafkaOptionsOf(session, settings_));
    Plan plan;
    for (const TopicChoice& choice : choices)
      if (const Status added = AddTopic(options, choice, range->from, committed, plan); !added)
        return FailWith(ExitCodeOf(added.error().code), added.error());
    return Finish(session, options, group_, std::move(plan), plan_);
  }

 private:
  static std::vector<TopicChoice> ChoicesOf(const Committed& committed) {
    std::vector<TopicChoice> choices;
    for (const auto& [id, offset] : committed) {
      if (choices.empty() || choices.back().topic != id.first) choices.push_back({id.first, {}});
      choices.back().partitions.push_back(id.second);
    }
    return choices;
  }

  static Status AddTopic(const KafkaOptions& options, const TopicChoice& choice, const Position& to,
                         const Committed& committed, Plan& plan) {
    WEIR_ASSIGN_OR_RETURN(const auto consumer, KafkaConsumer::Create(options, choice.topic));
    WEIR_ASSIGN_OR_RETURN(const std::vector<int32_t> existing, consumer->Partitions());
    for (const int32_t partition : choice.partitions)
      if (std::ranges::find(existing, partition) == existing.end())
        return Fail(ErrorCode::kUnknownTopicOrPartition,
                    "topic " + choice.topic + " has no partition " + std::to_string(partition));
    for (const int32_t partition : choice.partitions.empty() ? existing : choice.partitions) {
      WEIR_ASSIGN_OR_RETURN(int64_t offset, consumer->Resolve(partition, to));
      if (to.kind == PositionKind::kOffset) {
        WEIR_ASSIGN_OR_RETURN(const LogBounds bounds, consumer->Bounds(partition));
        offset = std::clamp(offset, bounds.start, bounds.end);
      }
      const auto before = committed.find({choice.topic, partition});
      plan.Add(choice.topic, partition, before == committed.end() ? kNone : before->second, offset);
    }
    return {};
  }

  std::string group_, to_;
  std::vector<std::string> topics_, settings_;
  bool plan_ = false;
};

// ---- undo-reset -------------------------------------------------------------------------------

class GroupUndoReset final : public Command {
 public:
  explicit GroupUndoReset(CLI::App& app) {
    app.add_option("GROUP", group_, "Group")->required();
    AddPlan(app, plan_);
    AddKafkaSettings(app, settings_);
  }

  Outcome Run(Session& session) override {
    if (const Status empty = CheckNoMembers(session, group_); !empty)
      return Refuse(empty.error(), group_);
    WEIR_CTL_ASSIGN_OR_RETURN(const CoordinatedOffsets found, AskGroupOffsets(session, group_));
    const auto& reset = found.offsets.last_reset();
    if (reset.offsets().empty())
      return FailWith(
          ExitCode::kRefused,
          {ErrorCode::kResourceNotFound, "no reset of group " + group_ + " is remembered"},
          "weir group describe " + group_);
    Committed committed;
    for (const auto& offset : found.offsets.partitions())
      committed[{offset.topic(), offset.partition()}] = offset.committed_offset();
    Plan plan;
    for (const auto& offset : reset.offsets()) {
      const auto now = committed.find({offset.topic(), offset.partition()});
      const int64_t current = now == committed.end() ? kNone : now->second;
      if (current == kNone && offset.before() == kNone) continue;
      plan.Add(offset.topic(), offset.partition(), current, offset.before(),
               offset.before_metadata());
    }
    WEIR_CTL_ASSIGN_OR_RETURN(const KafkaOptions options, KafkaOptionsOf(session, settings_));
    return Finish(session, options, group_, std::move(plan), plan_);
  }

 private:
  std::string group_;
  std::vector<std::string> settings_;
  bool plan_ = false;
};

// ---- delete -----------------------------------------------------------------------------------

class GroupDelete final : public Command {
 public:
  explicit GroupDelete(CLI::App& app) {
    app.add_option("GROUP", groups_, "Groups to delete with their committed offsets")->required();
    app.add_flag("-y,--yes", yes_, "Do not ask");
    AddPlan(app, plan_);
    AddKafkaSettings(app, settings_);
  }

  Outcome Run(Session& session) override {
    if (!yes_ && !plan_)
      for (const std::string& name : groups_)
        if (!Confirm(session, name))
          return UsageError("group " + name + " was not confirmed; nothing was deleted",
                            "weir group delete -y " + name);
    WEIR_CTL_ASSIGN_OR_RETURN(const std::vector<Error> outcomes,
                              plan_ ? Check(session) : Delete(session));
    PartErrors errors(session);
    group::v1::DeletedGroups deleted;
    deleted.set_dry_run(plan_);
    std::string text;
    for (size_t i = 0; i < groups_.size(); ++i) {
      auto* group = deleted.add_groups();
      group->set_group_id(groups_[i]);
      group->set_error_code(static_cast<int32_t>(outcomes[i].code));
      group->set_error_message(outcomes[i].message);
      admin::v1::AdminError error;
      if (outcomes[i].code != ErrorCode::kNone) rpc::SetAdminError(outcomes[i], &error);
      if (errors.Add(groups_[i], error))
        text += std::string(plan_ ? "would delete" : "deleted") + " group " + groups_[i] + "\n";
    }
    session.PrintReply(deleted, [&text] { return text; });
    return errors.Finish();
  }

 private:
  // The question goes to stderr: stdout is for the answer.
  static bool Confirm(Session& session, const std::string& name) {
    session.streams().err << "Type the group's name to delete it with its committed offsets ("
                          << name << "): " << std::flush;
    std::string typed;
    return std::getline(session.streams().in, typed) && typed == name;
  }

  static Error Explain(ErrorCode code, const std::string& name) {
    if (code == ErrorCode::kNonEmptyGroup)
      return {code, "group " + name + " has members: stop them first"};
    if (code == ErrorCode::kGroupIdNotFound) return {code, "there is no group " + name};
    return {code, code == ErrorCode::kNone ? "" : "group " + name + " was not deleted"};
  }

  Result<std::vector<Error>> Delete(Session& session) const {
    WEIR_ASSIGN_OR_RETURN(const KafkaOptions options, KafkaOptionsOf(session, settings_));
    WEIR_ASSIGN_OR_RETURN(const auto admin, KafkaAdmin::Create(options));
    WEIR_ASSIGN_OR_RETURN(const std::vector<ErrorCode> codes, admin->DeleteGroups(groups_));
    std::vector<Error> outcomes;
    for (size_t i = 0; i < groups_.size(); ++i) outcomes.push_back(Explain(codes[i], groups_[i]));
    return outcomes;
  }

  // What Delete would answer.
  Result<std::vector<Error>> Check(Session& session) const {
    WEIR_ASSIGN_OR_RETURN(const std::vector<KnownGroup> known, AskGroups(session, groups_));
    std::vector<Error> outcomes;
    for (size_t i = 0; i < groups_.size(); ++i) {
      ErrorCode code = known[i].exists ? ErrorCode::kNone : ErrorCode::kGroupIdNotFound;
      if (!known[i].exists) {
        WEIR_ASSIGN_OR_RETURN(const CoordinatedOffsets found, AskGroupOffsets(session, groups_[i]));
        if (!found.offsets.partitions().empty()) code = ErrorCode::kNone;
      }
      if (!known[i].description.members().empty()) code = ErrorCode::kNonEmptyGroup;
      outcomes.push_back(Explain(code, groups_[i]));
    }
    return outcomes;
  }

  std::vector<std::string> groups_, settings_;
  bool yes_ = false;
  bool plan_ = false;
};

}  // namespace

void AddGroupChangeCommands(Commands& commands, CLI::App& group) {
  commands.Add<GroupSeek>(group, "seek", "Set the committed offsets of a group without members");
  commands.Add<GroupUndoReset>(group, "undo-reset",
                               "Return a group's offsets to what they were before the last reset");
  commands.Add<GroupDelete>(group, "delete", "Delete groups with their committed offsets");
}

}  // namespace weir::ctl
