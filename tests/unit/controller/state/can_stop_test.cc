// What `weir broker can-stop` foretells is what a controlled shutdown does.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "controller/state/drain.h"
#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

struct Harm {
  int64_t unavailable = 0;
  int64_t below_min_isr = 0;

  friend bool operator==(const Harm&, const Harm&) = default;
};

std::ostream& operator<<(std::ostream& out, const Harm& harm) {
  return out << harm.unavailable << " without leader, " << harm.below_min_isr << " below";
}

Harm Foretold(StateHarness& cluster, int32_t id) {
  admin::v1::CanStopBrokerRequest request;
  request.set_broker_id(id);
  const auto reply = CanStopBroker(cluster.image, cluster.defaults, request);
  EXPECT_EQ(reply->can_stop(), reply->unavailable_count() + reply->below_min_isr_count() == 0);
  return {reply->unavailable_count(), reply->below_min_isr_count()};
}

// Of a controlled shutdown, of which the cluster itself sees nothing.
Harm Done(StateHarness& cluster, int32_t id) {
  broker::v1::Heartbeat heartbeat = cluster.HeartbeatOf(id);
  heartbeat.set_want_shutdown(true);
  const auto decision = HandleHeartbeat(cluster.context(), NodeId(id), heartbeat);
  metadata::MetadataImage after = cluster.image;
  metadata::v1::MetadataBatch batch;
  for (const MetadataRecord& record : decision->records) *batch.add_records() = record;
  metadata::Apply(after, batch, after.offset() + 1);
  Harm harm;
  for (const auto& [topic_id, topic] : cluster.image.topics()) {
    const int32_t min_isr =
        metadata::EffectiveTopicConfig({cluster.image, kNoNode, &cluster.defaults.static_config},
                                       topic.name)
            .min_insync_replicas;
    for (const auto& [index, before] : topic.partitions) {
      const metadata::Partition& now = *after.FindTopic(topic_id)->FindPartition(index);
      const size_t enough = std::min(static_cast<size_t>(min_isr), before.replicas.size());
      if (before.leader != kNoNode && now.leader == kNoNode) {
        ++harm.unavailable;
      } else if (before.isr.size() >= enough && now.isr.size() < enough) {
        ++harm.below_min_isr;
      }
    }
  }
  return harm;
}

TEST(CanStop, ForetellsWhatAControlledShutdownDoes) {
  size_t harmless = 0;
  size_t harmful = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    StateHarness cluster(seed);
    for (const int32_t id : {1, 2, 3, 4}) cluster.AddBroker(id);
    for (int32_t replicas = 1; replicas <= 3; ++replicas) {
      cluster.CreateTopic("t" + std::to_string(replicas), 3, replicas,
                          {{"min.insync.replicas", std::to_string(1 + cluster.prng.Below(3))}});
    }
    for (int step = 0; step < 12; ++step) {
      const auto id = static_cast<int32_t>(1 + cluster.prng.Below(4));
      if (cluster.image.IsLive(NodeId(id))) {
        cluster.Fence(id);
      } else {
        cluster.Unfence(id);
      }
      for (const int32_t stopping : {1, 2, 3, 4}) {
        if (!cluster.image.IsLive(NodeId(stopping))) continue;
        const Harm foretold = Foretold(cluster, stopping);
        EXPECT_EQ(foretold, Done(cluster, stopping)) << "seed " << seed << " step " << step;
        ++(foretold == Harm{} ? harmless : harmful);
      }
    }
  }
  EXPECT_GT(harmless, 50u);
  EXPECT_GT(harmful, 50u);
}

}  // namespace
}  // namespace weir::state
