// Which member of a consumer group owns which partition (KIP-848): the assignors `uniform` and
// `range` that run in the controller.
//
// Laws:
//  1. A partition of a topic that somebody subscribes to has one owner, who subscribes to it (G-01,
//     G-02).
//  2. uniform: no owner has two partitions more than a member that one of them could go to. What a
//     member owns it keeps, as far as that allows; of members equally busy, one on the rack of a
//     replica goes first. Racks that change move nothing by themselves: the next assignment sees
//     them.
//  3. range: of each topic, every subscriber has equally many partitions but for one. Topics with
//     equal subscribers and partition counts are split alike. Without racks each has a run of
//     neighbours, in the order of what they own already, who owns nothing last. With racks
//     (KIP-881) partitions go to members on the rack of a replica, who owns one already first, then
//     stay where they are, as far as there is room.
//  4. The same input gives the same output.
// Cost: members, partitions, and topics x different lists of them that members have.
// Thread rule: pure functions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/uuid.h"
#include "common/metadata/topic_partitions.h"

namespace weir::state {

using metadata::PartitionsByTopic;

struct AssignableTopic {
  int32_t partition_count = 0;
  // Of each partition, the racks of its replicas; empty when the brokers name none.
  std::vector<std::vector<std::string>> racks;

  bool HasReplicaOn(const std::string& rack, size_t partition) const {
    if (partition >= racks.size()) return false;
    return std::find(racks[partition].begin(), racks[partition].end(), rack) !=
           racks[partition].end();
  }
};
using AssignableTopics = std::map<Uuid, AssignableTopic>;

// Ascending, none twice; topics that do not exist are passed over. Members that subscribe to the
// same topics share one.
using TopicList = std::shared_ptr<const std::vector<Uuid>>;

struct AssignableMember {
  std::string member_id;
  // Empty: a dynamic member.
  std::string instance_id;
  // Empty: not said.
  std::string rack_id;
  // What it subscribes to. Null: nothing.
  TopicList topics;
  // By the assignment before this one; what it may not own any more is passed over.
  PartitionsByTopic owned;

  bool SubscribesTo(const Uuid& topic) const {
    return topics != nullptr && std::binary_search(topics->begin(), topics->end(), topic);
  }
};

// Both give the partitions of each member, in the order of `members`.
std::vector<PartitionsByTopic> AssignUniformly(const std::vector<AssignableMember>& members,
                                               const AssignableTopics& topics);
std::vector<PartitionsByTopic> AssignRanges(const std::vector<AssignableMember>& members,
                                            const AssignableTopics& topics);

}  // namespace weir::state
