#include "controller/quorum/active_controller.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/metadata/apply.h"
#include "common/runtime/log.h"
#include "controller/state/cluster.h"

namespace weir::quorum {
namespace {

constexpr size_t kParkedMax = 10'000;

Error NotController() {
  return {ErrorCode::kNotController, "this controller is not the active one"};
}

Error TimedOut(bool committed) {
  return {ErrorCode::kRequestTimedOut,
          committed ? "the change is made, but not every live broker has applied it yet"
                    : "the quorum did not commit the change in time; it may still happen"};
}

}  // namespace

ActiveController::ActiveController(Executor& loop, RaftPort& raft, const MetadataMachine& machine,
                                   state::Liveness& liveness, ActiveControllerOptions options)
    : loop_(loop),
      raft_(raft),
      machine_(machine),
      liveness_(liveness),
      options_(std::move(options)),
      prng_(options_.seed) {}

void ActiveController::SubmitErased(ErasedChange change) {
  if (!active_) return change.done(tl::unexpected<Error>(NotController()), LogIndex(0));
  if (!HasRoom()) {
    return change.done(
        Fail(ErrorCode::kThrottlingQuotaExceeded, "too many changes are waiting for the quorum"),
        LogIndex(0));
  }
  const auto first = state::FirstAnswer(working_, change.cause.request_id(), change.cause.method());
  if (!first) return Park(change, tl::unexpected<Error>(first.error()));
  if (first->has_value()) {
    change.restore(**first);
    return Park(change, {});
  }
  const state::DecisionContext context{working_, loop_.WallNow(), &prng_, options_.defaults};
  std::string serialized;
  Result<state::Records> records = change.decide(context, &serialized);
  if (!records) return Park(change, tl::unexpected<Error>(records.error()));
  if (records->empty()) return Park(change, {});

  const Result<LogIndex> index =
      Append(*std::move(records), std::move(change.cause), std::move(serialized));
  if (!index) {
    // Too large, which is the answer to a question about working().
    const bool refused = index.error().code == ErrorCode::kPolicyViolation;
    if (refused) return Park(change, tl::unexpected<Error>(index.error()));
    return change.done(tl::unexpected<Error>(index.error()), LogIndex(0));
  }
  parked_.push_back({*index,
                     change.deadline,
                     change.wait_for_brokers ? AppliedByAllLive() : Applied(),
                     {},
                     std::move(change.done)});
}

Result<LogIndex> ActiveController::Append(state::Records records, metadata::v1::Cause cause,
                                          std::string serialized_reply) {
  if (!active_) return tl::unexpected<Error>(NotController());
  cause.set_timestamp_ms(loop_.WallNow().value());
  auto unclean = state::UncleanElectionsIn(working_, records);
  WEIR_ASSIGN_OR_RETURN(const auto batch, state::MakeBatch(std::move(records), std::move(cause),
                                                           std::move(serialized_reply)));
  WEIR_ASSIGN_OR_RETURN(
      const LogIndex index,
      raft_.Propose(std::make_shared<const std::string>(batch.SerializeAsString())));
  WEIR_CHECK(index > working_.offset(), "the log grows behind what was decided on");
  unclean_elections_.Decided(index, std::move(unclean));
  metadata::Apply(working_, batch, index);
  return index;
}

// For an outcome that wrote nothing: it is true once everything it was decided on is committed.
void ActiveController::Park(ErasedChange& change, Status outcome) {
  const bool waits = change.wait_for_brokers && outcome.has_value();
  Park({working_.offset(), change.deadline, waits ? AppliedByAllLive() : Applied(), outcome,
        std::move(change.done)},
       change.unconfirmed);
}

void ActiveController::WhenCommitted(Applied applied, std::function<void(Status, LogIndex)> done) {
  if (!active_) return done(tl::unexpected<Error>(NotController()), LogIndex(0));
  Park({working_.offset(), MonoTime::max(), std::move(applied), {}, std::move(done)},
       /*unconfirmed=*/false);
}

void ActiveController::Park(Parked parked, bool unconfirmed) {
  if (parked.index > committed().offset()) {
    parked_.push_back(std::move(parked));
    return;
  }
  if (unconfirmed) return parked.done(parked.outcome, parked.index);
  auto shared = std::make_shared<Parked>(std::move(parked));
  Read(shared->deadline, [this, shared](Status current) {
    if (!current) return shared->done(current, shared->index);
    Committed(std::move(*shared));
  });
}

bool ActiveController::HasRoom() const { return parked_count() < kParkedMax; }

ActiveController::Applied ActiveController::AppliedByAllLive() const {
  return [this](LogIndex index) {
    return liveness_.AllLiveHaveApplied(committed(), index, loop_.Now());
  };
}

bool ActiveController::IsApplied(const Parked& parked) const {
  return !parked.applied || parked.applied(parked.index);
}

void ActiveController::Committed(Parked parked) {
  if (!IsApplied(parked)) {
    waiting_.push_back(std::move(parked));
    return;
  }
  parked.done(parked.outcome, parked.index);
}

void ActiveController::Read(MonoTime deadline, std::function<void(Status)> read) {
  if (!active_) return read(tl::unexpected<Error>(NotController()));
  const uint64_t id = next_read_++;
  const Status asked = raft_.ReadIndex(id);
  if (!asked) return read(asked);
  reads_.emplace(id, ParkedRead{deadline, std::move(read), std::nullopt});
}

void ActiveController::OnReadState(const raft::ReadState& read) {
  const auto found = reads_.find(read.request_id);
  if (found == reads_.end()) return;
  found->second.confirmed_at = read.index;
  ServeReads();
}

// What a majority has committed is applied only once it is on this disk too, which may be later
// than the confirmation of the read. Reads are confirmed in the order of asking: thousands that
// came together cost no more than one look each.
void ActiveController::ServeReads() {
  const LogIndex applied = committed().offset();
  std::vector<std::function<void(Status)>> ready;
  while (!reads_.empty()) {
    ParkedRead& first = reads_.begin()->second;
    if (!first.confirmed_at || *first.confirmed_at > applied) break;
    ready.push_back(std::move(first.read));
    reads_.erase(reads_.begin());
  }
  for (const auto& read : ready) read({});
}

void ActiveController::OnCommitted(const std::vector<raft::Entry>& committed_entries) {
  if (term_ == Term(0)) return;
  for (const raft::Entry& entry : committed_entries) {
    const bool start = entry.type == raft::EntryType::kLeaderStart && entry.term == term_;
    if (start && !active_) Activate();
  }
  const LogIndex offset = committed().offset();
  // Entries of Raft itself move the offset without a decision of ours.
  if (working_.offset() < offset) working_ = committed();
  unclean_elections_.Committed(offset);
  std::list<Parked> ready;
  while (!parked_.empty() && parked_.front().index <= offset) {
    ready.splice(ready.end(), parked_, parked_.begin());
  }
  for (Parked& parked : ready) Committed(std::move(parked));
  ServeReads();
  CheckWaiting();
}

void ActiveController::CheckWaiting() {
  std::list<Parked> ready;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const auto next = std::next(it);
    if (IsApplied(*it)) ready.splice(ready.end(), waiting_, it);
    it = next;
  }
  for (const Parked& parked : ready) parked.done(parked.outcome, parked.index);
}

void ActiveController::OnRoleChange(const raft::RoleChange& change) {
  if (change.role == raft::Role::kLeader && change.term == term_) return;
  if (term_ != Term(0)) Deactivate();
  if (change.role == raft::Role::kLeader) term_ = change.term;
}

void ActiveController::Activate() {
  active_ = true;
  working_ = committed();
  log_evidence_ = {};
  liveness_.BecomeActive(committed(), loop_.Now());
  LogInfo("quorum", "active controller",
          {{"controller_id", options_.self}, {"term", term_}, {"offset", committed().offset()}});
  WriteFirstRecords();
  if (activated_) activated_();
}

void ActiveController::WriteFirstRecords() {
  Change<state::BootstrapOutcome> change;
  change.cause.set_principal("Controller:" + ToString(options_.self));
  change.cause.set_tool("controller");
  change.cause.set_method("BootstrapCluster");
  change.unconfirmed = true;
  change.decide = [cluster_id = options_.cluster_id](const state::DecisionContext& context) {
    return Result<state::Decision<state::BootstrapOutcome>>(
        state::BootstrapCluster(context.image, cluster_id));
  };
  change.done = [](Result<state::BootstrapOutcome>, LogIndex) {};
  Submit(std::move(change));
}

void ActiveController::Deactivate() {
  active_ = false;
  term_ = Term(0);
  working_ = committed();
  unclean_elections_.LeadershipLost();
  std::list<Parked> failed = std::exchange(parked_, {});
  failed.splice(failed.end(), waiting_);
  const auto reads = std::exchange(reads_, {});
  LogInfo("quorum", "no longer the active controller",
          {{"controller_id", options_.self}, {"failed_replies", failed.size() + reads.size()}});
  for (const Parked& parked : failed) {
    parked.done(tl::unexpected<Error>(NotController()), LogIndex(0));
  }
  for (const auto& [id, parked] : reads) parked.read(tl::unexpected<Error>(NotController()));
}

void ActiveController::OnTick() {
  const MonoTime now = loop_.Now();
  std::list<Parked> late;
  for (std::list<Parked>* list : {&parked_, &waiting_}) {
    for (auto it = list->begin(); it != list->end();) {
      const auto next = std::next(it);
      if (it->deadline <= now) late.splice(late.end(), *list, it);
      it = next;
    }
  }
  for (const Parked& parked : late) {
    const bool committed_already = parked.index <= committed().offset();
    parked.done(tl::unexpected<Error>(TimedOut(committed_already)), parked.index);
  }
  std::vector<std::function<void(Status)>> late_reads;
  for (auto it = reads_.begin(); it != reads_.end();) {
    if (it->second.deadline > now) {
      ++it;
      continue;
    }
    late_reads.push_back(std::move(it->second.read));
    it = reads_.erase(it);
  }
  for (const auto& read : late_reads) read(tl::unexpected<Error>(TimedOut(false)));
  if (!waiting_.empty()) CheckWaiting();
}

}  // namespace weir::quorum
