#include "controller/quorum/vote_store.h"

#include "common/base/crc32c.h"
#include "controller/quorum/codec.h"

namespace weir::quorum {
namespace {

// magic u64 | version u32 | term u64 | has vote u8 | node id u32 | directory id 16 bytes | crc32c
// u32
constexpr const char* kFileName = "vote";
constexpr uint64_t kMagic = 0x45544f5652494557;  // "WEIRVOTE"
constexpr uint32_t kVersion = 1;
constexpr size_t kFileBytes = 8 + 4 + 8 + 1 + 4 + 16 + 4;

tl::unexpected<Error> Damaged() {
  return Fail(ErrorCode::kCorruptMessage,
              "the vote file is damaged: this controller may have voted and must not vote again. "
              "Wipe its data directory and replace the voter (weir quorum replace)");
}

}  // namespace

Result<raft::HardState> LoadVote(const Disk& disk) {
  Result<std::string> bytes = ReadWhole(disk, kFileName);
  if (!bytes && bytes.error().code == ErrorCode::kResourceNotFound) return raft::HardState{};
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  if (bytes->size() != kFileBytes) return Damaged();
  FixedReader reader(*bytes);
  const bool known = reader.Get<uint64_t>() == kMagic && reader.Get<uint32_t>() == kVersion;
  raft::HardState state;
  state.term = Term(reader.Get<uint64_t>());
  const bool has_vote = reader.Get<uint8_t>() != 0;
  const NodeId id(static_cast<int32_t>(reader.Get<uint32_t>()));
  const Result<Uuid> directory_id = Uuid::FromBytes(reader.GetBytes(16));
  const uint32_t crc = reader.Get<uint32_t>();
  if (!known || !directory_id) return Damaged();
  if (crc != Crc32c(std::string_view(*bytes).substr(0, kFileBytes - 4))) return Damaged();
  if (has_vote) state.vote = raft::VoterKey{id, *directory_id};
  return state;
}

Status SaveVote(Disk& disk, const raft::HardState& state) {
  const raft::VoterKey vote = state.vote.value_or(raft::VoterKey{});
  std::string out;
  PutFixed<uint64_t>(out, kMagic);
  PutFixed<uint32_t>(out, kVersion);
  PutFixed<uint64_t>(out, state.term.value());
  PutFixed<uint8_t>(out, state.vote.has_value() ? 1 : 0);
  PutFixed<uint32_t>(out, static_cast<uint32_t>(vote.id.value()));
  out += vote.directory_id.ToBytes();
  PutFixed<uint32_t>(out, Crc32c(out));
  return ReplaceFile(disk, kFileName, out);
}

}  // namespace weir::quorum
