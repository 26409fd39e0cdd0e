#include "controller/quorum/founding.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/base/crc32c.h"
#include "controller/quorum/codec.h"
#include "controller/quorum/conversions.h"

namespace weir::quorum {
namespace {

// magic u64 | cluster id 16 bytes | configuration | crc32c u32
constexpr const char* kFileName = "founding";
constexpr uint64_t kMagic = 0x444e554f52494557;  // "WEIROUND"

// One id from all directory ids, the same on every founder.
Uuid CombinedId(const raft::Configuration& configuration) {
  Uuid id;
  for (const raft::Member& member : configuration.members) {
    for (size_t i = 0; i < id.bytes.size(); ++i) {
      id.bytes[i] ^= static_cast<uint8_t>(member.directory_id.bytes[i] + i);
    }
  }
  // Version 4, and no leading '-' in print, as Uuid::Random makes them.
  id.bytes[0] &= 0x7f;
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

bool IsMemberOf(const raft::VoterKey& key, const raft::v1::Configuration& configuration) {
  const auto parsed = FromProto(configuration);
  return parsed && parsed->IsMember(key);
}

}  // namespace

Result<std::vector<InitialVoter>> ParseInitialVoters(const std::vector<std::string>& texts) {
  std::vector<InitialVoter> voters;
  for (const std::string& text : texts) {
    const size_t at = text.find('@');
    int32_t id = -1;
    const bool has_id = at != std::string::npos && at + 1 < text.size();
    const char* end = text.data() + (has_id ? at : 0);
    const auto [stop, error] = std::from_chars(text.data(), end, id);
    if (!has_id || error != std::errc() || stop != end || id < 0 ||
        text.find(':', at) == std::string::npos) {
      return Fail(ErrorCode::kInvalidConfig,
                  "quorum.voters: \"" + text + "\" is not ID@HOST:PORT, e.g. 1@10.0.0.1:9090");
    }
    voters.push_back({NodeId(id), text.substr(at + 1)});
  }
  std::sort(voters.begin(), voters.end(),
            [](const InitialVoter& a, const InitialVoter& b) { return a.id < b.id; });
  for (size_t i = 1; i < voters.size(); ++i) {
    if (voters[i].id == voters[i - 1].id) {
      return Fail(ErrorCode::kInvalidConfig,
                  "quorum.voters names controller " + weir::ToString(voters[i].id) + " twice");
    }
  }
  return voters;
}

std::string ToString(const std::vector<InitialVoter>& voters) {
  std::string text;
  for (const InitialVoter& voter : voters) {
    if (!text.empty()) text += ',';
    text += weir::ToString(voter.id) + "@" + voter.address;
  }
  return text;
}

Result<std::optional<Founding>> LoadFounding(const Disk& disk) {
  const Result<std::string> bytes = ReadWhole(disk, kFileName);
  if (!bytes && bytes.error().code == ErrorCode::kResourceNotFound) {
    return std::optional<Founding>();
  }
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  const auto damaged = Fail(ErrorCode::kCorruptMessage, "the file \"founding\" is damaged");
  if (bytes->size() < 8 + 16 + 4) return damaged;
  const std::string_view content = std::string_view(*bytes).substr(0, bytes->size() - 4);
  const uint32_t crc = FixedReader(std::string_view(*bytes).substr(content.size())).Get<uint32_t>();
  FixedReader reader(content);
  if (crc != Crc32c(content) || reader.Get<uint64_t>() != kMagic) return damaged;
  Founding founding;
  WEIR_ASSIGN_OR_RETURN(founding.cluster_id, Uuid::FromBytes(reader.GetBytes(16)));
  WEIR_ASSIGN_OR_RETURN(founding.configuration,
                        raft::DecodeConfiguration(reader.GetBytes(reader.left())));
  return std::optional<Founding>(std::move(founding));
}

Status SaveFounding(Disk& disk, const Founding& founding) {
  std::string out;
  PutFixed<uint64_t>(out, kMagic);
  out += founding.cluster_id.ToBytes();
  out += raft::EncodeConfiguration(founding.configuration);
  PutFixed<uint32_t>(out, Crc32c(out));
  return ReplaceFile(disk, kFileName, out);
}

FoundingDecision DecideFounding(const FoundingView& view) {
  FoundingDecision decision;
  Founding founding;
  std::string missing;
  for (const InitialVoter& voter : view.voters) {
    raft::Member member{voter.id, view.self.directory_id, voter.address, true};
    if (voter.id != view.self.id) {
      const auto answer = view.answers.find(voter.id);
      if (answer == view.answers.end()) {
        missing += " " + weir::ToString(voter.id) + "@" + voter.address;
        continue;
      }
      const raft::v1::IdentifyReply& reply = answer->second;
      const auto cluster_id = Uuid::FromBytes(reply.cluster_id());
      if (cluster_id && !cluster_id->IsZero()) {
        const auto theirs = FromProto(reply.founding_configuration());
        if (theirs && IsMemberOf(view.self, reply.founding_configuration())) {
          decision.found = Founding{*cluster_id, *theirs};
        } else {
          decision.observe = *cluster_id;
        }
        return decision;
      }
      const auto directory_id = Uuid::FromBytes(reply.directory_id());
      if (!reply.bootstrapping() || !directory_id || reply.controller_id() != voter.id.value()) {
        missing += " " + weir::ToString(voter.id) + " (not bootstrapping)";
        continue;
      }
      if (reply.initial_voters() != ToString(view.voters)) {
        missing += " " + weir::ToString(voter.id) +
                   " (its quorum.voters differ: " + reply.initial_voters() + ")";
        continue;
      }
      member.directory_id = *directory_id;
    }
    founding.configuration.members.push_back(std::move(member));
  }
  if (!missing.empty()) {
    decision.waiting_for = "waiting for the other initial voters:" + missing;
    return decision;
  }
  founding.cluster_id =
      view.cluster_id.IsZero() ? CombinedId(founding.configuration) : view.cluster_id;
  decision.found = std::move(founding);
  return decision;
}

}  // namespace weir::quorum
