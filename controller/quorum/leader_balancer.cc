#include "controller/quorum/leader_balancer.h"

#include <utility>

#include "common/runtime/log.h"

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
  if (now >= *next_) Decide();
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
  Change<state::BalanceOutcome> change;
  change.cause.set_principal("Controller:" + ToString(options_.self));
  change.cause.set_tool("controller");
  change.cause.set_method("BalanceLeaders");
  change.deadline = loop_.Now() + kBatchTimeout;
  change.wait_for_brokers = true;
  change.unconfirmed = true;
  change.decide = [this](const state::DecisionContext& context) {
    const auto may_take_back = [this, &context](NodeId id) {
      const auto before = before_.find(id);
      const metadata::Broker* broker = context.image.FindBroker(id);
      return options_.return_leaderships && before != before_.end() && broker != nullptr &&
             broker->epoch == before->second;
    };
    return Result<state::Decision<state::BalanceOutcome>>(
        state::BalanceLeaders(context, may_take_back, kLeaderChangesPerBatchMax));
  };
  change.done = [this](Result<state::BalanceOutcome> outcome, LogIndex) { Decided(outcome); };
  controller_.Submit(std::move(change));
}

void LeaderBalancer::Decided(const Result<state::BalanceOutcome>& outcome) {
  deciding_ = false;
  continues_ = outcome && outcome->more;
  next_ = loop_.Now() + (continues_ ? Duration(0) : options_.interval);
  if (!outcome || outcome->returned + outcome->repaired == 0) return;
  LogInfo("quorum", "leaders balanced",
          {{"returned_to_preferred", outcome->returned}, {"repaired", outcome->repaired}});
}

}  // namespace weir::quorum
