#include "controller/quorum/group_calls.h"

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/metadata/broker_records.h"
#include "common/runtime/log.h"
#include "controller/state/groups/commit_fence.h"
#include "controller/state/groups/describe_groups.h"

namespace weir::quorum {
namespace {

// Between two looks at what is due. Sessions are seconds long, and those of thousands of members
// end close to one another: they are worked off together.
constexpr Duration kTurnPause = std::chrono::milliseconds(10);
// After a batch of deadlines that was not appended: a leader that hands over takes none for long.
constexpr Duration kRejectedPause = std::chrono::milliseconds(100);
// Until a group whose change was too large is looked at again: it will be as large, and deadlines
// of other groups that are due at the same time are rejected with it.
constexpr Duration kTooLargePause = std::chrono::seconds(5);
constexpr Duration kReadTimeout = std::chrono::seconds(30);

Error NotController() {
  return {ErrorCode::kNotController, "this controller is not the active one"};
}

// What brokers get of them, topics and configurations among it: assignments of a large group, which
// they do not get, would take longer to parse than all else that is done about an entry.
std::vector<metadata::v1::MetadataBatch> BatchesOf(const std::vector<raft::Entry>& committed) {
  std::vector<metadata::v1::MetadataBatch> batches;
  for (const raft::Entry& entry : committed) {
    metadata::v1::MetadataBatch batch;
    if (entry.type != raft::EntryType::kNormal) continue;
    if (!batch.ParseFromString(metadata::BatchForBrokers(*entry.payload))) continue;
    batches.push_back(std::move(batch));
  }
  return batches;
}

// Replies whose clients ask brokers next tell how new an image must be to know what they say.
void SetOffset(LogIndex offset, state::GroupReply* reply) {
  std::visit(
      [offset](auto& each) {
        if constexpr (requires { each.set_metadata_offset(0); }) {
          each.set_metadata_offset(static_cast<int64_t>(offset.value()));
        }
      },
      *reply);
}

// Whether it lets the member begin to commit offsets that were another's to commit.
bool GivesAssignment(const state::GroupReply& reply) {
  if (const auto* sync = std::get_if<group::v1::SyncGroupReply>(&reply)) {
    return sync->error_code() == 0;
  }
  const auto* heartbeat = std::get_if<group::v1::ConsumerGroupHeartbeatReply>(&reply);
  return heartbeat != nullptr && !heartbeat->assignment().topic_partitions().empty();
}

// The names of topics that the records create or give partitions; whether any removes one.
bool CollectTopics(const metadata::MetadataImage& image, const metadata::v1::MetadataBatch& batch,
                   std::set<std::string>* names) {
  bool removes = false;
  for (const metadata::v1::MetadataRecord& record : batch.records()) {
    if (record.has_topic()) names->insert(record.topic().name());
    removes = removes || record.has_remove_topic();
    if (!record.has_partition()) continue;
    const Result<Uuid> id = Uuid::FromBytes(record.partition().topic_id());
    const metadata::Topic* topic = id ? image.FindTopic(*id) : nullptr;
    if (topic != nullptr) names->insert(topic->name);
  }
  return removes;
}

}  // namespace

GroupCalls::GroupCalls(Executor& loop, ActiveController& controller, GroupCallsOptions options)
    : loop_(loop),
      controller_(controller),
      options_(std::move(options)),
      coordinator_(options_.config),
      prng_(options_.seed) {}

state::GroupContext GroupCalls::Context() { return {controller_.working(), loop_.Now(), &prng_}; }

// ---- calls ----------------------------------------------------------------------------

// The call's id; 0 when it is refused, and answered.
template <class Reply>
state::GroupCallId GroupCalls::Begin(std::string group_id, Done<Reply> done) {
  if (!active()) {
    done(tl::unexpected<Error>(NotController()));
    return 0;
  }
  if (!controller_.HasRoom()) {
    done(Fail(ErrorCode::kCoordinatorNotAvailable, "too many changes are waiting for the quorum"));
    return 0;
  }
  calls_[++last_id_] = {std::move(group_id),
                        [done = std::move(done)](Result<state::GroupReply> reply) {
                          if (!reply) return done(tl::unexpected<Error>(std::move(reply).error()));
                          done(std::get<Reply>(*std::move(reply)));
                        }};
  return last_id_;
}

state::GroupCallId GroupCalls::Join(const group::v1::JoinGroupRequest& request,
                                    Done<group::v1::JoinGroupReply> done) {
  const state::GroupCallId id = Begin(request.group_id(), std::move(done));
  if (id == 0) return id;
  Carry("JoinGroup", coordinator_.Join(Context(), id, request));
  Turn();
  return id;
}

state::GroupCallId GroupCalls::Sync(const group::v1::SyncGroupRequest& request,
                                    Done<group::v1::SyncGroupReply> done) {
  const state::GroupCallId id = Begin(request.group_id(), std::move(done));
  if (id == 0) return id;
  Carry("SyncGroup", coordinator_.Sync(Context(), id, request));
  Turn();
  return id;
}

void GroupCalls::Leave(const group::v1::LeaveGroupRequest& request,
                       Done<group::v1::LeaveGroupReply> done) {
  const state::GroupCallId id = Begin(request.group_id(), std::move(done));
  if (id == 0) return;
  Carry("LeaveGroup", coordinator_.Leave(Context(), id, request));
  Turn();
}

void GroupCalls::Delete(const group::v1::DeleteGroupsRequest& request,
                        Done<group::v1::DeleteGroupsReply> done) {
  const state::GroupCallId id = Begin("", std::move(done));
  if (id == 0) return;
  Carry("DeleteGroups", coordinator_.Delete(Context(), id, request));
  Turn();
}

state::GroupCallId GroupCalls::ConsumerHeartbeat(
    const group::v1::ConsumerGroupHeartbeatRequest& request,
    Done<group::v1::ConsumerGroupHeartbeatReply> done) {
  const state::GroupCallId id = Begin(request.group_id(), std::move(done));
  if (id == 0) return id;
  Carry("ConsumerGroupHeartbeat", coordinator_.ConsumerHeartbeat(Context(), id, request));
  Turn();
  return id;
}

void GroupCalls::OnCallGone(state::GroupCallId id) {
  if (calls_.erase(id) == 0) return;
  Carry("GroupCallGone", coordinator_.OnCallGone(Context(), id));
  Turn();
}

void GroupCalls::Heartbeat(const group::v1::HeartbeatRequest& request,
                           Done<group::v1::HeartbeatReply> done) {
  if (!active()) return done(tl::unexpected<Error>(NotController()));
  const group::v1::HeartbeatReply reply = coordinator_.Heartbeat(Context(), request);
  controller_.WhenCommitted({}, [reply, done = std::move(done)](Status status, LogIndex) {
    if (!status) return done(tl::unexpected<Error>(std::move(status).error()));
    done(reply);
  });
  Turn();
}

void GroupCalls::Report(const group::v1::LivenessReport& report,
                        Done<group::v1::LivenessReply> done) {
  if (!active()) return done(tl::unexpected<Error>(NotController()));
  coordinator_.OnReport(loop_.Now(), report);
  done(group::v1::LivenessReply());
  Turn();
}

void GroupCalls::Describe(const group::v1::DescribeGroupsRequest& request,
                          Done<group::v1::DescribeGroupsReply> done) {
  controller_.Read(loop_.Now() + kReadTimeout, [this, request, done = std::move(done)](Status ok) {
    if (!ok) return done(tl::unexpected<Error>(std::move(ok).error()));
    done(state::DescribeGroups(controller_.committed(), request));
  });
}

void GroupCalls::DescribeConsumers(const group::v1::DescribeConsumerGroupsRequest& request,
                                   Done<group::v1::DescribeConsumerGroupsReply> done) {
  controller_.Read(loop_.Now() + kReadTimeout, [this, request, done = std::move(done)](Status ok) {
    if (!ok) return done(tl::unexpected<Error>(std::move(ok).error()));
    done(state::DescribeConsumerGroups(controller_.committed(), request));
  });
}

void GroupCalls::List(const group::v1::ListGroupsRequest& request,
                      Done<group::v1::ListGroupsReply> done) {
  controller_.Read(loop_.Now() + kReadTimeout, [this, request, done = std::move(done)](Status ok) {
    if (!ok) return done(tl::unexpected<Error>(std::move(ok).error()));
    done(state::ListGroups(controller_.committed(), request));
  });
}

// ---- outcomes -------------------------------------------------------------------------

bool GroupCalls::Carry(const char* method, state::GroupOutcome outcome) {
  if (!outcome.records.empty()) {
    metadata::v1::Cause cause;
    cause.set_principal("Controller:" + ToString(options_.self));
    cause.set_tool("group coordinator");
    cause.set_method(method);
    const auto appended = controller_.Append(std::move(outcome.records), std::move(cause));
    if (!appended) {
      LogWarn("quorum", "a change of groups was not appended",
              {{"method", method}, {"error", ToString(appended.error())}});
      const LogIndex offset = controller_.working().offset();
      state::GroupContext again = Context();
      if (appended.error().code == ErrorCode::kPolicyViolation) again.now += kTooLargePause;
      AnswerNow(coordinator_.Rejected(again, std::move(outcome)), {}, offset);
      return false;
    }
  }
  for (const std::string& note : outcome.notes) LogInfo("quorum", "group", {{"what", note}});
  AnswerLater(std::move(outcome.answers));
  return true;
}

std::string GroupCalls::FenceOf(const state::GroupAnswer& answer) const {
  if (!GivesAssignment(answer.reply)) return "";
  const auto call = calls_.find(answer.call);
  return call == calls_.end() ? std::string() : call->second.group_id;
}

void GroupCalls::AnswerLater(Answers answers) {
  std::map<std::string, Answers> by_fence;
  for (state::GroupAnswer& answer : answers) by_fence[FenceOf(answer)].push_back(std::move(answer));
  for (auto& [group_id, group_answers] : by_fence) {
    ActiveController::Applied applied;
    if (!group_id.empty()) {
      applied = [this, fence = state::CommitFence(group_id)](LogIndex offset) mutable {
        return fence.IsApplied(controller_.committed(), controller_.liveness(), offset);
      };
    }
    auto shared = std::make_shared<Answers>(std::move(group_answers));
    controller_.WhenCommitted(std::move(applied), [this, shared](Status status, LogIndex offset) {
      AnswerNow(std::move(*shared), status, offset);
    });
  }
}

void GroupCalls::AnswerNow(Answers answers, const Status& status, LogIndex offset) {
  for (state::GroupAnswer& answer : answers) {
    auto call = calls_.extract(answer.call);
    if (call.empty()) continue;
    if (!status) {
      call.mapped().done(tl::unexpected<Error>(status.error()));
      continue;
    }
    SetOffset(offset, &answer.reply);
    call.mapped().done(std::move(answer.reply));
  }
}

// ---- time -----------------------------------------------------------------------------

void GroupCalls::Turn() {
  const MonoTime now = loop_.Now();
  const std::optional<MonoTime> next = coordinator_.NextDeadline();
  if (next && std::max(*next, next_look_) <= now) {
    const bool appended = Carry("GroupDeadline", coordinator_.OnTime(Context()));
    next_look_ = now + (appended ? kTurnPause : kRejectedPause);
  }
  SetTimer();
}

void GroupCalls::SetTimer() {
  std::optional<MonoTime> next = active() ? coordinator_.NextDeadline() : std::nullopt;
  if (next) next = std::max(*next, next_look_);
  if (timer_ && next == timer_->first) return;
  if (timer_) loop_.Cancel(timer_->second);
  timer_.reset();
  if (!next) return;
  timer_.emplace(*next, loop_.PostAt(*next, [this] {
    timer_.reset();
    Turn();
  }));
}

// ---- leadership -----------------------------------------------------------------------

// The active controller hears of it first: a term that it has begun, or given up, is known here.
void GroupCalls::OnCommitted(const std::vector<raft::Entry>& committed) {
  if (active()) return NoteChanges(committed);
  if (!controller_.active()) return;
  term_ = controller_.term();
  coordinator_.BecomeActive(controller_.working(), loop_.Now());
  seen_topic_ids_ = controller_.committed().topic_ids();
  seen_partitions_ = controller_.committed().partition_count();
  seen_configs_ = controller_.committed().configs();
  Turn();
}

// Most entries are about other things: three comparisons tell.
void GroupCalls::NoteChanges(const std::vector<raft::Entry>& committed) {
  const metadata::MetadataImage& image = controller_.committed();
  const bool configs = image.configs() != seen_configs_;
  const bool topics =
      image.topic_ids() != seen_topic_ids_ || image.partition_count() != seen_partitions_;
  if (!configs && !topics) return;
  const std::vector<metadata::v1::MetadataBatch> batches = BatchesOf(committed);
  if (configs) NoteConfigs(batches);
  if (topics) NoteTopics(batches);
}

void GroupCalls::NoteConfigs(const std::vector<metadata::v1::MetadataBatch>& batches) {
  seen_configs_ = controller_.committed().configs();
  std::set<std::string> groups;
  for (const metadata::v1::MetadataBatch& batch : batches) {
    for (const metadata::v1::MetadataRecord& record : batch.records()) {
      if (!record.has_config()) continue;
      const metadata::v1::ConfigRecord& config = record.config();
      const bool of_all = config.resource_type() == metadata::v1::CONFIG_RESOURCE_BROKER &&
                          config.resource_name().empty();
      if (of_all) groups.insert("");
      if (config.resource_type() != metadata::v1::CONFIG_RESOURCE_GROUP) continue;
      groups.insert(config.resource_name());
    }
  }
  for (const std::string& group_id : groups) {
    coordinator_.OnConfigsChanged(controller_.working(), group_id);
  }
}

void GroupCalls::NoteTopics(const std::vector<metadata::v1::MetadataBatch>& batches) {
  const metadata::MetadataImage& image = controller_.committed();
  std::set<std::string> names;
  bool removes = false;
  for (const metadata::v1::MetadataBatch& batch : batches) {
    removes = CollectTopics(image, batch, &names) || removes;
  }
  if (removes) {
    for (const auto& [name, id] : seen_topic_ids_) {
      if (image.FindTopic(id) == nullptr) names.insert(name);
    }
  }
  seen_topic_ids_ = image.topic_ids();
  seen_partitions_ = image.partition_count();
  coordinator_.OnTopicsChanged(Context(), names);
  Turn();
}

void GroupCalls::OnRoleChange(const raft::RoleChange&) {
  if (!active() || controller_.term() == term_) return;
  term_ = Term(0);
  coordinator_.Deactivate();
  SetTimer();
  // Those that wait for the coordinator; those that waited for a commit have failed already.
  for (const auto& [id, call] : std::exchange(calls_, {})) {
    call.done(tl::unexpected<Error>(NotController()));
  }
}

}  // namespace weir::quorum
