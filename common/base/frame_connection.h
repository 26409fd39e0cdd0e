// FrameConnection: the port through which a node speaks the Kafka protocol to another node: a
// connection that carries frames, each with its int32 size in front. Production stands on TCP, the
// simulator on its own network.
//
// Laws:
//  1. Events come on the executor that the dialer belongs to, never inside a call of Dial or Send.
//  2. on_open comes at most once and first, then on_frame in the order of arrival; on_close at most
//     once and last. Destroying the connection closes it, and no event comes afterwards.
// Thread rule: the dialer's executor only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/base/bytes.h"

namespace weir {

class FrameConnection {
 public:
  virtual ~FrameConnection() = default;
  // `parts` together are one or more whole frames, sizes included. REQUIRES: on_open has come.
  virtual void Send(std::vector<SharedBytes> parts) = 0;
};

struct FrameEvents {
  absl::AnyInvocable<void()> on_open;
  // A frame without its size.
  absl::AnyInvocable<void(SharedBytes)> on_frame;
  // The connection could not be made, has ended, or was not understood; why, for the log.
  absl::AnyInvocable<void(std::string)> on_close;
};

class FrameDialer {
 public:
  virtual ~FrameDialer() = default;
  virtual std::unique_ptr<FrameConnection> Dial(const std::string& host, uint16_t port,
                                                FrameEvents events) = 0;
};

}  // namespace weir
