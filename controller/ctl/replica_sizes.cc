#include "controller/ctl/replica_sizes.h"

#include <array>
#include <optional>

#include "controller/ctl/big_endian_fields.h"
#include "controller/ctl/tcp_socket.h"

namespace weir::ctl {
namespace {

// An answer holds a few dozen bytes per replica.
constexpr size_t kAnswerBytesMax = 64u << 20;
// DescribeLogDirs version 1, correlation id 1, no client id, null topics: all.
constexpr std::array<unsigned char, 18> kRequest = {0, 0, 0, 14,   0,    35,   0,    1,    0,
                                                    0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

}  // namespace

Result<ReplicaSizes> ParseLogDirs(std::string_view body) {
  BigEndianFields fields(body);
  ReplicaSizes sizes;
  fields.Integer(4);  // throttle time
  for (int64_t dirs = fields.Integer(4); dirs > 0 && fields.ok(); --dirs) {
    fields.Integer(2);  // error: such a directory names no topics
    fields.Text();
    for (int64_t topics = fields.Integer(4); topics > 0 && fields.ok(); --topics) {
      const std::string topic(fields.Text());
      for (int64_t left = fields.Integer(4); left > 0 && fields.ok(); --left) {
        const auto partition = static_cast<int32_t>(fields.Integer(4));
        const int64_t bytes = fields.Integer(8);
        fields.Integer(8);  // lag
        fields.Integer(1);  // future replica
        if (fields.ok()) sizes[{topic, partition}] += bytes;
      }
    }
  }
  if (!fields.ok()) return Fail(ErrorCode::kKafkaStorageError, "the answer is cut off");
  return sizes;
}

Result<ReplicaSizes> AskReplicaSizes(const std::string& address, Duration timeout) {
  WEIR_ASSIGN_OR_RETURN(TcpSocket socket, TcpSocket::Connect(address, timeout));
  std::array<char, 4> head;
  if (!socket.Send(kRequest.data(), kRequest.size()) || !socket.Receive(head.data(), head.size())) {
    return Fail(ErrorCode::kNetworkException, address + " did not answer");
  }
  const int64_t size = BigEndianFields({head.data(), head.size()}).Integer(4);
  // The correlation id comes first.
  if (size < 4 || size > static_cast<int64_t>(kAnswerBytesMax)) {
    return Fail(ErrorCode::kKafkaStorageError, address + " answered something else");
  }
  std::string answer(static_cast<size_t>(size), '\0');
  if (!socket.Receive(answer.data(), answer.size())) {
    return Fail(ErrorCode::kNetworkException, address + " stopped answering");
  }
  return ParseLogDirs(std::string_view(answer).substr(4));
}

}  // namespace weir::ctl
