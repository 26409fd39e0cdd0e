// What classic consumers put into the opaque bytes of JoinGroup and SyncGroup (protocol type
// "consumer"): a controller reads and writes it where groups migrate between the protocols
// (KIP-848).
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::state {

inline constexpr std::string_view kConsumerProtocolType = "consumer";

// Topic name -> partitions.
using PartitionsByName = std::map<std::string, std::vector<int32_t>>;

struct ClassicSubscription {
  int16_t version = 0;
  std::vector<std::string> topics;
  // What it owns; empty before version 1, whose members give all up before they join.
  PartitionsByName owned;
  // Empty: not said.
  std::string rack_id;
};

struct ClassicAssignment {
  PartitionsByName partitions;
  // A custom assignor told the member more than that.
  bool has_user_data = false;
};

// nullopt: the bytes are none. Later versions are read as version 3.
std::optional<ClassicSubscription> ParseClassicSubscription(std::string_view bytes);
std::optional<ClassicAssignment> ParseClassicAssignment(std::string_view bytes);

std::string SerializeClassicAssignment(int16_t version, const PartitionsByName& partitions);

}  // namespace weir::state
