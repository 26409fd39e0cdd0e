// Strong types for every id, offset and epoch, so that a leader epoch cannot be passed where a
// partition epoch is wanted. Raw integers stay in broker/wire and in the generated protobuf
// classes.
//
// Thread rule: plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace weir {

// An integer with a name. Explicit in both directions; ordered; counts up and down by plain
// numbers.
template <class Tag, class Rep>
class StrongInt {
 public:
  using Representation = Rep;

  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;
  friend constexpr StrongInt operator+(StrongInt a, Rep b) {
    return StrongInt(static_cast<Rep>(a.value_ + b));
  }
  friend constexpr StrongInt operator-(StrongInt a, Rep b) {
    return StrongInt(static_cast<Rep>(a.value_ - b));
  }
  // The distance between two of a kind is a plain number.
  friend constexpr Rep operator-(StrongInt a, StrongInt b) {
    return static_cast<Rep>(a.value_ - b.value_);
  }
  constexpr StrongInt& operator++() {
    ++value_;
    return *this;
  }
  friend std::ostream& operator<<(std::ostream& out, StrongInt id) { return out << +id.value_; }

 private:
  Rep value_ = 0;
};

template <class Tag, class Rep>
std::string ToString(StrongInt<Tag, Rep> id) {
  return std::to_string(id.value());
}

// Controllers and brokers have node ids of their own kind: broker 1 and controller 1 are two
// processes.
using NodeId = StrongInt<struct NodeIdTag, int32_t>;
using PartitionIndex = StrongInt<struct PartitionIndexTag, int32_t>;

// Raft (thesis section 3): terms and log indexes count from 1; 0 means "none".
using Term = StrongInt<struct TermTag, uint64_t>;
using LogIndex = StrongInt<struct LogIndexTag, uint64_t>;

// Positions in a partition's log, in records. -1 means "unknown" on the wire.
using Offset = StrongInt<struct OffsetTag, int64_t>;
using LeaderEpoch = StrongInt<struct LeaderEpochTag, int32_t>;
using PartitionEpoch = StrongInt<struct PartitionEpochTag, int32_t>;
// The metadata log index of the broker's registration record: a restarted broker is a new one
// (I-16).
using BrokerEpoch = StrongInt<struct BrokerEpochTag, int64_t>;

// Idempotent producers (KIP-98).
using ProducerId = StrongInt<struct ProducerIdTag, int64_t>;
using ProducerEpoch = StrongInt<struct ProducerEpochTag, int16_t>;

inline constexpr NodeId kNoNode{-1};
inline constexpr ProducerId kNoProducerId{-1};
inline constexpr BrokerEpoch kNoBrokerEpoch{-1};

}  // namespace weir

template <class Tag, class Rep>
struct std::hash<weir::StrongInt<Tag, Rep>> {
  size_t operator()(weir::StrongInt<Tag, Rep> id) const { return std::hash<Rep>()(id.value()); }
};
