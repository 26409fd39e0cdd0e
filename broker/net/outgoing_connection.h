// TcpDialer: connections from this broker to others, on a shard's loop.
//
// Laws:
//  1. Those of FrameConnection.
//  2. Frames are handed over as slices of what was read: record batches in them are not copied.
//  3. The sender keeps few requests under way, so nothing here bounds what waits to be sent.
// Thread rule: the shard's thread.
#pragma once

#include <memory>
#include <string>

#include "broker/net/shard.h"
#include "common/base/frame_connection.h"

namespace weir::net {

class TcpDialer : public FrameDialer {
 public:
  // `frame_bytes_max`: larger frames close the connection.
  TcpDialer(Shard& shard, size_t frame_bytes_max)
      : shard_(shard), frame_bytes_max_(frame_bytes_max) {}

  std::unique_ptr<FrameConnection> Dial(const std::string& host, uint16_t port,
                                        FrameEvents events) override;

 private:
  Shard& shard_;
  size_t frame_bytes_max_;
};

}  // namespace weir::net
