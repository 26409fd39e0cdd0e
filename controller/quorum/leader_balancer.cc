#include "controller/quorum/leader_balancer.h"

#include <utility>

#include "common/runtime/log.h"
#include "controller/state/full_disks.h"

namespace weir::quorum {
namespace {

// For brokers that are slow to apply; those that are silent are fenced long before.
constexpr Duration kBatchTimeout = std::chrono::seconds(30);

}  // namespace

void LeaderBalancer::OnTick() {
  if (deciding_) return;
  if (!controller_.active()) {
    next_.reset();
    return;
  }
  const MonoTime now = loop_.Now();
  if (!next_) {
    next_ = now + options_.interval;
    now_ = UsableNow();
    continues_ = false;
  }
  const bool disks_changed = controller_.liveness().room_changes() != room_changes_;
  if (now >= *next_ || disks_changed) Decide();
}

LeaderBalancer::Lives LeaderBalancer::UsableNow() const {
  Lives lives;
  const metadata::MetadataImage& image = controller_.working();
  for (const auto& [id, broker] : image.brokers()) {
    if (image.IsUsableAsLeader(id)) lives.emplace(id, broker.epoch);
  }
  return lives;
}

void LeaderBalancer::Decide() {
  if (!continues_) before_ = std::exchange(now_, UsableNow());
  deciding_ = true;
  room_changes_ = controller_.liveness().room_changes();
  Change<state::BalanceOutcome> change;
  change.cause.set_principal("Controller:" + ToString(options_.self));
  change.cause.set_tool("controller");
  change.cause.set_method("BalanceLeaders");
  change.deadline = loop_.Now() + kBatchTimeout;
  change.wait_for_brokers = true;
  change.unconfirmed = true;
  change.decide = [this](const state::DecisionContext& context) { return Decision(context); };
  change.done = [this](Result<state::BalanceOutcome> outcome, LogIndex) { Decided(outcome); };
  controller_.Submit(std::move(change));
}

Result<state::Decision<state::BalanceOutcome>> LeaderBalancer::Decision(
    const state::DecisionContext& context) const {
  const state::Liveness& liveness = controller_.liveness();
  const auto has_room = [&liveness](NodeId id, const Uuid& topic_id, PartitionIndex index) {
    return liveness.HasRoom(id, topic_id, index);
  };
  const auto may_take_back = [&](NodeId id, const Uuid& topic_id, PartitionIndex index) {
    const auto before = before_.find(id);
    const metadata::Broker* broker = context.image.FindBroker(id);
    return options_.return_leaderships && before != before_.end() && broker != nullptr &&
           broker->epoch == before->second && has_room(id, topic_id, index);
  };
  state::Decision<state::BalanceOutcome> off_full_disks;
  state::BalanceOutcome& outcome = off_full_disks.reply;
  if (!liveness.AllHaveRoom()) {
    outcome.more = state::AppendChangesForFullDisks(context, has_room, kLeaderChangesPerBatchMax,
                                                    &off_full_disks.records);
  }
  if (off_full_disks.records.empty()) {
    return state::BalanceLeaders(context, may_take_back, kLeaderChangesPerBatchMax);
  }
  // One thing at a time; the rest is looked at once this is applied.
  outcome.off_full_disks = off_full_disks.records.size();
  outcome.more = true;
  return off_full_disks;
}

void LeaderBalancer::Decided(const Result<state::BalanceOutcome>& outcome) {
  deciding_ = false;
  continues_ = outcome && outcome->more;
  next_ = loop_.Now() + (continues_ ? Duration(0) : options_.interval);
  if (!outcome) return;
  if (outcome->returned + outcome->repaired + outcome->off_full_disks == 0) return;
  LogInfo("quorum", "leaders balanced",
          {{"returned_to_preferred", outcome->returned},
           {"repaired", outcome->repaired},
           {"moved_off_full_disks", outcome->off_full_disks}});
}

}  // namespace weir::quorum
