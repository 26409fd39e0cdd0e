// ClusterCheckers: see cluster_checkers.h.
#include "tests/sim/cluster/cluster_checkers.h"

#include <algorithm>
#include <charconv>

#include "common/metadata/group_partition.h"
#include "controller/state/reassignment.h"
#include "tests/sim/cluster/cluster_world.h"
#include "tests/support/batches.h"

namespace weir::sim {

uint64_t MixClusterHash(uint64_t hash, uint64_t word) {
  hash ^= word + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccd;
}

uint64_t HashOfText(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

std::string TagOfPartition(const log::TopicPartition& id) {
  return "@" + std::to_string(HashOfText(id.topic_id.ToBytes()) % 100'000) + "." +
         ToString(id.partition);
}

namespace {

using state::IsMoving;

std::string Name(NodeId broker, const log::TopicPartition& id) {
  return "broker " + ToString(broker) + " partition " + ToString(id.partition);
}

}  // namespace

void ClusterCheckers::AfterTask(SimBroker& broker) {
  const std::vector<replica::PartitionInfo> held = broker.DescribePartitions();
  ForgetDropped(broker.id(), held);
  for (const replica::PartitionInfo& info : held) {
    Seen& seen = seen_[{broker.id(), info.partition}];
    if (seen.life != broker.life()) {
      seen = {.life = broker.life(),
              .high_watermark = info.log_start_offset,
              .log_end = info.log_end_offset};
    }
    CheckReplica(broker, info, seen);
    if (!world_.ok()) return;
  }
}

void ClusterCheckers::ForgetDropped(NodeId broker,
                                    const std::vector<replica::PartitionInfo>& held) {
  const auto first = seen_.lower_bound({broker, log::TopicPartition{}});
  const auto last = seen_.lower_bound({broker + 1, log::TopicPartition{}});
  if (static_cast<size_t>(std::distance(first, last)) <= held.size()) return;
  std::erase_if(seen_, [&](const auto& entry) {
    return entry.first.first == broker &&
           entry.second.life == world_.broker(broker.value()).life() &&
           std::none_of(held.begin(), held.end(), [&](const replica::PartitionInfo& info) {
             return info.partition == entry.first.second;
           });
  });
}

void ClusterCheckers::CheckReplica(SimBroker& broker, const replica::PartitionInfo& info,
                                   Seen& seen) {
  const std::string name = Name(broker.id(), info.partition);
  const auto committed = static_cast<int64_t>(committed_[info.partition].size());
  if (info.high_watermark > info.log_end_offset) {
    return world_.Fail("HW " + name + ": high watermark beyond the log");
  }
  if (info.log_end_offset < seen.log_end) ++world_.probes().truncations;
  const bool grew = info.log_end_offset != seen.log_end;
  seen.log_end = info.log_end_offset;
  if (info.leading) {
    const auto [leader, added] =
        leaders_.try_emplace({info.partition, info.leader_epoch}, broker.id());
    if (leader->second != broker.id()) {
      return world_.Fail("I-11 " + name + ": a second leader of epoch " +
                         ToString(info.leader_epoch));
    }
    if (seen.led_epoch == info.leader_epoch && info.high_watermark < seen.high_watermark) {
      return world_.Fail("HW " + name + ": a leader's high watermark went back");
    }
    // One that learns late of an epoch that is over commits nothing more.
    const metadata::Partition* now =
        newest_.FindPartition(info.partition.topic_id, info.partition.partition);
    const bool newest_epoch = now != nullptr && now->leader_epoch == info.leader_epoch;
    if (newest_epoch && seen.led_epoch != info.leader_epoch && !Lossy(info.partition) &&
        info.log_end_offset < Offset(committed)) {
      return world_.Fail("I-02 " + name + ": leads epoch " + ToString(info.leader_epoch) +
                         " and ends at " + ToString(info.log_end_offset) + ", committed is " +
                         std::to_string(committed));
    }
    epoch_starts_.try_emplace({info.partition, info.leader_epoch}, info.log_end_offset);
    seen.led_epoch = info.leader_epoch;
  }
  if (Lossy(info.partition)) {
    seen.high_watermark = info.high_watermark;
    return;
  }
  if (info.high_watermark > seen.high_watermark) CheckReadable(broker, info, seen);
  // A follower that was cut begins again from there.
  seen.high_watermark = std::min(seen.high_watermark, info.high_watermark);
  if (grew && world_.ok()) CheckInSync(info.partition);
}

// The records between what was readable here before and what is now.
void ClusterCheckers::CheckReadable(SimBroker& broker, const replica::PartitionInfo& info,
                                    Seen& seen) {
  const std::string name = Name(broker.id(), info.partition);
  std::vector<uint64_t>& committed = committed_[info.partition];
  while (seen.high_watermark < info.high_watermark) {
    const replica::FetchOutcome outcome = broker.ReadNow(info.partition, seen.high_watermark);
    if (outcome.error != ErrorCode::kNone || outcome.bytes == 0) {
      return world_.Fail("I-07 " + name + ": offset " + ToString(seen.high_watermark) +
                         " below the high watermark cannot be read");
    }
    for (const std::string& record : test::RecordsIn(outcome.records)) {
      int64_t offset = 0;
      const auto end = std::from_chars(record.data(), record.data() + record.size(), offset).ptr;
      const uint64_t value = HashOfText(std::string_view(end + 1, record.data() + record.size()));
      if (Offset(offset) < seen.high_watermark || Offset(offset) >= info.high_watermark) continue;
      if (Offset(offset) != seen.high_watermark) {
        return world_.Fail("I-03 " + name + ": a hole before " + std::to_string(offset));
      }
      const auto slot = static_cast<size_t>(offset);
      if (slot < committed.size() && committed[slot] != value) {
        return world_.Fail("I-06 " + name + ": offset " + std::to_string(offset) +
                           " holds another record than was committed (" + record + ")");
      }
      if (slot >= committed.size()) {
        if (!info.leading) {
          return world_.Fail("I-43 " + name + ": its high watermark is beyond its leaders'");
        }
        const std::string_view text(end + 1, record.data() + record.size());
        if (IsOffsets(info.partition)) {
          world_.group_watch().OnOffsetRecord(Offset(offset), text);
        } else if (!CheckRecord(info.partition, text)) {
          return;
        }
        committed.push_back(value);
        world_.Mix(value);
      }
      seen.high_watermark = Offset(offset + 1);
    }
  }
  if (info.leading) CheckHolders(info);
  if (world_.ok()) CheckInSync(info.partition);
}

// I-44: a record stands where it was produced to. J-04: one of an idempotent producer stands there
// once, after the one before.
bool ClusterCheckers::CheckRecord(const log::TopicPartition& id, std::string_view record) {
  const size_t at = record.find('@');
  const size_t dash = record.rfind('-');
  const std::string text(record);
  if (text.substr(at, dash - at) != TagOfPartition(id)) {
    world_.Fail("I-44 " + text + " stands in partition " + TagOfPartition(id));
    return false;
  }
  if (record.front() != 'i') return true;
  const size_t dot = record.find('.');
  const int64_t number = std::stoll(text.substr(dot + 1)) + std::stoll(text.substr(dash + 1));
  int64_t& next = next_of_producer_[{id, text.substr(0, dot)}];
  if (number != next) {
    world_.Fail("J-04 " + text + " is record " + std::to_string(number) +
                " of its producer, expected is " + std::to_string(next));
    return false;
  }
  ++next;
  return true;
}

// I-13: what is committed has reached min.insync.replicas logs.
void ClusterCheckers::CheckHolders(const replica::PartitionInfo& info) {
  // A swapped disk held it when it was acknowledged there.
  if (world_.probes().wipes > 0) return;
  const log::TopicPartition& id = info.partition;
  // So did replicas that were dropped since, with the topic or by a move.
  const metadata::Partition* now = newest_.FindPartition(id.topic_id, id.partition);
  if (now == nullptr) return;
  const bool moved = world_.probes().reassignments + world_.probes().cancelled_moves > 0;
  if (now->leader_epoch > info.leader_epoch && moved) return;
  const auto committed = static_cast<int64_t>(committed_[id].size());
  int32_t holders = 0;
  for (int32_t broker = 1; broker <= ClusterWorld::kBrokers; ++broker) {
    const auto seen = seen_.find({NodeId(broker), id});
    if (seen != seen_.end() && seen->second.log_end >= Offset(committed)) ++holders;
  }
  if (holders >= world_.profile().min_insync_replicas) return;
  world_.Fail("I-13 partition " + ToString(id.partition) + ": committed up to " +
              std::to_string(committed) + " and held by " + std::to_string(holders));
}

bool ClusterCheckers::IsOffsets(const log::TopicPartition& id) const {
  const metadata::Topic* topic = newest_.FindTopic(id.topic_id);
  return topic != nullptr && topic->name == metadata::kOffsetsTopic;
}

bool ClusterCheckers::KeepsOffsetsOfGroup(const log::TopicPartition& id) const {
  const auto place = metadata::FindGroupPartition(newest_, kGroupId);
  return place && id == log::TopicPartition{place->topic_id, place->index};
}

bool ClusterCheckers::Lossy(const log::TopicPartition& id) const {
  const metadata::Topic* topic = newest_.FindTopic(id.topic_id);
  return topic != nullptr && ClusterWorld::IsLossy(topic->name);
}

// I-01: every running member of ISR and ELR holds all that was ever committed.
void ClusterCheckers::CheckInSync(const log::TopicPartition& id) {
  const metadata::Partition* partition = newest_.FindPartition(id.topic_id, id.partition);
  if (partition == nullptr || Lossy(id)) return;
  const auto committed = static_cast<int64_t>(committed_[id].size());
  for (const metadata::NodeIdList* list : {&partition->isr, &partition->elr}) {
    for (const NodeId member : *list) {
      const auto seen = seen_.find({member, id});
      const SimBroker* broker = world_.FindBroker(member);
      if (broker == nullptr || seen == seen_.end() || seen->second.life != broker->life()) continue;
      if (seen->second.log_end < Offset(committed)) {
        return world_.Fail("I-01 " + Name(member, id) + ": in sync, ends at " +
                           ToString(seen->second.log_end) + ", committed is " +
                           std::to_string(committed));
      }
    }
  }
}

void ClusterCheckers::OnMetadata(const metadata::MetadataImage& image) {
  if (image.offset() == newest_.offset() && !(image == newest_)) {
    return world_.Fail("I-04 two controllers differ at offset " + ToString(image.offset()));
  }
  if (image.offset() <= newest_.offset()) return;
  const metadata::MetadataImage before = std::exchange(newest_, image);
  for (const auto& [id, broker] : newest_.brokers()) {
    const metadata::Broker* was = before.FindBroker(id);
    if (was == nullptr) continue;
    if (broker.fenced && !was->fenced) ++world_.probes().fencings;
    if (broker.epoch < was->epoch) world_.Fail("I-16 a broker epoch went back");
  }
  for (const auto& [topic_id, topic] : newest_.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      const metadata::Partition* was = before.FindPartition(topic_id, index);
      if (was != nullptr && *was == partition) continue;
      CheckPartition({topic_id, index}, partition);
      if (was == nullptr) continue;
      CountChange({topic_id, index}, *was, partition);
      CheckElection({topic_id, index}, *was, partition);
    }
  }
  for (const auto& [topic_id, topic] : before.topics()) {
    if (newest_.FindTopic(topic_id) == nullptr) ++world_.probes().topics_deleted;
  }
}

// I-18: without unclean elections a leader was in sync or eligible. I-14: who joins the ISR has
// what its leader began with.
void ClusterCheckers::CheckElection(const log::TopicPartition& id,
                                    const metadata::Partition& before,
                                    const metadata::Partition& after) {
  const bool one_step = after.partition_epoch == before.partition_epoch + 1;
  if (!one_step) return;
  const std::string name = "partition " + ToString(id.partition);
  const bool elected = after.leader != kNoNode && after.leader_epoch != before.leader_epoch;
  // The change that brings the last member of a move into the ISR may make it the leader at once
  // (I-22); that it holds everything is I-01.
  const bool completes_move = IsMoving(before) && !IsMoving(after);
  if (elected && !completes_move && !before.isr.Contains(after.leader) &&
      !before.elr.Contains(after.leader)) {
    ++world_.probes().unclean_elections;
    if (!Lossy(id)) return world_.Fail("I-18 " + name + ": an unclean election");
  }
  const auto start = epoch_starts_.find({id, after.leader_epoch});
  if (elected || start == epoch_starts_.end() || Lossy(id)) return;
  for (const NodeId member : after.isr) {
    const SimBroker* broker = world_.FindBroker(member);
    const Seen& seen = seen_[{member, id}];
    if (before.isr.Contains(member) || broker == nullptr || seen.life != broker->life()) continue;
    if (seen.log_end < start->second) {
      return world_.Fail("I-14 " + Name(member, id) + ": joined at " + ToString(seen.log_end) +
                         ", its leader began at " + ToString(start->second));
    }
  }
}

void ClusterCheckers::CheckPartition(const log::TopicPartition& id,
                                     const metadata::Partition& partition) {
  const std::string name = "partition " + ToString(id.partition);
  const int32_t wanted = Lossy(id) ? 1 : world_.profile().min_insync_replicas;
  const auto enough = std::min<size_t>(static_cast<size_t>(wanted), partition.replicas.size());
  if (partition.isr.size() >= enough && !partition.elr.empty()) {
    return world_.Fail("I-08 " + name + ": an ELR beside a full ISR");
  }
  for (const NodeId member : partition.elr) {
    if (partition.isr.Contains(member)) return world_.Fail("I-08 " + name + ": in ISR and ELR");
    if (!partition.replicas.Contains(member)) return world_.Fail("I-08 " + name + ": foreign ELR");
  }
  for (const NodeId member : partition.isr) {
    if (!newest_.IsLive(member)) return world_.Fail("I-09 " + name + ": fenced and in the ISR");
  }
  if (partition.leader != kNoNode && !partition.isr.Contains(partition.leader)) {
    return world_.Fail("I-11 " + name + ": the leader is not in the ISR");
  }
  CheckInSync(id);
}

void ClusterCheckers::CountChange(const log::TopicPartition& id, const metadata::Partition& before,
                                  const metadata::Partition& after) {
  ClusterProbes& probes = world_.probes();
  if (after.partition_epoch <= before.partition_epoch)
    world_.Fail("I-04 a partition epoch went back");
  if (after.isr.size() < before.isr.size()) ++probes.isr_shrinks;
  if (after.isr.size() > before.isr.size()) ++probes.isr_expansions;
  if (after.leader == kNoNode && before.leader != kNoNode) ++probes.leaderless;
  if (IsMoving(before) && !IsMoving(after)) {
    ++(after.replicas == before.original_replicas ? probes.cancelled_moves : probes.reassignments);
  }
  if (after.replicas.size() < before.replicas.size()) ++probes.removed_replicas;
  if (after.leader_epoch == before.leader_epoch || after.leader == kNoNode) return;
  ++probes.elections;
  if (KeepsOffsetsOfGroup(id)) ++probes.group_offsets_elections;
  if (before.elr.Contains(after.leader)) ++probes.elr_elections;
  const bool fell = before.leader == kNoNode || !after.isr.Contains(before.leader);
  if (!fell && after.leader == *after.replicas.begin()) ++probes.returned_leaderships;
}

void ClusterCheckers::OnAcked(const log::TopicPartition& partition, Offset base,
                              const std::vector<uint64_t>& values) {
  if (Lossy(partition)) return;
  const std::vector<uint64_t>& committed = committed_[partition];
  for (size_t i = 0; i < values.size(); ++i) {
    const auto slot = static_cast<size_t>(base.value()) + i;
    if (slot >= committed.size() || committed[slot] != values[i]) {
      return world_.Fail("I-06 acknowledged at offset " + std::to_string(slot) + " of partition " +
                         ToString(partition.partition) + " and not committed there");
    }
  }
  ++world_.probes().acked;
  world_.Mix(static_cast<uint64_t>(base.value()));
}

bool ClusterCheckers::OnRead(const log::TopicPartition& partition, Offset offset, uint64_t value) {
  const std::vector<uint64_t>& committed = committed_[partition];
  const auto slot = static_cast<size_t>(offset.value());
  if (slot < committed.size() && committed[slot] == value) return true;
  world_.Fail("I-07 a consumer read at offset " + ToString(offset) + " of partition " +
              ToString(partition.partition) + " what was not committed there");
  return false;
}

bool ClusterCheckers::MetadataConverged() {
  for (int32_t id = 1; id <= ClusterWorld::kControllers; ++id) {
    const SimController* controller = world_.FindController(NodeId(id));
    if (controller == nullptr || controller->committed().offset() != newest_.offset()) return false;
  }
  for (int32_t id = 1; id <= ClusterWorld::kBrokers; ++id) {
    const SimBroker* broker = world_.FindBroker(NodeId(id));
    if (broker == nullptr || !newest_.IsLive(NodeId(id))) return false;
    const broker::ImagePtr image = broker->image();
    if (image == nullptr || image->offset() != newest_.offset()) return false;
  }
  return true;
}

bool ClusterCheckers::NothingIsLeftOver() {
  for (int32_t id = 1; id <= ClusterWorld::kBrokers; ++id) {
    const SimBroker* broker = world_.FindBroker(NodeId(id));
    if (broker == nullptr) return false;
    for (const log::TopicPartition& stored : broker->StoredPartitions()) {
      const metadata::Partition* partition =
          newest_.FindPartition(stored.topic_id, stored.partition);
      if (partition == nullptr || !partition->replicas.Contains(NodeId(id))) return false;
    }
  }
  return true;
}

void ClusterCheckers::CompareReplicas() {
  for (const auto& [topic_id, topic] : newest_.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      std::vector<std::string> first;
      for (const NodeId member : partition.replicas) {
        const replica::FetchOutcome outcome =
            world_.broker(member.value()).ReadNow({topic_id, index}, Offset(0));
        std::vector<std::string> records = test::RecordsIn(outcome.records);
        if (first.empty()) first = records;
        if (outcome.error != ErrorCode::kNone || records != first) {
          return world_.Fail("D-24 " + Name(member, {topic_id, index}) + ": holds other records");
        }
      }
    }
  }
}

bool ClusterCheckers::ReplicasAreEqual() {
  for (const auto& [topic_id, topic] : newest_.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      const log::TopicPartition id{topic_id, index};
      Offset end(static_cast<int64_t>(committed_[id].size()));
      if (Lossy(id)) end = seen_[{partition.leader, id}].log_end;
      for (const NodeId member : partition.replicas) {
        const SimBroker* broker = world_.FindBroker(member);
        const Seen& seen = seen_[{member, id}];
        if (broker == nullptr || seen.life != broker->life()) return false;
        if (seen.log_end != end || seen.high_watermark != end) return false;
      }
    }
  }
  return true;
}

std::string ClusterCheckers::Describe() const {
  std::string text = "metadata offset " + ToString(newest_.offset());
  for (const auto& [topic_id, topic] : newest_.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      text += "\n  partition " + ToString(index) + " leader " + ToString(partition.leader) +
              " epoch " + ToString(partition.leader_epoch) + "/" +
              ToString(partition.partition_epoch) + " isr";
      for (const NodeId member : partition.isr) text += " " + ToString(member);
      text += " elr";
      for (const NodeId member : partition.elr) text += " " + ToString(member);
      const auto committed = committed_.find({topic_id, index});
      text += " committed " +
              std::to_string(committed == committed_.end() ? 0 : committed->second.size());
      for (const auto& [key, seen] : seen_) {
        if (key.second != log::TopicPartition{topic_id, index}) continue;
        text += "; broker " + ToString(key.first) + " hw " + ToString(seen.high_watermark) +
                " end " + ToString(seen.log_end);
      }
    }
  }
  return text;
}

}  // namespace weir::sim
