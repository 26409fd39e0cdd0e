// Partition: the laws of one replica, as a value: who leads, in which epoch, who is in sync, and
// how far the high watermark may go. Events come in, what follows from them goes out as Actions;
// nothing here touches a log or a clock.
//
//   state      OnLeaderChange(self)   OnLeaderChange(other)   OnFollowerFetch   OnTick
//   follower   -> leader              -> follower             refused           stays
//   leader     stays (new epoch)      -> follower             hw, ISR grows     ISR shrinks
//
// Laws:
//  1. high watermark <= persisted end of every replica that is in sync or may have become so: a
//     replica proposed for the ISR counts from the proposal on, one proposed to leave counts until
//     the controller has agreed (KIP-497's maximal ISR, I-13). Of a replica that has not fetched
//     from this leader nothing is known.
//  2. The high watermark never goes back while a replica leads, and does not move while the ISR is
//     smaller than min.insync.replicas asks (KIP-966).
//  3. Leader epochs and partition epochs only grow: older news is ignored (I-41).
//  4. A replica joins the ISR when it has reached the high watermark and the offset at which this
//     leader began (I-14); it leaves when it has not been caught up for replica.lag.time.max.ms.
//     One that keeps up from fetch to fetch holds the high watermark until it has joined: else it
//     would stay one round trip behind for as long as producers go on. It holds nothing when it
//     was silent for kJoinPatience, between two fetches or since, or was refused (I-35).
//  5. One change of the ISR is proposed at a time. It may have been committed whatever the answer,
//     until newer metadata or a refusal that proves otherwise.
//  6. Only the leader takes writes, and only in the epoch the client believes in (KIP-320).
// Thread rule: plain value, one owner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::replica {

// What the metadata says about a partition.
struct LeaderAndIsr {
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch{-1};
  PartitionEpoch partition_epoch{-1};
  // Preferred leader first.
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
};

struct IsrMember {
  NodeId broker;
  // The life in which it fetched (KIP-903); kNoBrokerEpoch for this broker and for a member that
  // has not fetched from this leader.
  BrokerEpoch epoch = kNoBrokerEpoch;

  friend bool operator==(const IsrMember&, const IsrMember&) = default;
};

// What the leader asks of the controller (AlterPartition).
struct IsrProposal {
  LeaderEpoch leader_epoch;
  // The change is to be made to.
  PartitionEpoch partition_epoch;
  std::vector<IsrMember> isr;

  friend bool operator==(const IsrProposal&, const IsrProposal&) = default;
};

// What the controller said to it.
struct IsrAnswer {
  ErrorCode error = ErrorCode::kNone;
  LeaderEpoch leader_epoch{-1};
  PartitionEpoch partition_epoch{-1};
  std::vector<NodeId> isr;
  // Of the proposal that this answers: one made since is not touched. -1 answers any.
  PartitionEpoch asked{-1};
};

class Partition {
 public:
  // How long a proposal that was not granted rests.
  static constexpr Duration kProposalPause = std::chrono::seconds(1);
  // How long a replica that is about to join the ISR may be silent.
  static constexpr Duration kJoinPatience = std::chrono::milliseconds(500);

  // What the owner must do because of an event.
  struct Actions {
    // Begin the epoch in the log; requests are served from now on.
    bool began_leading = false;
    // Requests that wait here must be answered NOT_LEADER_OR_FOLLOWER.
    bool stopped_leading = false;
    // Fetch from leader() in leader_epoch() from now on, from nobody else; kNoNode: from nobody.
    bool leader_to_follow_changed = false;
    // Requests that wait for the high watermark may go on.
    bool high_watermark_moved = false;
    // To be sent to the controller; OnIsrAnswer tells what became of it.
    std::optional<IsrProposal> propose;

    friend bool operator==(const Actions&, const Actions&) = default;
  };

  // A replica whose log holds everything below `persisted_end`.
  Partition(NodeId self, Offset log_start, Offset persisted_end)
      : self_(self),
        persisted_end_(persisted_end),
        log_end_(persisted_end),
        high_watermark_(log_start) {}

  Actions OnLeaderChange(LeaderAndIsr news, MonoTime now);
  void set_min_insync_replicas(int32_t count) { min_insync_replicas_ = count; }
  // The log ends at `log_end` now.
  void OnAppend(Offset log_end);
  // Everything below `persisted_end` survives a crash of this broker.
  Actions OnPersisted(Offset persisted_end);

  // ---- Of a leader ----
  // Whether `replica` may fetch in that life: kNone or kNotLeaderOrFollower.
  ErrorCode CheckFollower(NodeId replica, BrokerEpoch epoch) const;
  // `replica` has persisted everything below `fetch_offset`, and sent this after `sent_after`,
  // min() if that is unknown. REQUIRES: CheckFollower agreed, and its log does not part from this
  // one.
  Actions OnFollowerFetch(NodeId replica, BrokerEpoch epoch, Offset fetch_offset, MonoTime now,
                          MonoTime sent_after = MonoTime::min());
  // Whether `replica` copies what it missed, and may be throttled: nobody waits for it. One in the
  // ISR, proposed for it, or about to join it holds the high watermark, and may not.
  bool IsCatchingUp(NodeId replica) const;
  // Time has passed: to be called a few times per `lag_max`.
  Actions OnTick(MonoTime now, Duration lag_max);
  Actions OnIsrAnswer(const IsrAnswer& answer, MonoTime now);

  // ---- Of a follower ----
  // What the leader called its high watermark.
  Actions OnLeaderHighWatermark(Offset high_watermark);
  // The log was cut and ends at `log_end` now, everything persisted. The high watermark goes back
  // with it only after an unclean election.
  void OnTruncate(Offset log_end);

  bool leading() const { return state_.leader == self_; }
  NodeId leader() const { return state_.leader; }
  LeaderEpoch leader_epoch() const { return state_.leader_epoch; }
  PartitionEpoch partition_epoch() const { return state_.partition_epoch; }
  Offset high_watermark() const { return high_watermark_; }
  Offset log_end() const { return log_end_; }
  const std::vector<NodeId>& isr() const { return state_.isr; }
  size_t isr_size() const { return state_.isr.size(); }
  // Whether the ISR is as large as min.insync.replicas asks, or as there are replicas.
  bool enough_in_sync() const;
  // When OnTick is wanted because a replica outside the ISR holds the high watermark and may have
  // fallen silent; MonoTime::max() while none does.
  MonoTime joining_until() const;
  bool replicated() const { return state_.replicas.size() > 1; }
  // Whether all that are in sync, or may be, sent a fetch since then: none of them led instead.
  bool IsFollowedSince(MonoTime since) const;
  // Everything acknowledged in earlier epochs lies below the high watermark: until then a leader
  // does not know where the readable log ends (KIP-207).
  bool high_watermark_is_current() const { return high_watermark_ >= epoch_start_; }

  // Whether a client may be served that believes in `current` (-1: does not say).
  // kNone, kNotLeaderOrFollower, kFencedLeaderEpoch or kUnknownLeaderEpoch.
  ErrorCode CheckServing(LeaderEpoch current) const;
  // The same for a read, which a follower may serve too (KIP-392).
  ErrorCode CheckReading(LeaderEpoch current) const;
  // Whether an append with `acks` is taken: also kInvalidRequiredAcks, kNotEnoughReplicas.
  ErrorCode CheckAppend(int16_t acks) const;

  // "leader epoch=3 hw=10 persisted=12 end=14 isr=[1]"
  std::string Describe() const;

 private:
  struct Follower {
    BrokerEpoch epoch = kNoBrokerEpoch;
    // All below it is persisted there; -1: it has not fetched from this leader.
    Offset fetch_offset{-1};
    // Where this log ended when it last fetched, and when that was.
    Offset log_end_then{-1};
    MonoTime fetched_at;
    // It followed after then: the latest of what its fetches said.
    MonoTime followed_after = MonoTime::min();
    // The last moment at which it had everything.
    MonoTime caught_up_at;
    // Outside the ISR, it had at its last fetch what was there at the one before.
    bool joining = false;
  };
  struct Pending {
    IsrProposal proposal;
    MonoTime send_again_at = MonoTime::max();
  };

  void BeginLeading(MonoTime now);
  void StopJoining();
  bool MoveHighWatermark();
  bool InIsr(NodeId replica) const;
  bool InReplicas(NodeId replica) const;
  // Proposes `isr` if nothing else is proposed.
  void Propose(std::vector<NodeId> isr, Actions& actions);
  void SendAgainIfDue(MonoTime now, Actions& actions);

  NodeId self_;
  LeaderAndIsr state_;
  int32_t min_insync_replicas_ = 1;
  Offset persisted_end_;
  Offset log_end_;
  Offset high_watermark_;

  // Of a leader: where its epoch began, the other replicas, what the controller is asked.
  Offset epoch_start_{0};
  std::map<NodeId, Follower> followers_;
  std::optional<Pending> pending_;
  MonoTime propose_after_;
  // Of a follower: the leader's high watermark, which may lie beyond this log.
  Offset leader_high_watermark_{0};
};

}  // namespace weir::replica
