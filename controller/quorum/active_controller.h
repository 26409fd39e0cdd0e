// ActiveController: the one place where the cluster changes (DESIGN D2). On the leader it decides
// on `working`, appends the records, applies them to `working`, and parks the reply until they are
// committed and, where asked for, applied by every live broker.
//
//   inactive --role: leader--> becoming --first entry of its own term committed--> active --role:
//   not leader--> inactive
//
// Laws:
//  1. Decisions see `working`; replies leave only when everything they saw is committed.
//  2. On lost leadership working = committed and every parked reply fails with NOT_CONTROLLER,
//     once.
//  3. A request id that was carried out gets its first answer again and changes nothing.
//  4. Every batch has a cause.
//  5. A reply that wrote nothing still waits for proof that this is the leader (read index): no
//     stale answers.
// Thread rule: loop thread; `done` functions are called there.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/executor.h"
#include "common/base/prng.h"
#include "controller/quorum/metadata_machine.h"
#include "controller/quorum/unclean_elections.h"
#include "controller/state/decision.h"
#include "controller/state/liveness.h"
#include "controller/state/log_evidence.h"

namespace weir::quorum {

struct ActiveControllerOptions {
  NodeId self;
  Uuid cluster_id;
  state::Defaults defaults;
  uint64_t seed = 0;
};

// A change to make, of any reply type.
template <class Reply>
struct Change {
  // Without timestamp. `method` must be set.
  metadata::v1::Cause cause;
  std::function<Result<state::Decision<Reply>>(const state::DecisionContext&)> decide;
  MonoTime deadline = MonoTime::max();
  // Also wait until every live broker has applied it.
  bool wait_for_brokers = false;
  // A decision without records may be answered at once, unconfirmed: heartbeats.
  bool unconfirmed = false;
  // The reply, and the offset at which it is true. Errors: those of `decide`; kNotController;
  // kRequestTimedOut (the change may still happen); kThrottlingQuotaExceeded; kPolicyViolation (too
  // large).
  std::function<void(Result<Reply>, LogIndex)> done;
};

class ActiveController : public MetadataListener {
 public:
  // All references must outlive it. `liveness` says which brokers are waited for.
  ActiveController(Executor& loop, RaftPort& raft, const MetadataMachine& machine,
                   state::Liveness& liveness, ActiveControllerOptions options);

  bool active() const { return active_; }
  const metadata::MetadataImage& working() const { return working_; }
  const metadata::MetadataImage& committed() const { return machine_.committed(); }
  size_t parked_count() const { return parked_.size() + waiting_.size() + reads_.size(); }

  template <class Reply>
  void Submit(Change<Reply> change);

  // The two halves of Submit, for a control that keeps soft state beside the image (GroupCalls):
  // Appends the records as one batch and applies them to working(). Errors, after which nothing has
  // changed: kNotController, kPolicyViolation (too large), kThrottlingQuotaExceeded (the log's).
  Result<LogIndex> Append(state::Records records, metadata::v1::Cause cause,
                          std::string serialized_reply = {});
  // Calls `done` with working()'s offset when all that is in it is committed and this is known to
  // be the leader (law 5), and then, where `applied` is given, once that says yes to the offset; it
  // is asked again as Submit's wait_for_brokers is. Errors: kNotController.
  using Applied = std::function<bool(LogIndex)>;
  void WhenCommitted(Applied applied, std::function<void(Status, LogIndex)> done);
  // Whether one more reply may be parked; Submit asks by itself.
  bool HasRoom() const;

  // Calls `read` when the committed image is proven to be current. Errors: kNotController,
  // kRequestTimedOut.
  void Read(MonoTime deadline, std::function<void(Status)> read);
  // Looks again whether parked replies may go: a broker has applied more, or is gone.
  void CheckWaiting();
  // Called when this controller becomes active, before any request is served.
  void OnActivated(std::function<void()> call) { activated_ = std::move(call); }
  const state::Liveness& liveness() const { return liveness_; }
  // What brokers have told this controller since it became active.
  state::LogEvidence& log_evidence() { return log_evidence_; }
  // The term in which this controller is leader or becoming it; 0 otherwise.
  Term term() const { return term_; }

  void OnRoleChange(const raft::RoleChange& change) override;
  void OnCommitted(const std::vector<raft::Entry>& committed) override;
  void OnReadState(const raft::ReadState& read) override;
  void OnTick() override;
  bool Waits() const override { return parked_count() > 0; }

 private:
  using Done = std::function<void(Status, LogIndex)>;

  // A Change without its reply type: the closures keep the reply.
  struct ErasedChange {
    metadata::v1::Cause cause;
    // The records; the reply is kept aside, and serialized into the string.
    std::function<Result<state::Records>(const state::DecisionContext&, std::string*)> decide;
    // Takes the first answer to the same request as the reply.
    std::function<void(const std::string&)> restore;
    MonoTime deadline;
    bool wait_for_brokers = false;
    bool unconfirmed = false;
    Done done;
  };
  struct Parked {
    LogIndex index;
    MonoTime deadline;
    // Empty: the commit is enough.
    Applied applied;
    Status outcome;
    Done done;
  };
  struct ParkedRead {
    MonoTime deadline;
    std::function<void(Status)> read;
    // Set once a majority has confirmed the leader: the read waits for this index to be applied.
    std::optional<LogIndex> confirmed_at;
  };

  void SubmitErased(ErasedChange change);
  void Park(ErasedChange& change, Status outcome);
  void Park(Parked parked, bool unconfirmed);
  Applied AppliedByAllLive() const;
  bool IsApplied(const Parked& parked) const;
  void Committed(Parked parked);
  void ServeReads();
  void Activate();
  void Deactivate();
  void WriteFirstRecords();

  Executor& loop_;
  RaftPort& raft_;
  const MetadataMachine& machine_;
  state::Liveness& liveness_;
  const ActiveControllerOptions options_;
  Prng prng_;
  std::function<void()> activated_;

  bool active_ = false;
  Term term_;
  metadata::MetadataImage working_;
  UncleanElections unclean_elections_;
  state::LogEvidence log_evidence_;
  std::list<Parked> parked_;   // until committed, in order of index
  std::list<Parked> waiting_;  // until applied by those brokers that matter
  uint64_t next_read_ = 1;
  std::map<uint64_t, ParkedRead> reads_;
};

template <class Reply>
void ActiveController::Submit(Change<Reply> change) {
  constexpr bool kIsMessage = std::is_base_of_v<google::protobuf::Message, Reply>;
  auto reply = std::make_shared<Reply>();
  ErasedChange erased;
  erased.cause = std::move(change.cause);
  erased.deadline = change.deadline;
  erased.wait_for_brokers = change.wait_for_brokers;
  erased.unconfirmed = change.unconfirmed;
  erased.decide = [decide = std::move(change.decide), reply](
                      const state::DecisionContext& context,
                      std::string* serialized) -> Result<state::Records> {
    WEIR_ASSIGN_OR_RETURN(state::Decision<Reply> decision, decide(context));
    *reply = std::move(decision.reply);
    if constexpr (kIsMessage) *serialized = reply->SerializeAsString();
    return std::move(decision.records);
  };
  erased.restore = [reply](const std::string& serialized) {
    if constexpr (kIsMessage) reply->ParseFromString(serialized);
  };
  erased.done = [reply, done = std::move(change.done)](Status status, LogIndex index) {
    if (!status) return done(tl::unexpected<Error>(status.error()), index);
    done(std::move(*reply), index);
  };
  SubmitErased(std::move(erased));
}

}  // namespace weir::quorum
