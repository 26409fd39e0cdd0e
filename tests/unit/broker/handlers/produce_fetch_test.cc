// Produce, Fetch and offsets over a socket, against real partitions.
#include <gtest/gtest.h>

#include "broker/replica/fetch_clock.h"
#include "broker/wire/messages/all.h"
#include "broker/wire/record_batch.h"
#include "broker/wire/record_batch_builder.h"
#include "tests/unit/broker/handlers/broker_fixture.h"

namespace weir::handlers {
namespace {

class ProduceFetch : public BrokerFixture {
 protected:
  void Create(const std::string& name, int partitions = 1,
              std::vector<wire::CreateTopicsRequest::Config> configs = {}) {
    BrokerClient client(port_);
    wire::CreateTopicsRequest request;
    request.topics.push_back({.name = name,
                              .num_partitions = partitions,
                              .replication_factor = 1,
                              .assignments = {},
                              .configs = std::move(configs)});
    const auto answer = client.Ask<wire::CreateTopicsResponse>(7, request);
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->topics[0].error_code, ErrorCode::kNone);
    topic_ids_[name] = answer->topics[0].topic_id;
  }

  static SharedBytes Batch(const std::vector<std::string>& values, int64_t timestamp_ms = 1000) {
    wire::RecordBatchBuilder builder;
    for (const std::string& value : values) builder.Add(timestamp_ms, "k", value);
    return builder.Build();
  }

  wire::ProduceRequest Produce(const std::string& topic, int32_t partition, SharedBytes batch,
                               int16_t acks = -1) {
    wire::ProduceRequest request;
    request.acks = acks;
    request.timeout_ms = 5000;
    auto& data = request.topic_data.emplace_back();
    data.topic_id = topic_ids_[topic];
    data.name = topic_ids_.find(topic)->first;
    data.partition_data.push_back({.index = partition, .records = wire::Records(std::move(batch))});
    return request;
  }

  wire::FetchRequest Fetch(const std::string& topic, int32_t partition, int64_t offset,
                           int32_t max_wait_ms = 0) {
    wire::FetchRequest request;
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = 1;
    auto& wanted = request.topics.emplace_back();
    wanted.topic_id = topic_ids_[topic];
    wanted.topic = topic_ids_.find(topic)->first;
    wanted.partitions.push_back(
        {.partition = partition, .fetch_offset = offset, .partition_max_bytes = 1 << 20});
    return request;
  }

  // Registers broker `id` and puts it into the replicas and the ISR of partition 0.
  void AddReplica(const std::string& topic, int32_t id, const std::string& rack) {
    metadata::v1::MetadataBatch batch;
    auto* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(id);
    broker->set_rack(rack);
    Prng prng(9);
    broker->set_incarnation_id(Uuid::Random(prng).ToBytes());
    broker->add_directory_ids(Uuid::Random(prng).ToBytes());
    auto* change = batch.add_records()->mutable_partition_change();
    change->set_topic_id(topic_ids_[topic].ToBytes());
    change->set_partition(0);
    for (const int32_t replica : {kBrokerId.value(), id}) {
      change->mutable_replicas()->add_ids(replica);
      change->mutable_isr()->add_ids(replica);
    }
    controllers_->Append(batch);
  }

  std::map<std::string, Uuid> topic_ids_;
};

TEST_F(ProduceFetch, WhatWasProducedIsFetchedAtEveryVersion) {
  Create("t");
  BrokerClient client(port_);
  int64_t offset = 0;
  for (int16_t v = 3; v <= 13; ++v) {
    const auto answer =
        client.Ask<wire::ProduceResponse>(v, Produce("t", 0, Batch({"a", std::to_string(v)})));
    ASSERT_TRUE(answer.has_value()) << v;
    const auto& partition = answer->responses[0].partition_responses[0];
    EXPECT_EQ(partition.error_code, ErrorCode::kNone) << v;
    EXPECT_EQ(partition.base_offset, offset);
    offset += 2;
  }
  for (int16_t v = 4; v <= 18; ++v) {
    const auto answer = client.Ask<wire::FetchResponse>(v, Fetch("t", 0, offset - 1));
    ASSERT_TRUE(answer.has_value()) << v;
    const auto& partition = answer->responses[0].partitions[0];
    EXPECT_EQ(partition.error_code, ErrorCode::kNone) << v;
    EXPECT_EQ(partition.high_watermark, offset);
    EXPECT_EQ(answer->session_id, 0);
    // An offset in the middle of a batch brings the whole batch.
    const auto batch = wire::RecordBatchView::Parse(partition.records->contiguous().view());
    ASSERT_TRUE(batch.has_value());
    EXPECT_EQ(batch->base_offset(), offset - 2);
    EXPECT_TRUE(batch->Verify().has_value());
  }
}

// A client that says it is a follower could acknowledge records for it (CVE-2018-1288).
TEST_F(ProduceFetch, I40_AClientIsNoFollower) {
  Create("t");
  BrokerClient client(port_);
  wire::FetchRequest old_style = Fetch("t", 0, 0);
  old_style.replica_id = 2;
  EXPECT_EQ(client.Ask<wire::FetchResponse>(12, old_style)->error_code,
            ErrorCode::kClusterAuthorizationFailed);
  wire::FetchRequest new_style = Fetch("t", 0, 0);
  new_style.replica_state = {.replica_id = 2, .replica_epoch = 5};
  EXPECT_EQ(client.Ask<wire::FetchResponse>(17, new_style)->error_code,
            ErrorCode::kClusterAuthorizationFailed);
  EXPECT_FALSE(client.Ask<wire::FetchResponse>(6, old_style).has_value());
}

// A follower's next request must not wait behind the long poll of the one before.
TEST_F(ProduceFetch, AFollowersNextFetchEndsTheWaitOfTheOneBefore) {
  Create("t");
  context_.settings.inter_broker_listener = "PLAINTEXT";
  AddReplica("t", 2, "");
  BrokerClient follower(port_);
  wire::FetchRequest request = Fetch("t", 0, 0, 60'000);
  request.replica_state = {.replica_id = 2, .replica_epoch = 5};
  follower.Send(17, request);
  request.max_wait_ms = 0;
  follower.Send(17, request);
  EXPECT_TRUE(follower.Receive<wire::FetchResponse>(17).has_value());
  EXPECT_TRUE(follower.Receive<wire::FetchResponse>(17).has_value());
}

TEST_F(ProduceFetch, J02_AnAnswerToAFollowerSaysWhenItLeft) {
  Create("t");
  context_.settings.inter_broker_listener = "PLAINTEXT";
  AddReplica("t", 2, "");
  BrokerClient follower(port_);
  wire::FetchRequest request = Fetch("t", 0, 0);
  request.replica_state = {.replica_id = 2, .replica_epoch = 5};
  request.session_epoch = -1;
  const MonoTime before = shards_->at(0).Now();
  const int32_t id = follower.Ask<wire::FetchResponse>(17, request)->session_id;
  const MonoTime after = shards_->at(0).Now();
  const MonoTime left = replica::AnsweredAt(id, after);
  EXPECT_GT(left, before - std::chrono::milliseconds(1));
  EXPECT_LE(left, after);
  // It comes back.
  request.session_id = id;
  EXPECT_EQ(follower.Ask<wire::FetchResponse>(17, request)->error_code, ErrorCode::kNone);
}

// KIP-392.
TEST_F(ProduceFetch, AConsumerIsSentToTheInSyncReplicaInItsRack) {
  Create("t");
  context_.settings.rack_aware_reads = true;
  context_.settings.rack = "rack-a";
  AddReplica("t", 2, "rack-b");
  BrokerClient client(port_);
  wire::FetchRequest request = Fetch("t", 0, 0);
  const auto preferred = [&](const char* rack) {
    request.rack_id = rack;
    return client.Ask<wire::FetchResponse>(13, request)
        ->responses[0]
        .partitions[0]
        .preferred_read_replica;
  };
  while (preferred("rack-b") != 2) {  // until the image is there
  }
  EXPECT_EQ(preferred("rack-a"), -1);
  EXPECT_EQ(preferred("rack-c"), -1);
  EXPECT_EQ(preferred(""), -1);
}

TEST_F(ProduceFetch, LongPollEndsWhenRecordsArrive) {
  Create("t");
  BrokerClient consumer(port_);
  consumer.Send(12, Fetch("t", 0, 0, 30'000));
  BrokerClient producer(port_);
  ASSERT_TRUE(producer.Ask<wire::ProduceResponse>(9, Produce("t", 0, Batch({"x"}))).has_value());
  const auto answer = consumer.Receive<wire::FetchResponse>(12);
  ASSERT_TRUE(answer.has_value());
  EXPECT_GT(answer->responses[0].partitions[0].records->size(), 0u);
}

TEST_F(ProduceFetch, LongPollEndsEmptyAtItsDeadline) {
  Create("t");
  BrokerClient consumer(port_);
  const auto answer = consumer.Ask<wire::FetchResponse>(12, Fetch("t", 0, 0, 50));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->responses[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(answer->responses[0].partitions[0].records->size(), 0u);
}

TEST_F(ProduceFetch, PipelinedProducesAnswerInOrder) {
  Create("t", 4);
  BrokerClient client(port_);
  for (int i = 0; i < 40; ++i) client.Send(9, Produce("t", i % 4, Batch({"x"})));
  for (int i = 0; i < 40; ++i) {
    const auto answer = client.Receive<wire::ProduceResponse>(9);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->responses[0].partition_responses[0].index, i % 4);
    EXPECT_EQ(answer->responses[0].partition_responses[0].base_offset, i / 4);
  }
}

TEST_F(ProduceFetch, AcksZeroHasNoAnswerAndErrorsClose) {
  Create("t");
  BrokerClient client(port_);
  client.Send(9, Produce("t", 0, Batch({"x"}), 0));
  // The next request's answer is the next answer.
  const auto answer = client.Ask<wire::ProduceResponse>(9, Produce("t", 0, Batch({"y"}), 1));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->responses[0].partition_responses[0].base_offset, 1);
  topic_ids_["absent"] = {};
  client.Send(9, Produce("absent", 0, Batch({"z"}), 0));
  EXPECT_FALSE(client.ReceiveFrame().has_value());
}

TEST_F(ProduceFetch, UnknownTopicsHaveTheErrorOfTheVersion) {
  topic_ids_["absent"] = Uuid{{1}};
  BrokerClient client(port_);
  const auto produce = [&](int16_t v) {
    const auto answer = client.Ask<wire::ProduceResponse>(v, Produce("absent", 0, Batch({"x"})));
    return answer->responses[0].partition_responses[0].error_code;
  };
  EXPECT_EQ(produce(12), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(produce(13), ErrorCode::kUnknownTopicId);
  const auto fetch = [&](int16_t v) {
    const auto answer = client.Ask<wire::FetchResponse>(v, Fetch("absent", 0, 0, 60'000));
    return answer->responses[0].partitions[0].error_code;
  };
  EXPECT_EQ(fetch(12), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(fetch(13), ErrorCode::kUnknownTopicId);
}

TEST_F(ProduceFetch, UnknownPartitionAndBadAcks) {
  Create("t");
  BrokerClient client(port_);
  auto answer = client.Ask<wire::ProduceResponse>(9, Produce("t", 7, Batch({"x"})));
  EXPECT_EQ(answer->responses[0].partition_responses[0].error_code,
            ErrorCode::kUnknownTopicOrPartition);
  answer = client.Ask<wire::ProduceResponse>(9, Produce("t", 0, Batch({"x"}), 2));
  EXPECT_EQ(answer->responses[0].partition_responses[0].error_code,
            ErrorCode::kInvalidRequiredAcks);
}

TEST_F(ProduceFetch, BatchLargerThanTheTopicAllowsIsRefused) {
  Create("t", 1, {{"max.message.bytes", "500"}});
  BrokerClient client(port_);
  const auto answer =
      client.Ask<wire::ProduceResponse>(9, Produce("t", 0, Batch({std::string(1000, 'x')})));
  EXPECT_EQ(answer->responses[0].partition_responses[0].error_code, ErrorCode::kMessageTooLarge);
}

TEST_F(ProduceFetch, SessionsAreRefusedCorrectly) {
  Create("t");
  BrokerClient client(port_);
  wire::FetchRequest request = Fetch("t", 0, 0);
  request.session_id = 77;
  request.session_epoch = 3;
  auto answer = client.Ask<wire::FetchResponse>(12, request);
  EXPECT_EQ(answer->error_code, ErrorCode::kFetchSessionIdNotFound);
  // A full request that would like a session is served without one.
  request.session_id = 0;
  request.session_epoch = 0;
  answer = client.Ask<wire::FetchResponse>(12, request);
  EXPECT_EQ(answer->error_code, ErrorCode::kNone);
  EXPECT_EQ(answer->session_id, 0);
  EXPECT_EQ(answer->responses.size(), 1u);
}

TEST_F(ProduceFetch, OffsetsOutOfRange) {
  Create("t");
  BrokerClient client(port_);
  const auto answer = client.Ask<wire::FetchResponse>(12, Fetch("t", 0, 5, 60'000));
  EXPECT_EQ(answer->responses[0].partitions[0].error_code, ErrorCode::kOffsetOutOfRange);
}

TEST_F(ProduceFetch, ListOffsetsFindsEndsAndTimes) {
  Create("t");
  BrokerClient client(port_);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        client.Ask<wire::ProduceResponse>(9, Produce("t", 0, Batch({"x", "y"}, 1000 + 1000 * i)))
            .has_value());
  }
  const auto list = [&](int64_t timestamp) {
    wire::ListOffsetsRequest request;
    request.topics.push_back(
        {.name = "t", .partitions = {{.partition_index = 0, .timestamp = timestamp}}});
    const auto answer = client.Ask<wire::ListOffsetsResponse>(7, request);
    EXPECT_EQ(answer->topics[0].partitions[0].error_code, ErrorCode::kNone);
    return answer->topics[0].partitions[0].offset;
  };
  EXPECT_EQ(list(-2), 0);
  EXPECT_EQ(list(-1), 6);
  EXPECT_EQ(list(1500), 2);
  EXPECT_EQ(list(9999), -1);
  EXPECT_EQ(list(-3), 4);
}

TEST_F(ProduceFetch, DeleteRecordsMovesTheLogStart) {
  Create("t");
  BrokerClient client(port_);
  ASSERT_TRUE(client.Ask<wire::ProduceResponse>(9, Produce("t", 0, Batch({"a"}))).has_value());
  ASSERT_TRUE(client.Ask<wire::ProduceResponse>(9, Produce("t", 0, Batch({"b"}))).has_value());
  wire::DeleteRecordsRequest request;
  request.topics.push_back({.name = "t", .partitions = {{.partition_index = 0, .offset = 1}}});
  const auto answer = client.Ask<wire::DeleteRecordsResponse>(2, request);
  EXPECT_EQ(answer->topics[0].partitions[0].low_watermark, 1);
  const auto fetched = client.Ask<wire::FetchResponse>(12, Fetch("t", 0, 0));
  EXPECT_EQ(fetched->responses[0].partitions[0].error_code, ErrorCode::kOffsetOutOfRange);
}

TEST_F(ProduceFetch, IdempotentProducerIsNotAppendedTwice) {
  Create("t");
  BrokerClient client(port_);
  wire::InitProducerIdRequest init;
  init.transactional_id.reset();
  const auto id = client.Ask<wire::InitProducerIdResponse>(4, init);
  ASSERT_EQ(id->error_code, ErrorCode::kNone);
  for (int attempt = 0; attempt < 2; ++attempt) {
    wire::RecordBatchBuilder builder(
        {.producer_id = id->producer_id, .producer_epoch = id->producer_epoch, .base_sequence = 0});
    builder.Add(1000, "k", "v");
    const auto answer = client.Ask<wire::ProduceResponse>(9, Produce("t", 0, builder.Build()));
    EXPECT_EQ(answer->responses[0].partition_responses[0].base_offset, 0);
  }
  const auto fetched = client.Ask<wire::FetchResponse>(12, Fetch("t", 0, 0));
  EXPECT_EQ(fetched->responses[0].partitions[0].high_watermark, 1);
}

TEST_F(ProduceFetch, ProducerIdsAreDistinctAcrossBlocks) {
  BrokerClient client(port_);
  wire::InitProducerIdRequest init;
  init.transactional_id.reset();
  std::set<int64_t> ids;
  for (int i = 0; i < 25; ++i) {
    ids.insert(client.Ask<wire::InitProducerIdResponse>(4, init)->producer_id);
  }
  EXPECT_EQ(ids.size(), 25u);
  init.transactional_id = "tx";
  EXPECT_EQ(client.Ask<wire::InitProducerIdResponse>(4, init)->error_code,
            ErrorCode::kCoordinatorNotAvailable);
}

TEST_F(ProduceFetch, DeletedTopicIsGoneAndItsNameStartsAnew) {
  Create("t");
  const Uuid old_id = topic_ids_["t"];
  BrokerClient client(port_);
  ASSERT_TRUE(client.Ask<wire::ProduceResponse>(9, Produce("t", 0, Batch({"x"}))).has_value());
  wire::DeleteTopicsRequest remove;
  remove.topic_names = {"t"};
  ASSERT_TRUE(client.Ask<wire::DeleteTopicsResponse>(5, remove).has_value());
  Create("t");
  EXPECT_NE(topic_ids_["t"], old_id);
  const auto fetched = client.Ask<wire::FetchResponse>(12, Fetch("t", 0, 0));
  EXPECT_EQ(fetched->responses[0].partitions[0].high_watermark, 0);
  topic_ids_["t"] = old_id;
  const auto produced = client.Ask<wire::ProduceResponse>(13, Produce("t", 0, Batch({"x"})));
  EXPECT_EQ(produced->responses[0].partition_responses[0].error_code, ErrorCode::kUnknownTopicId);
}

}  // namespace
}  // namespace weir::handlers
