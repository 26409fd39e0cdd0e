// ClusterClients: see cluster_clients.h.
#include "tests/sim/cluster/cluster_clients.h"

#include <utility>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/support/batches.h"

namespace weir::sim {
namespace {

constexpr Address kClient{Address::Kind::kClient, 0};
constexpr int16_t kProduceVersion = 9;

Address AddressOf(NodeId broker) { return {Address::Kind::kBroker, broker.value()}; }

}  // namespace

void ClusterClients::Add(const std::string& topic, int32_t partitions) {
  for (int32_t i = 0; i < partitions; ++i) {
    Knowledge knows{.topic = topic, .index = PartitionIndex(i)};
    consumers_.push_back({.knows = knows});
    PollLater(consumers_.size() - 1);
    if (!world_.profile().idempotent_producers) continue;
    producers_.push_back({.knows = knows, .id = 100 + static_cast<int64_t>(producers_.size())});
    SendLater(producers_.size() - 1);
  }
}

bool ClusterClients::Learn(Knowledge& knows, bool& is_new) {
  const broker::ImagePtr image = world_.AnyImage();
  if (image == nullptr || image->offset() < knows.image_offset) {
    return !knows.partition.topic_id.IsZero();
  }
  const metadata::Topic* topic = image->FindTopic(knows.topic);
  if (topic == nullptr) return false;
  const metadata::Partition* partition = topic->FindPartition(knows.index);
  if (partition == nullptr) return false;
  is_new = knows.partition.topic_id != topic->id;
  if (is_new) knows.leader_epoch = LeaderEpoch(-1);
  knows.image_offset = image->offset();
  knows.partition = {topic->id, knows.index};
  if (partition->leader_epoch < knows.leader_epoch) return true;
  knows.leader_epoch = partition->leader_epoch;
  knows.leader = partition->leader;
  return true;
}

bool ClusterClients::Lossy(const Knowledge& knows) const {
  return ClusterWorld::IsLossy(knows.topic);
}

// ---- Consumers --------------------------------------------------------------------------

void ClusterClients::PollLater(size_t index) {
  world_.After(world_.prng().Between(1, 40), [this, index] { Poll(index); });
}

void ClusterClients::Poll(size_t index) {
  Consumer& consumer = consumers_[index];
  bool is_new = false;
  if (!Learn(consumer.knows, is_new)) return PollLater(index);
  if (is_new) consumer.position = Offset(0);
  const bool of_leader = !world_.prng().Chance(1, 4);
  const NodeId target = of_leader ? consumer.knows.leader : world_.AnyBrokerId();
  const uint64_t asked = consumer.asked = ++last_asked_;
  consumer.waiting = true;
  replica::FetchRequest request;
  request.any_replica = !of_leader;
  request.bytes_max = world_.prng().Between(1, 4'000);
  request.bytes_min = world_.prng().Between(0, 1);
  request.parts.push_back({.partition = consumer.knows.partition,
                           .fetch_offset = consumer.position,
                           .bytes_max = 4'000,
                           .current_leader_epoch = consumer.knows.leader_epoch});
  const auto answer = [this, index, asked, of_leader](const replica::FetchOutcome& outcome) {
    OnFetched(index, asked, of_leader, outcome);
  };
  world_.network().Datagram(kClient, AddressOf(target), [this, target, request, answer] {
    SimBroker* broker = world_.FindBroker(target);
    if (broker == nullptr) return;
    broker->Fetch(request, [this, target, answer](std::vector<replica::FetchOutcome> outcomes) {
      world_.network().Datagram(AddressOf(target), kClient,
                                [answer, outcome = std::move(outcomes.at(0))] { answer(outcome); });
    });
  });
  world_.After(world_.prng().Between(200, 1'000), [this, index, asked] {
    if (consumers_[index].waiting && consumers_[index].asked == asked) Poll(index);
  });
}

void ClusterClients::OnFetched(size_t index, uint64_t asked, bool of_leader,
                               const replica::FetchOutcome& outcome) {
  Consumer& consumer = consumers_[index];
  if (!consumer.waiting || consumer.asked != asked) return;
  consumer.waiting = false;
  if (outcome.error == ErrorCode::kNone) {
    if (!Take(consumer, outcome)) return;
    if (!of_leader && outcome.bytes > 0) ++world_.probes().follower_reads;
  } else if (outcome.error == ErrorCode::kOffsetOutOfRange) {
    // A follower may be behind (KIP-392).
    if (of_leader && !Lossy(consumer.knows)) {
      return world_.Fail("I-43 a consumer at offset " + ToString(consumer.position) +
                         " of partition " + ToString(consumer.knows.index) +
                         " is told that it is out of range");
    }
    if (Lossy(consumer.knows)) consumer.position = Offset(0);
  }
  PollLater(index);
}

bool ClusterClients::Take(Consumer& consumer, const replica::FetchOutcome& outcome) {
  for (const std::string& record : test::RecordsIn(outcome.records)) {
    const auto colon = record.find(':');
    const Offset offset(std::stoll(record.substr(0, colon)));
    if (offset < consumer.position) continue;
    const bool lossy = Lossy(consumer.knows);
    if (offset != consumer.position && !lossy) {
      world_.Fail("C-07 a consumer at " + ToString(consumer.position) + " of partition " +
                  ToString(consumer.knows.index) + " gets offset " + ToString(offset));
      return false;
    }
    if (!lossy &&
        !world_.checkers().OnRead(consumer.knows.partition, offset,
                                  HashOfText(std::string_view(record).substr(colon + 1)))) {
      return false;
    }
    consumer.position = offset + 1;
    ++world_.probes().consumed;
  }
  return true;
}

// ---- Idempotent producers ---------------------------------------------------------------

void ClusterClients::SendLater(size_t index) {
  world_.After(world_.prng().Between(1, 60), [this, index] { Send(index); });
}

void ClusterClients::Send(size_t index) {
  Producer& producer = producers_[index];
  bool is_new = false;
  if (!Learn(producer.knows, is_new)) return SendLater(index);
  if (is_new) producer.sequence = producer.count = 0;
  if (producer.count == 0) {
    if (!producing_) return SendLater(index);
    producer.count = static_cast<int32_t>(world_.prng().Between(1, 3));
  } else if (producer.asked != 0) {
    ++world_.probes().idempotent_retries;
  }
  const uint64_t asked = producer.asked = ++last_asked_;
  producer.waiting = true;
  const NodeId target = producer.knows.leader;
  const std::string text = "i" + std::to_string(producer.id) + "." +
                           std::to_string(producer.sequence) +
                           TagOfPartition(producer.knows.partition);
  const log::TopicPartition id = producer.knows.partition;
  const auto answer = [this, index, asked,
                       sequence = producer.sequence](const replica::AppendOutcome& outcome) {
    OnAnswered(index, asked, sequence, outcome);
  };
  world_.network().Datagram(
      kClient, AddressOf(target),
      [this, target, id, text, producer_id = producer.id, sequence = producer.sequence,
       count = producer.count, answer] {
        SimBroker* broker = world_.FindBroker(target);
        if (broker == nullptr) return;
        replica::AppendRequest request;
        request.api_version = kProduceVersion;
        request.parts.push_back(
            {id, test::MakeProducerBatch(text, producer_id, 0, sequence, count)});
        broker->Append(std::move(request), [this, target,
                                            answer](std::vector<replica::AppendOutcome> outcomes) {
          world_.network().Datagram(AddressOf(target), kClient,
                                    [answer, outcome = outcomes.at(0)] { answer(outcome); });
        });
      });
  world_.After(world_.prng().Between(100, 1'500), [this, index, asked] {
    if (producers_[index].waiting && producers_[index].asked == asked) Send(index);
  });
}

void ClusterClients::OnAnswered(size_t index, uint64_t asked, int32_t sequence,
                                const replica::AppendOutcome& outcome) {
  Producer& producer = producers_[index];
  if (!producer.waiting || producer.asked != asked || producer.sequence != sequence) return;
  producer.waiting = false;
  if (outcome.error == ErrorCode::kNone) {
    std::vector<uint64_t> values;
    const std::string text = "i" + std::to_string(producer.id) + "." + std::to_string(sequence) +
                             TagOfPartition(producer.knows.partition);
    for (int32_t i = 0; i < producer.count; ++i) {
      values.push_back(HashOfText(text + "-" + std::to_string(i)));
    }
    world_.checkers().OnAcked(producer.knows.partition, outcome.base_offset, values);
    ++world_.probes().idempotent_acked;
    producer.sequence += std::exchange(producer.count, 0);
    producer.asked = 0;
  } else if (outcome.error == ErrorCode::kInvalidProducerEpoch) {
    world_.Fail("J-04 a producer nobody else stands for is fenced");
  } else if (Lossy(producer.knows) && outcome.error == ErrorCode::kOutOfOrderSequenceNumber) {
    // What it had been acknowledged is lost: it begins again as another.
    producer.id += 1'000;
    producer.sequence = producer.count = 0;
  }
  SendLater(index);
}

bool ClusterClients::Done() {
  for (const Producer& producer : producers_) {
    const bool gone = world_.checkers().newest().FindTopic(producer.knows.topic) == nullptr;
    if (producer.count > 0 && !gone) return false;
  }
  for (const Consumer& consumer : consumers_) {
    const metadata::Topic* topic = world_.checkers().newest().FindTopic(consumer.knows.topic);
    if (topic == nullptr || Lossy(consumer.knows)) continue;
    if (topic->id != consumer.knows.partition.topic_id) return false;
    const auto end = world_.checkers().committed_count(consumer.knows.partition);
    if (consumer.position != Offset(static_cast<int64_t>(end))) return false;
  }
  return true;
}

std::string ClusterClients::Describe() const {
  std::string text;
  for (const Consumer& consumer : consumers_) {
    text += "\n  consumer of " + consumer.knows.topic + " " + ToString(consumer.knows.index) +
            " at " + ToString(consumer.position) + " leader " + ToString(consumer.knows.leader) +
            " epoch " + ToString(consumer.knows.leader_epoch);
  }
  for (const Producer& producer : producers_) {
    text += "\n  producer of " + producer.knows.topic + " " + ToString(producer.knows.index) +
            " at " + std::to_string(producer.sequence) + " with " + std::to_string(producer.count) +
            " leader " + ToString(producer.knows.leader);
  }
  return text;
}

}  // namespace weir::sim
