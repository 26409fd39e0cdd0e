// MemberGroup: a group of simulated members, each with a connection of its own, as a run sees it
// whichever protocol they speak.
//
// Law: once settled, every living member has its assignment of the newest generation, and each
// partition is assigned to exactly one of them, or the run has ended with Fatal.
// Thread rule: the shard's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "common/base/error_code.h"
#include "tests/bench/groups/broker_link.h"
#include "tests/bench/histogram.h"

namespace weir::bench {

struct GroupSettings {
  std::string group_id;
  std::string topic;
  int partitions = 1;
  int32_t session_timeout_ms = 45'000;
  // How long members wait for each other: Kafka's max.poll.interval.ms.
  int32_t rebalance_timeout_ms = 300'000;
  // 0: no heartbeats.
  int32_t heartbeat_ms = 3'000;
};

// What all members of a run add up.
struct GroupCounts {
  Histogram heartbeats;
  int64_t rejoins = 0;
};

// A consumer's retry.backoff.ms.
inline constexpr int64_t kMemberRetryMs = 100;

// Whether a member asks the same again after kMemberRetryMs.
inline bool IsForLater(ErrorCode error) {
  return error == ErrorCode::kCoordinatorNotAvailable ||
         error == ErrorCode::kCoordinatorLoadInProgress || error == ErrorCode::kNotCoordinator;
}

class MemberGroup {
 public:
  MemberGroup(GroupSettings settings, net::Shard& shard, net::TcpDialer& dialer,
              GroupCounts& counts, Endpoint coordinator)
      : settings_(std::move(settings)),
        shard_(shard),
        dialer_(dialer),
        counts_(counts),
        coordinator_(std::move(coordinator)) {}
  MemberGroup(const MemberGroup&) = delete;
  MemberGroup& operator=(const MemberGroup&) = delete;
  virtual ~MemberGroup() = default;

  // Adds a member, which has not joined.
  virtual void AddMember() = 0;
  virtual bool IsConnected() const = 0;
  virtual void JoinAll() = 0;
  // The last so many members go: with a farewell, or without; `left`, where given, runs once it was
  // heard.
  virtual void Leave(size_t count, std::function<void()> left) = 0;
  virtual void Crash(size_t count) = 0;
  virtual size_t size() const = 0;

  bool IsSettled() const { return settled_us_ > 0; }
  // When the law came true.
  int64_t settled_us() const { return settled_us_; }
  // The newest; of the consumer protocol: the group's epoch.
  int32_t generation() const { return newest_; }
  const GroupSettings& settings() const { return settings_; }
  const Endpoint& coordinator() const { return coordinator_; }

 protected:
  const GroupSettings settings_;
  net::Shard& shard_;
  net::TcpDialer& dialer_;
  GroupCounts& counts_;
  const Endpoint coordinator_;
  int32_t newest_ = 0;
  // Only a generation from here on settles the group.
  int32_t expected_min_ = 1;
  int64_t settled_us_ = 0;
};

}  // namespace weir::bench
