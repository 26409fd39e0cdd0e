// The bytes of a configuration, as log entries and snapshots carry them.
//
//   u8 format = 1 | u32 member count | members
//   member: u32 node id | 16 bytes directory id | u8 is voter | u16 length | address
//
// All numbers are little endian. The encoding is canonical: equal configurations have equal bytes.
// Thread rule: pure functions.
#include <algorithm>

#include "common/base/check.h"
#include "controller/raft/types.h"

namespace weir::raft {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint32_t kMembersMax = 1'000;
constexpr size_t kAddressBytesMax = 1'024;

void PutNumber(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Takes bytes off the front; after running over the end every result is empty and `ok` is false.
struct Reader {
  std::string_view rest;
  bool ok = true;

  std::string_view Bytes(size_t count) {
    if (count > rest.size()) {
      ok = false;
      return {};
    }
    const std::string_view taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  }
  uint64_t Number(int bytes) {
    const std::string_view raw = Bytes(static_cast<size_t>(bytes));
    uint64_t value = 0;
    for (size_t i = 0; i < raw.size(); ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(raw[i])) << (8 * i);
    }
    return value;
  }
};

bool ReadMember(Reader& reader, Member& member) {
  member.id = NodeId(static_cast<int32_t>(static_cast<uint32_t>(reader.Number(4))));
  const std::string_view directory = reader.Bytes(member.directory_id.bytes.size());
  std::copy(directory.begin(), directory.end(), member.directory_id.bytes.begin());
  const uint64_t voter = reader.Number(1);
  member.is_voter = voter == 1;
  member.address = std::string(reader.Bytes(reader.Number(2)));
  return reader.ok && voter <= 1 && member.address.size() <= kAddressBytesMax;
}

}  // namespace

std::string EncodeConfiguration(const Configuration& configuration) {
  std::string out;
  PutNumber(out, kFormat, 1);
  PutNumber(out, configuration.members.size(), 4);
  for (const Member& member : configuration.members) {
    WEIR_CHECK(member.address.size() <= kAddressBytesMax);
    PutNumber(out, static_cast<uint32_t>(member.id.value()), 4);
    out.append(member.directory_id.bytes.begin(), member.directory_id.bytes.end());
    PutNumber(out, member.is_voter ? 1 : 0, 1);
    PutNumber(out, member.address.size(), 2);
    out += member.address;
  }
  return out;
}

Result<Configuration> DecodeConfiguration(std::string_view bytes) {
  Reader reader{bytes};
  const auto corrupt = [](const char* what) {
    return Fail(ErrorCode::kCorruptMessage, std::string("configuration: ") + what);
  };
  if (reader.Number(1) != kFormat || !reader.ok) return corrupt("unknown format");
  const uint64_t count = reader.Number(4);
  if (!reader.ok || count > kMembersMax) return corrupt("bad member count");
  Configuration configuration;
  for (uint64_t i = 0; i < count; ++i) {
    Member member;
    if (!ReadMember(reader, member)) return corrupt("bad member");
    if (i > 0 && member.id <= configuration.members.back().id) return corrupt("ids out of order");
    configuration.members.push_back(std::move(member));
  }
  if (!reader.rest.empty()) return corrupt("bytes left over");
  return configuration;
}

}  // namespace weir::raft
