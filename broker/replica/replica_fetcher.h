// ReplicaFetcher: the fetch loop between this broker and one leader broker, as a value: which
// partitions to ask for next, what to do with the answers, when to try again. Events come in, what
// follows from them goes out as Actions; nothing here touches a socket, a log or a clock.
//
//   connection   idle --target--> connecting --open--> open --close, timeout--> waiting -->
//   connecting
//                any --no target left--> idle
//   partition    ready --sent--> asked --records--> handed over --OnPosition--> ready
//                                      --nothing new--> ready
//                asked, handed over --error, OnRefused--> delayed --time--> ready
//
// Laws:
//  1. A partition is asked for at most once at a time; its fetch offset is its acknowledgement, and
//     only what OnFollow and OnPosition called persisted is asked beyond (D4).
//  2. An answer counts only if the partition is still followed in the epoch and at the offset it
//  was
//     asked for (I-20 g, h). A partition that is followed anew is asked for anew (I-20 b).
//  3. The next request leaves when every partition handed over has come back: it carries all
//     acknowledgements at once, and no long poll delays one.
//  4. Errors of a partition delay that partition, errors of the connection delay all of them; each
//     try waits twice as long as the one before.
//  5. A throttled partition that has not got all below the leader's high watermark is not asked for
//     while its quota is exceeded, and not for more than the quota admits at once. The others are
//     not held up.
// Thread rule: plain value, one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/leader_epoch_cache.h"
#include "broker/log/topic_partition.h"
#include "broker/replica/fetch_clock.h"
#include "broker/replica/replication_quota.h"
#include "broker/wire/messages/fetch.h"
#include "common/base/bytes.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::replica {

using log::TopicPartition;

// Kafka's replica.fetch.* settings.
struct FetcherOptions {
  // replica.fetch.wait.max.ms: how long the leader may wait for news.
  int32_t wait_ms_max = 500;
  // replica.fetch.min.bytes.
  int32_t bytes_min = 1;
  // replica.fetch.response.max.bytes.
  int32_t response_bytes_max = 10 * 1024 * 1024;
  // replica.fetch.max.bytes: of one partition.
  int32_t partition_bytes_max = 1024 * 1024;
  // replica.fetch.backoff.ms: the longest pause after an error; the first one is 1/64 of it.
  Duration backoff_max = std::chrono::milliseconds(1000);
  // replica.socket.timeout.ms: a leader that is silent for so long beyond wait_ms_max is given up.
  Duration silence_max = std::chrono::seconds(30);
};

// Where a follower stands: what it asks its leader for next.
struct FollowerPosition {
  TopicPartition partition;
  LeaderEpoch leader_epoch;
  // All below it is persisted here, as the topic's durability asks.
  Offset fetch_offset;
  // Of the last record below fetch_offset; -1 for an empty log.
  LeaderEpoch last_fetched_epoch;
  Offset log_start_offset;
  Offset high_watermark;
  // What this replica is throttled by when it is behind; kNone for one in the ISR.
  ThrottleKind throttle = ThrottleKind::kNone;
};

// What the leader answered about one partition.
struct FollowerFetch {
  TopicPartition partition;
  // As asked.
  LeaderEpoch leader_epoch;
  Offset fetch_offset;
  // kNone or kOffsetOutOfRange.
  ErrorCode error = ErrorCode::kNone;
  // The leader's.
  Offset high_watermark;
  Offset log_start_offset;
  // Set: this replica's log parts from the leader's here, and nothing was sent (KIP-595).
  std::optional<log::EpochEnd> diverging;
  // Whole batches; empty when only the watermarks have moved.
  SharedBytes records;
};

class ReplicaFetcher {
 public:
  // What the owner must do because of an event, in this order.
  struct Actions {
    bool disconnect = false;
    bool connect = false;
    // Replica id and epoch are the owner's to fill in.
    std::optional<wire::FetchRequest> send;
    int32_t correlation_id = 0;
    // News of watermarks only: not answered.
    std::vector<FollowerFetch> tell;
    // To be answered by OnPosition or OnRefused.
    std::vector<FollowerFetch> hand_over;
  };

  // `quotas`, of all followers of this broker, outlive the fetcher; null: nothing is throttled.
  explicit ReplicaFetcher(FetcherOptions options, ThrottleQuotas* quotas = nullptr)
      : options_(options), quotas_(quotas) {}

  // The partition is led by that broker from `position` on. Replaces what was known of it.
  Actions OnFollow(const FollowerPosition& position, MonoTime now);
  // It is not any more. Unknown partitions are ignored.
  Actions OnUnfollow(const TopicPartition& partition, MonoTime now);

  Actions OnConnected(MonoTime now);
  Actions OnDisconnected(MonoTime now);
  // Records of the response become slices of it. REQUIRES: it came on the open connection.
  Actions OnResponse(int32_t correlation_id, wire::FetchResponse response, MonoTime now);

  // What was handed over has been dealt with, and persisted. Of another epoch than the one
  // followed: ignored.
  Actions OnPosition(const FollowerPosition& position, MonoTime now);
  // The replica could not take what was handed over: it stays where it was.
  Actions OnRefused(const TopicPartition& partition, LeaderEpoch epoch, MonoTime now);

  // Time has passed.
  Actions OnTick(MonoTime now);
  // When OnTick is wanted; max() for never.
  MonoTime NextTick() const;

  size_t partition_count() const { return followed_.size(); }
  // "open partitions=3 asked=2 handed_over=1 in_flight=1"
  std::string Describe() const;

 private:
  enum class Link { kIdle, kWaiting, kConnecting, kOpen };
  enum class Stage { kReady, kAsked, kHandedOver, kDelayed };

  struct Followed {
    FollowerPosition position;
    Stage stage = Stage::kReady;
    // The request that asks for it, while kAsked.
    int32_t correlation_id = 0;
    // It has not been asked for since OnFollow: worth interrupting a long poll.
    bool fresh = true;
    MonoTime retry_at;
    int failures = 0;
    // What the leader last called its high watermark; -1: it has not answered since OnFollow.
    Offset leader_high_watermark{-1};
    // What the request that asks for it counts against.
    ThrottleKind counts_for = ThrottleKind::kNone;
  };
  using FollowedMap = std::map<TopicPartition, Followed>;

  struct InFlight {
    int32_t correlation_id;
    MonoTime deadline;
  };

  // Sends the next request if that is due, and connects or disconnects.
  Actions Proceed(Actions actions, MonoTime now);
  void SendDue(Actions& actions, MonoTime now);
  void Ask(Actions& actions, bool only_fresh, MonoTime now);
  void AddToRequest(wire::FetchRequest& request, FollowedMap::value_type& entry,
                    int32_t correlation_id, int32_t bytes_max) const;
  // How much may be asked for of the partition, beside what the request has `asked` for of
  // throttled ones. Zero: it is delayed until its quota admits more.
  int32_t Admitted(Followed& followed, ThrottledBytes& asked, MonoTime now) const;
  void OnAnswer(Followed& followed, wire::FetchResponse::Partition& answer, Actions& actions,
                MonoTime now);
  void Delay(Followed& followed, MonoTime now);
  void LoseConnection(MonoTime now);
  Duration Backoff(int failures) const;
  bool AnyInStage(Stage stage) const { return CountOf(stage) > 0; }
  size_t CountOf(Stage stage) const;

  FetcherOptions options_;
  ThrottleQuotas* quotas_;
  Link link_ = Link::kIdle;
  // Of kWaiting: when to connect. Of kConnecting: when to give up.
  MonoTime link_deadline_ = MonoTime::max();
  int connect_failures_ = 0;
  FollowedMap followed_;
  std::deque<InFlight> in_flight_;
  int32_t last_correlation_id_ = 0;
  // Of the last answer that came on this connection (fetch_clock.h).
  int32_t answer_id_ = kNoAnswer;
  // Where the next request begins, so that no partition starves behind those before it.
  TopicPartition first_;
};

}  // namespace weir::replica
