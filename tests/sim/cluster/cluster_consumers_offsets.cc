// ClusterConsumers, committed offsets: those of the topic that always is.
#include <algorithm>

#include "tests/sim/cluster/cluster_consumers.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {
namespace {

constexpr int16_t kCommitVersion = 9;
constexpr int16_t kFetchVersion = 9;

}  // namespace

OffsetHistory::Offsets ClusterConsumers::PositionsIn(const Member& member) const {
  OffsetHistory::Offsets positions;
  const metadata::Topic* topic = world_.checkers().newest().FindTopic(ClusterWorld::kTopic);
  for (const auto& [partition, position] : member.positions) {
    if (partition.first == topic->id) positions[partition.second] = position;
  }
  return positions;
}

void ClusterConsumers::ActOnOffsets(size_t index) {
  Member& member = members_[index];
  const OffsetHistory::Offsets positions = PositionsIn(member);
  if (positions.empty() || !IsFree(member, member.offsets)) return;
  const bool knows_all = std::all_of(positions.begin(), positions.end(),
                                     [](const auto& position) { return position.second >= 0; });
  if (!knows_all) return FetchOffsets(index);
  if (world_.prng().Chance(1, calm_ ? 20 : 3)) return CommitOffsets(index);
  // Others look as well.
  if (world_.prng().Chance(1, 20)) FetchOffsets(index);
}

void ClusterConsumers::FetchOffsets(size_t index) {
  const Member& member = members_[index];
  wire::OffsetFetchRequest request;
  request.require_stable = true;
  auto& group = request.groups.emplace_back();
  group.group_id = kGroupId;
  if (!member.speaks_classic) {
    group.member_id = member.id;
    group.member_epoch = member.epoch;
  }
  auto& topic = group.topics->emplace_back();
  topic.name = ClusterWorld::kTopic;
  for (const auto& [partition, position] : PositionsIn(member)) {
    topic.partition_indexes.push_back(partition);
  }
  Ask<wire::OffsetFetchResponse>(
      index, &Member::offsets, calls_.OffsetsLeader(kGroupId), kFetchVersion,
      [request](uint64_t&) { return request; },
      [this, epoch = member.epoch, known = world_.consumer_checkers().offsets().known()](
          Member& waiting, uint64_t, const wire::OffsetFetchResponse& response) {
        TakeOffsets(waiting, epoch, known, response);
      });
}

void ClusterConsumers::TakeOffsets(Member& member, int32_t epoch,
                                   const std::map<int32_t, Offset>& known,
                                   const wire::OffsetFetchResponse& response) {
  const auto& group = response.groups.at(0);
  if (group.error_code != ErrorCode::kNone) return;
  const metadata::Topic* topic = world_.checkers().newest().FindTopic(ClusterWorld::kTopic);
  for (const auto& partition : group.topics.at(0).partitions) {
    if (partition.error_code != ErrorCode::kNone) continue;
    world_.consumer_checkers().offsets().OnFetched(known, partition.partition_index,
                                                   partition.committed_offset,
                                                   partition.metadata.value_or(""));
    if (member.epoch != epoch) continue;
    const auto position = member.positions.find({topic->id, partition.partition_index});
    if (position == member.positions.end() || position->second >= 0) continue;
    position->second = std::max<int64_t>(0, partition.committed_offset);
  }
}

void ClusterConsumers::CommitOffsets(size_t index) {
  Member& member = members_[index];
  for (auto& [partition, position] : member.positions) {
    if (position >= 0) position += world_.prng().Between(0, 3);
  }
  wire::OffsetCommitRequest request;
  request.group_id = kGroupId;
  request.member_id = member.id;
  request.generation_id_or_member_epoch = member.epoch;
  if (!member.instance_id.empty()) request.group_instance_id = member.instance_id;
  auto& topic = request.topics.emplace_back();
  topic.name = ClusterWorld::kTopic;
  const Asked asked = AskedBy(member);
  const NodeId leader = calls_.OffsetsLeader(kGroupId);
  // Every copy that arrives is told from the others.
  const auto make = [this, request, leader, asked,
                     offsets = PositionsIn(member)](uint64_t& number) {
    wire::OffsetCommitRequest copy = request;
    number = world_.consumer_checkers().OnCommitArrived(leader, asked.view, offsets);
    for (const auto& [partition, offset] : offsets) {
      copy.topics.front().partitions.push_back(
          {partition, offset, -1, OffsetHistory::TagOf(number, partition)});
    }
    return copy;
  };
  Ask<wire::OffsetCommitResponse>(
      index, &Member::offsets, leader, kCommitVersion, make,
      [this, asked](Member& waiting, uint64_t number, const wire::OffsetCommitResponse& response) {
        const ErrorCode error = response.topics.at(0).partitions.at(0).error_code;
        if (error == ErrorCode::kNone) return world_.consumer_checkers().offsets().OnAcked(number);
        TakeVerdict(waiting, asked, error);
      });
}

}  // namespace weir::sim
