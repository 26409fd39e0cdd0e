// LivenessReporter: tells the active controller whom this broker's gateways have heard of (D6), and
// which static members have lost their connections.
//
// Laws:
//  1. One report for all gateways, at most one per kReportInterval and one under way at a time;
//     none while nobody was heard of. That a connection has ended does not wait for the interval:
//     somebody may be about to take the member's place; nor does what had no room in a report.
//  2. What a lost report said goes with the next one: no sign of life is lost while the controllers
//     change.
// Thread rule: the metadata thread.
#pragma once

#include <memory>
#include <optional>

#include "broker/coordinator/heard_members.h"
#include "broker/metadata/group_port.h"
#include "common/base/executor.h"

namespace weir::coordinator {

// A part of the shortest session, which is a broker's own: 3 s by default.
inline constexpr Duration kReportInterval = std::chrono::seconds(1);
// About ten thousand members of common names.
inline constexpr size_t kReportBytesTarget = 1024 * 1024;

class LivenessReporter {
 public:
  LivenessReporter(std::shared_ptr<Executor> thread, broker::GroupPort& controllers)
      : thread_(std::move(thread)), controllers_(controllers) {}

  void Heard(const HeardMembers& members);

 private:
  void SendWhenDue();
  void Send();
  void OnDone(bool delivered);

  const std::shared_ptr<Executor> thread_;
  broker::GroupPort& controllers_;
  HeardMembers heard_;
  // The last report had no room for all of it.
  bool left_over_ = false;
  // Of the report under way.
  HeardMembers sent_;
  bool under_way_ = false;
  // The last one; until one is, each waits for the interval.
  bool delivered_ = true;
  bool scheduled_ = false;
  std::optional<MonoTime> last_sent_;
};

}  // namespace weir::coordinator
