// HeardMembers: whom a gateway has heard of, and when last, until the controller is told.
// Thread rule: plain value, no clock: times are handed in.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "proto/group.pb.h"

namespace weir::coordinator {

class HeardMembers {
 public:
  // The latest time counts.
  void Add(std::string_view group_id, std::string_view member_id, MonoTime at);
  void Merge(const HeardMembers& others);

  bool empty() const { return groups_.empty(); }
  // By group and member id. Times that lie ahead of `now` count as now.
  group::v1::LivenessReport Report(MonoTime now) const;

 private:
  using Members = std::map<std::string, MonoTime, std::less<>>;
  std::map<std::string, Members, std::less<>> groups_;
};

}  // namespace weir::coordinator
