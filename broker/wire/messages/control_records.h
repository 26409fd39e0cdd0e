// Keys and values of control records: the markers that end transactions (KIP-98). An int16 version
// leads both. Fields and versions are those of the protocol; describe.h says how they
// are read. Thread rule: plain values.
#pragma once

#include <cstdint>

#include "broker/wire/describe.h"

namespace weir::wire {

// Key: 0 abort, 1 commit.
struct ControlRecordTypeSchema {
  static constexpr MessageInfo kInfo{
      ApiKey::kNone, "ControlRecordTypeSchema", {0, 0}, kNeverFlexible};

  int16_t type = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Type", self.type, Always());
  }
  friend bool operator==(const ControlRecordTypeSchema&, const ControlRecordTypeSchema&) = default;
};

// Value: the coordinator's epoch, so that a zombie coordinator's marker is known.
struct EndTxnMarker {
  static constexpr MessageInfo kInfo{ApiKey::kNone, "EndTxnMarker", {0, 0}, kNeverFlexible};

  int32_t coordinator_epoch = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("CoordinatorEpoch", self.coordinator_epoch, Always());
  }
  friend bool operator==(const EndTxnMarker&, const EndTxnMarker&) = default;
};

}  // namespace weir::wire
