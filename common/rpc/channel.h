// Channels to controllers: keepalive, message limits, and a connection of its own per channel (no
// sharing under the hood), so that a new channel means a new dial with names resolved again and
// without the backoff of an earlier failure. Thread rule: callable from any thread.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace weir::rpc {

// `address`: host:port. Never blocks; connecting starts with the first call.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

}  // namespace weir::rpc
