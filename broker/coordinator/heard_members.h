// HeardMembers: whom a gateway has heard of, and when last, and whose connection has ended, until
// the controller is told.
// Thread rule: plain value, no clock: times are handed in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "proto/group.pb.h"

namespace weir::coordinator {

class HeardMembers {
 public:
  // The latest time counts, of each.
  void Add(std::string_view group_id, std::string_view member_id, MonoTime at);
  void AddLost(std::string_view group_id, std::string_view member_id, MonoTime at);
  void Merge(const HeardMembers& others);
  // Takes out as many as a report of `bytes_max` bytes or little more holds, in their order; one at
  // least.
  HeardMembers Take(size_t bytes_max);

  bool empty() const { return groups_.empty(); }
  bool has_lost() const { return has_lost_; }
  // By group and member id. Times that lie ahead of `now` count as now. Who was heard of later has
  // not lost its connection.
  group::v1::LivenessReport Report(MonoTime now) const;

 private:
  // One of them at least.
  struct Signs {
    std::optional<MonoTime> heard;
    std::optional<MonoTime> lost;
  };
  using Members = std::map<std::string, Signs, std::less<>>;

  Signs& SignsOf(std::string_view group_id, std::string_view member_id);

  std::map<std::string, Members, std::less<>> groups_;
  bool has_lost_ = false;
};

}  // namespace weir::coordinator
