// Reconciler and MetadataFollower: what is opened, changed, deleted, and when.
#include "broker/metadata/reconciler.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "broker/metadata/metadata_follower.h"
#include "common/base/prng.h"
#include "common/metadata/apply.h"
#include "common/metadata/snapshot.h"
#include "tests/support/config_records.h"
#include "tests/support/manual_executor.h"

namespace weir::broker {
namespace {

constexpr NodeId kSelf{1};

class FakeHost : public PartitionHost {
 public:
  void Assign(std::vector<replica::Assignment> wanted, Task done) override {
    for (replica::Assignment& each : wanted) {
      open.insert(each.partition);
      assigned.push_back(std::move(each));
    }
    done();
  }
  void Drop(std::vector<replica::TopicPartition> partitions, Task done) override {
    for (const auto& each : partitions) {
      open.erase(each);
      dropped.push_back(each);
    }
    done();
  }
  std::vector<replica::TopicPartition> Stored() const override { return stored; }
  void OnBrokers(replica::PeerAddresses known) override { addresses = std::move(known); }
  void OnThrottleRates(const replica::ThrottleRates& told) override { rates = told; }
  void OnTopicsRemoved(const std::map<Uuid, std::string>& topics) override {
    removed.insert(topics.begin(), topics.end());
  }

  std::vector<replica::Assignment> assigned;
  std::vector<replica::TopicPartition> dropped;
  std::set<replica::TopicPartition> open;
  std::vector<replica::TopicPartition> stored;
  replica::PeerAddresses addresses;
  std::optional<replica::ThrottleRates> rates;
  std::map<Uuid, std::string> removed;
};

// Writes metadata as controllers would.
class Log {
 public:
  metadata::v1::MetadataBatch Register(int32_t broker) {
    metadata::v1::MetadataBatch batch;
    auto* record = batch.add_records()->mutable_register_broker();
    record->set_broker_id(broker);
    record->set_incarnation_id(Uuid::Random(prng_).ToBytes());
    record->add_directory_ids(Uuid::Random(prng_).ToBytes());
    auto* endpoint = record->add_endpoints();
    endpoint->set_name("PLAINTEXT");
    endpoint->set_host("h");
    endpoint->set_port(1);
    record->set_inter_broker_listener("PLAINTEXT");
    return batch;
  }
  metadata::v1::MetadataBatch Create(const Uuid& id, const std::string& name,
                                     const std::vector<int32_t>& leaders) {
    metadata::v1::MetadataBatch batch;
    auto* topic = batch.add_records()->mutable_topic();
    topic->set_topic_id(id.ToBytes());
    topic->set_name(name);
    for (size_t i = 0; i < leaders.size(); ++i) {
      auto* partition = batch.add_records()->mutable_partition();
      partition->set_topic_id(id.ToBytes());
      partition->set_partition(static_cast<int32_t>(i));
      partition->add_replicas(leaders[i]);
      partition->add_isr(leaders[i]);
      partition->set_leader(leaders[i]);
    }
    return batch;
  }
  metadata::v1::MetadataBatch Remove(const Uuid& id) {
    metadata::v1::MetadataBatch batch;
    batch.add_records()->mutable_remove_topic()->set_topic_id(id.ToBytes());
    return batch;
  }
  metadata::v1::MetadataBatch Configure(const std::string& topic, const std::string& key,
                                        const std::string& value) {
    metadata::v1::MetadataBatch batch;
    test::AddConfig({metadata::v1::CONFIG_RESOURCE_TOPIC, topic}, key, value, &batch);
    return batch;
  }
  // `broker` empty: of all brokers.
  metadata::v1::MetadataBatch ConfigureBroker(const std::string& broker, const std::string& key,
                                              const std::string& value) {
    metadata::v1::MetadataBatch batch;
    test::AddConfig({metadata::v1::CONFIG_RESOURCE_BROKER, broker}, key, value, &batch);
    return batch;
  }
  // A move that adds a replica; -1: it has ended.
  metadata::v1::MetadataBatch Move(const Uuid& id, int32_t partition, int64_t rate,
                                   int32_t adding) {
    metadata::v1::MetadataBatch batch;
    auto* change = batch.add_records()->mutable_partition_change();
    change->set_topic_id(id.ToBytes());
    change->set_partition(partition);
    change->set_throttled_rate(rate);
    change->mutable_adding_replicas();
    if (adding >= 0) change->mutable_adding_replicas()->add_ids(adding);
    return batch;
  }
  metadata::v1::MetadataBatch LeaderChange(const Uuid& id, int32_t leader) {
    metadata::v1::MetadataBatch batch;
    auto* change = batch.add_records()->mutable_partition_change();
    change->set_topic_id(id.ToBytes());
    change->set_partition(0);
    change->set_leader(leader);
    return batch;
  }

 private:
  Prng prng_{5};
};

class ReconcilerTest : public testing::Test {
 protected:
  void Apply(const metadata::v1::MetadataBatch& batch) {
    metadata::Delta delta;
    metadata::ApplyAndTrack(image_, batch, image_.offset() + 1, &delta);
    delta_.Merge(delta);
  }
  void Act() {
    host_.assigned.clear();
    host_.dropped.clear();
    bool done = false;
    reconciler_.Act(image_, delta_, [&] { done = true; });
    EXPECT_TRUE(done);
    delta_ = {};
  }

  Log log_;
  FakeHost host_;
  Reconciler reconciler_{kSelf, {{"log.message.timestamp.type", "LogAppendTime"}}, host_};
  metadata::MetadataImage image_;
  metadata::Delta delta_;
  Uuid a_{{1}};
  Uuid b_{{2}};
};

TEST_F(ReconcilerTest, OpensOwnPartitionsOnly) {
  Apply(log_.Create(a_, "a", {1, 2, 1}));
  Act();
  EXPECT_EQ(host_.assigned.size(), 2u);
  EXPECT_EQ(reconciler_.open_count(), 2u);
}

TEST_F(ReconcilerTest, I18_AsksForTheLogEndOfWhatHasNobodyInSyncLeft) {
  Apply(log_.Create(a_, "a", {1}));
  Act();
  EXPECT_FALSE(host_.assigned.at(0).log_end_wanted);
  auto lost = log_.LeaderChange(a_, kNoNode.value());
  auto* change = lost.mutable_records(0)->mutable_partition_change();
  change->mutable_isr();
  change->mutable_elr()->add_ids(1);
  Apply(lost);
  Act();
  EXPECT_FALSE(host_.assigned.at(0).log_end_wanted) << "eligible: it will lead";
  change->mutable_elr()->clear_ids();
  change->mutable_last_known_elr()->add_ids(1);
  Apply(lost);
  Act();
  EXPECT_TRUE(host_.assigned.at(0).log_end_wanted);
}

TEST_F(ReconcilerTest, TellsWhereTheOtherBrokersListen) {
  Apply(log_.Register(7));
  Act();
  EXPECT_EQ(host_.addresses, (replica::PeerAddresses{{NodeId(7), {"h", 1}}}));
  host_.addresses.clear();
  Apply(log_.Create(a_, "a", {1}));
  Act();
  EXPECT_TRUE(host_.addresses.empty()) << "no broker has changed";
}

TEST_F(ReconcilerTest, FirstActionDeletesWhatTheClusterNoLongerHas) {
  host_.stored = {{a_, PartitionIndex(0)}, {b_, PartitionIndex(0)}};
  Apply(log_.Create(a_, "a", {1}));
  Act();
  ASSERT_EQ(host_.dropped.size(), 1u);
  EXPECT_EQ(host_.dropped[0].topic_id, b_);
}

TEST_F(ReconcilerTest, DeltasTouchWhatChangedOnly) {
  Apply(log_.Create(a_, "a", {1}));
  Apply(log_.Create(b_, "b", {1}));
  Act();
  Apply(log_.LeaderChange(a_, -1));
  Act();
  ASSERT_EQ(host_.assigned.size(), 1u);
  EXPECT_EQ(host_.assigned[0].partition.topic_id, a_);
  EXPECT_EQ(host_.assigned[0].leader, kNoNode);
  EXPECT_EQ(host_.assigned[0].leader_epoch, LeaderEpoch(1));
}

TEST_F(ReconcilerTest, RemovedTopicIsDroppedAndItsNameStartsAnew) {
  Apply(log_.Create(a_, "t", {1}));
  Act();
  Apply(log_.Remove(a_));
  Apply(log_.Create(b_, "t", {1}));
  Act();
  ASSERT_EQ(host_.dropped.size(), 1u);
  EXPECT_EQ(host_.dropped[0].topic_id, a_);
  ASSERT_EQ(host_.assigned.size(), 1u);
  EXPECT_EQ(host_.assigned[0].partition.topic_id, b_);
  EXPECT_EQ(host_.removed, (std::map<Uuid, std::string>{{a_, "t"}})) << "its offsets end";
}

TEST_F(ReconcilerTest, PartitionsOfCommittedOffsetsAreToldApart) {
  Apply(log_.Create(a_, "__consumer_offsets", {1}));
  Act();
  EXPECT_TRUE(host_.assigned.at(0).config->committed_offsets);
  Apply(log_.Create(b_, "__consumer_offset", {1}));
  Act();
  EXPECT_FALSE(host_.assigned.at(0).config->committed_offsets);
}

TEST_F(ReconcilerTest, ConfigurationReachesThePartitionsAndIsShared) {
  Apply(log_.Create(a_, "a", {1, 1}));
  Act();
  ASSERT_EQ(host_.assigned.size(), 2u);
  EXPECT_EQ(host_.assigned[0].config, host_.assigned[1].config) << "one object per topic";
  EXPECT_EQ(host_.assigned[0].config->timestamp_type, log::TimestampType::kLogAppendTime)
      << "the node's own setting is the topic's default";
  Apply(log_.Configure("a", "max.message.bytes", "1234"));
  Apply(log_.Configure("a", "cleanup.policy", "compact"));
  Apply(log_.Configure("a", "durability", "os"));
  Act();
  ASSERT_EQ(host_.assigned.size(), 2u);
  EXPECT_EQ(host_.assigned[0].config->batch_bytes_max, 1234);
  EXPECT_TRUE(host_.assigned[0].config->compacted);
  EXPECT_EQ(host_.assigned[0].config->family, KvFamily::kLogCompacted);
  EXPECT_EQ(host_.assigned[0].config->durability, log::Durability::kOs);
}

TEST_F(ReconcilerTest, ConfiguredThrottlesReachTheBrokerAndItsReplicas) {
  Apply(log_.Create(a_, "a", {1, 1}));
  Act();
  EXPECT_EQ(host_.rates, replica::ThrottleRates());
  Apply(log_.Configure("a", "leader.replication.throttled.replicas", "0:1,1:2"));
  Apply(log_.Configure("a", "follower.replication.throttled.replicas", "*"));
  Apply(log_.ConfigureBroker("", "leader.replication.throttled.rate", "5000"));
  Apply(log_.ConfigureBroker("1", "follower.replication.throttled.rate", "7000"));
  Apply(log_.ConfigureBroker("2", "leader.replication.throttled.rate", "1"));
  Act();
  EXPECT_EQ(host_.rates,
            (replica::ThrottleRates{.leader_configured = 5000, .follower_configured = 7000}));
  ASSERT_EQ(host_.assigned.size(), 2u);
  EXPECT_TRUE(host_.assigned[0].throttle.leader);
  EXPECT_FALSE(host_.assigned[1].throttle.leader) << "named for another broker";
  EXPECT_TRUE(host_.assigned[0].throttle.follower && host_.assigned[1].throttle.follower);
  Apply(log_.Configure("a", "leader.replication.throttled.replicas", "none"));
  Apply(log_.Configure("a", "follower.replication.throttled.replicas", ""));
  Act();
  ASSERT_EQ(host_.assigned.size(), 2u);
  EXPECT_EQ(host_.assigned[0].throttle, replica::ReplicaThrottle());
}

TEST_F(ReconcilerTest, MovesThrottleTheBrokerUntilTheyEnd) {
  Apply(log_.Create(a_, "a", {1, 1, 2}));
  Apply(log_.Move(a_, 0, 9000, 3));
  Apply(log_.Move(a_, 1, 4000, 3));
  Apply(log_.Move(a_, 2, 10, 3));
  Act();
  EXPECT_EQ(host_.rates->moves, 4000) << "the lowest of those this broker takes part in";
  EXPECT_EQ(host_.assigned.at(0).throttle.moves_to, std::vector<NodeId>{NodeId(3)});
  Apply(log_.Move(a_, 1, 0, -1));
  Act();
  EXPECT_EQ(host_.rates->moves, 9000);
  EXPECT_EQ(host_.assigned.at(0).throttle, replica::ReplicaThrottle());
  Apply(log_.Remove(a_));
  Act();
  EXPECT_EQ(host_.rates, replica::ThrottleRates());
}

TEST_F(ReconcilerTest, ActingTwiceOnTheSameChangesNothing) {
  Apply(log_.Create(a_, "a", {1}));
  Act();
  Act();
  EXPECT_TRUE(host_.assigned.empty());
  EXPECT_TRUE(host_.dropped.empty());
}

// ---- MetadataFollower -----------------------------------------------------------------

class FakeFeed : public FeedPort {
 public:
  class Handle : public rpc::StreamHandle {
   public:
    explicit Handle(int& cancelled) : cancelled_(cancelled) {}
    void Cancel() override { ++cancelled_; }

   private:
    int& cancelled_;
  };
  std::unique_ptr<rpc::StreamHandle> FetchMetadata(const v1::FetchMetadataRequest& request,
                                                   rpc::MetadataEvents opened) override {
    requests.push_back(request);
    events = std::move(opened);
    return std::make_unique<Handle>(cancelled);
  }
  int cancelled = 0;
  std::vector<v1::FetchMetadataRequest> requests;
  rpc::MetadataEvents events;
};

class FollowerTest : public testing::Test {
 protected:
  FollowerTest() { follower_.Start(); }

  void Send(const std::vector<metadata::v1::MetadataBatch>& batches, int64_t committed) {
    v1::FetchMetadataReply reply;
    for (const auto& each : batches) {
      auto* batch = reply.mutable_batches()->add_batches();
      batch->set_offset(++sent_);
      batch->set_batch(each.SerializeAsString());
    }
    reply.mutable_batches()->set_committed_offset(committed);
    feed_.events.on_reply(reply);
    thread_->Run();
  }

  std::shared_ptr<test::ManualExecutor> thread_ = std::make_shared<test::ManualExecutor>();
  Log log_;
  FakeHost host_;
  FakeFeed feed_;
  Reconciler reconciler_{kSelf, {}, host_};
  ImageHolder images_{*thread_, {thread_.get()}};
  std::vector<uint64_t> applied_;
  MetadataFollower follower_{
      thread_,     kSelf,   feed_,
      reconciler_, images_, [this](LogIndex offset) {
                               applied_.push_back(offset.value()); }};
  int64_t sent_ = 0;
  Uuid a_{{1}};
};

TEST_F(FollowerTest, D23_NothingIsDoneBeforeTheOwnRegistrationIsSeen) {
  host_.stored = {{a_, PartitionIndex(0)}};
  Send({log_.Register(1)}, 1);
  follower_.OnRegistered(BrokerEpoch(3));
  thread_->Run();
  EXPECT_TRUE(host_.dropped.empty()) << "this view is older than the broker's own life";
  EXPECT_TRUE(applied_.empty());
  Send({log_.Create(a_, "a", {1}), log_.Register(1)}, 3);
  EXPECT_TRUE(host_.dropped.empty());
  EXPECT_TRUE(host_.open.contains({a_, PartitionIndex(0)}));
  EXPECT_EQ(applied_, std::vector<uint64_t>{3});
}

TEST_F(FollowerTest, FirstActionWaitsForTheNewestCommitted) {
  follower_.OnRegistered(BrokerEpoch(1));
  Send({log_.Register(1), log_.Create(a_, "a", {1})}, 3);
  EXPECT_TRUE(applied_.empty());
  Send({log_.Remove(a_)}, 3);
  EXPECT_TRUE(host_.assigned.empty()) << "never opened what was gone already";
  EXPECT_EQ(applied_, std::vector<uint64_t>{3});
}

TEST_F(FollowerTest, OffsetIsReportedAfterImageAndPartitionsAreThere) {
  follower_.OnRegistered(BrokerEpoch(1));
  Send({log_.Register(1)}, 1);
  Send({log_.Create(a_, "a", {1})}, 2);
  EXPECT_EQ(applied_.back(), 2u);
  EXPECT_NE(images_.At(0)->FindTopic("a"), nullptr);
  EXPECT_TRUE(host_.open.contains({a_, PartitionIndex(0)}));
}

TEST_F(FollowerTest, ReopensFromWhereItWas) {
  follower_.OnRegistered(BrokerEpoch(1));
  EXPECT_EQ(feed_.requests.back().from_offset(), 0);
  Send({log_.Register(1), log_.Create(a_, "a", {1})}, 2);
  feed_.events.on_end({{ErrorCode::kNetworkException, "test"}, ""});
  thread_->Advance(std::chrono::milliseconds(100));
  ASSERT_EQ(feed_.requests.size(), 2u);
  EXPECT_EQ(feed_.requests.back().from_offset(), 3);
  // What was sent before is not applied twice.
  sent_ = 0;
  Send({log_.Register(1), log_.Create(a_, "a", {1}), log_.Remove(a_)}, 3);
  EXPECT_EQ(applied_.back(), 3u);
  EXPECT_EQ(images_.At(0)->topics().size(), 0u);
}

// The controller that feeds may be paused, or cut off, while the session is with another one.
TEST_F(FollowerTest, C28_ASilentFeedIsLeftWhenTheControllersAreFurther) {
  using std::chrono::milliseconds;
  follower_.OnRegistered(BrokerEpoch(1));
  Send({log_.Register(1)}, 1);
  const auto hear = [&](uint64_t committed, Duration duration) {
    for (Duration passed{0}; passed < duration; passed += milliseconds(500)) {
      follower_.OnCommitted(LogIndex(committed));
      thread_->Advance(milliseconds(500));
    }
  };
  hear(1, std::chrono::minutes(10));
  EXPECT_EQ(feed_.requests.size(), 1u) << "there is nothing to come";
  hear(2, milliseconds(1'000));
  EXPECT_EQ(feed_.requests.size(), 1u);
  hear(2, milliseconds(500));
  ASSERT_EQ(feed_.requests.size(), 2u);
  EXPECT_EQ(feed_.cancelled, 1);
  EXPECT_EQ(feed_.requests.back().from_offset(), 2);
  hear(2, milliseconds(2'000));
  EXPECT_EQ(feed_.requests.size(), 2u) << "twice as long";
  hear(2, milliseconds(1'000));
  EXPECT_EQ(feed_.requests.size(), 3u);
  Send({log_.Create(a_, "a", {1})}, 3);
  hear(3, milliseconds(1'500));
  EXPECT_EQ(feed_.requests.size(), 4u) << "whatever comes makes it a feed again";
}

TEST_F(FollowerTest, SnapshotReplacesTheImageAndTheDifferenceIsActedOn) {
  follower_.OnRegistered(BrokerEpoch(1));
  Send({log_.Register(1), log_.Create(a_, "a", {1})}, 2);
  metadata::MetadataImage other;
  const Uuid b{{2}};
  metadata::Apply(other, log_.Register(1), LogIndex(1));
  metadata::Apply(other, log_.Create(b, "b", {1}), LogIndex(9));
  for (const std::string& chunk : metadata::WriteSnapshot(other)) {
    v1::FetchMetadataReply reply;
    reply.mutable_snapshot()->set_offset(9);
    reply.mutable_snapshot()->set_chunk(chunk);
    reply.mutable_snapshot()->set_last(true);
    feed_.events.on_reply(reply);
  }
  thread_->Run();
  EXPECT_EQ(applied_.back(), 9u);
  EXPECT_FALSE(host_.open.contains({a_, PartitionIndex(0)}));
  EXPECT_TRUE(host_.open.contains({b, PartitionIndex(0)}));
}

}  // namespace
}  // namespace weir::broker
