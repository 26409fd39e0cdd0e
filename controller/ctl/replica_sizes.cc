#include "controller/ctl/replica_sizes.h"

#include <array>
#include <optional>

#include "controller/ctl/tcp_socket.h"

namespace weir::ctl {
namespace {

// An answer holds a few dozen bytes per replica.
constexpr size_t kAnswerBytesMax = 64u << 20;
// DescribeLogDirs version 1, correlation id 1, no client id, null topics: all.
constexpr std::array<unsigned char, 18> kRequest = {0, 0, 0, 14,   0,    35,   0,    1,    0,
                                                    0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

// Big-endian fields, one after the other; once one is missing all that follow are.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  int64_t Integer(size_t size) {
    const std::string_view raw = Take(size);
    uint64_t value = raw.empty() || (raw[0] & 0x80) == 0 ? 0 : ~uint64_t{0};
    for (const char byte : raw) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<int64_t>(value);
  }
  std::string_view Text() {
    const int64_t size = Integer(2);
    return Take(size < 0 ? 0 : static_cast<size_t>(size));
  }
  bool ok() const { return ok_; }

 private:
  std::string_view Take(size_t size) {
    if (size > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

Result<ReplicaSizes> ParseLogDirs(std::string_view body) {
  Fields fields(body);
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
  const int64_t size = Fields({head.data(), head.size()}).Integer(4);
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
