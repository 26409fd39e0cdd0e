// OffsetHistory: see offset_history.h.
#include "tests/sim/cluster/offset_history.h"

#include <algorithm>
#include <charconv>

#include "broker/wire/offset_records.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

// "<partition>/<number>"; nullopt: no client wrote it.
std::optional<OffsetHistory::Place> ParseTag(std::string_view tag) {
  OffsetHistory::Place place;
  const char* const end = tag.data() + tag.size();
  const auto partition = std::from_chars(tag.data(), end, place.partition);
  if (partition.ec != std::errc() || partition.ptr == end) return std::nullopt;
  const auto number = std::from_chars(partition.ptr + 1, end, place.number);
  if (number.ec != std::errc()) return std::nullopt;
  return place;
}

}  // namespace

std::string OffsetHistory::TagOf(CommitNumber number, int32_t partition) {
  return std::to_string(partition) + "/" + std::to_string(number);
}

std::string OffsetHistory::Name(CommitNumber number) const {
  return "commit " + std::to_string(number);
}

CommitNumber OffsetHistory::OnArrived(const Offsets& offsets) {
  commits_.push_back({offsets, {}});
  return commits_.size() - 1;
}

std::optional<OffsetHistory::Place> OffsetHistory::OnRecord(Offset position,
                                                            std::string_view value) {
  const auto fail = [this](const std::string& what) {
    world_.Fail("G-10 " + what);
    return std::nullopt;
  };
  const auto decoded = wire::DecodeOffsetValue(value);
  if (!decoded) return fail("a committed offset cannot be read");
  const std::optional<Place> place = ParseTag(decoded->metadata);
  if (!place || place->number >= commits_.size()) return fail("an offset that nobody committed");
  Commit& commit = commits_[place->number];
  const auto offset = commit.offsets.find(place->partition);
  if (offset == commit.offsets.end() || offset->second != decoded->offset) {
    return fail(Name(place->number) + " was changed");
  }
  if (!commit.positions.emplace(place->partition, position).second) {
    return fail(Name(place->number) + " stands in the log twice");
  }
  return place;
}

void OffsetHistory::Know(int32_t partition, Offset position) {
  Offset& newest = known_.try_emplace(partition, position).first->second;
  newest = std::max(newest, position);
}

void OffsetHistory::OnAcked(CommitNumber number) {
  ++world_.probes().group_commits;
  const Commit& commit = commits_[number];
  for (const auto& [partition, offset] : commit.offsets) {
    const auto position = commit.positions.find(partition);
    if (position == commit.positions.end()) {
      return world_.Fail("G-10 " + Name(number) + " is acknowledged and not committed");
    }
    Know(partition, position->second);
  }
}

void OffsetHistory::OnFetched(const std::map<int32_t, Offset>& known, int32_t partition,
                              int64_t offset, const std::string& tag) {
  ++world_.probes().group_offset_fetches;
  const auto at_least = known.find(partition);
  const std::string name = "the offset of partition " + std::to_string(partition);
  const auto fail = [&](const std::string& what) { world_.Fail("G-10 " + name + " " + what); };
  if (offset < 0) {
    if (at_least != known.end()) fail("is gone");
    return;
  }
  const std::optional<Place> place = ParseTag(tag);
  if (!place || place->partition != partition || place->number >= commits_.size()) {
    return fail("is not what anybody committed: " + tag);
  }
  const Commit& commit = commits_[place->number];
  const auto position = commit.positions.find(partition);
  if (position == commit.positions.end()) return fail("is not committed");
  if (commit.offsets.at(partition) != offset) return fail("was changed");
  if (at_least != known.end() && position->second < at_least->second) {
    return fail("goes back: its record stands at " + ToString(position->second) + ", one at " +
                ToString(at_least->second) + " was known");
  }
  Know(partition, position->second);
}

}  // namespace weir::sim
