// Channels to controllers: keepalive and message limits, one connection per address and use.
//
// Laws:
//  1. A channel lives as long as the process. gRPC 1.51 crashes when the last reference to a
//     channel goes in a callback of its own failed dial, and callbacks are where references end;
//     there are as many channels as controllers were ever named, so that keeping them costs
//     nothing.
//  2. Different uses have different connections: a snapshot never delays a heartbeat.
//  3. Names are resolved again after a failed dial.
// Thread rule: callable from any thread.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace weir::rpc {

// What one stream may have on its way before it is read. Fixed, on both sides: gRPC's bandwidth
// probes, which find out what a connection takes, would wake a quiet cluster with pings and timers.
inline constexpr int kStreamWindowBytes = 1024 * 1024;

enum class ChannelUse { kCalls, kRaft, kSnapshots };

// `address`: host:port. Never blocks; connecting starts with the first call.
std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address,
                                         ChannelUse use = ChannelUse::kCalls);

// The next call dials at once, whatever pause gRPC is in after failed dials. For callers that pace
// themselves.
void DialAtOnce(const std::shared_ptr<grpc::Channel>& channel);

}  // namespace weir::rpc
