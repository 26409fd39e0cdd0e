// Random histories of a consumer group (KIP-848): members that join, leave, crash, come back, lose
// answers and take their time to give partitions up; topics that come and grow; controllers that
// follow one another. After every event nobody owns what another owns, on the clients' side too,
// and when it gets quiet all partitions are owned as the target says.
#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/controller/state/consumer_group_support.h"

namespace weir::state {
namespace {

using Reply = ConsumerHarness::Reply;
using Request = ConsumerHarness::Request;

// A client, as KIP-848 has them: it gives up first what it is not to own any more, says so, and
// takes what is new.
struct Client {
  std::string member_id;
  std::string instance_id;
  std::vector<std::string> topics;
  int32_t epoch = 0;
  PartitionsByTopic owned;
  // What it was told to own, while it has not given the rest up.
  std::optional<PartitionsByTopic> told;
  // Its last answer did not come: it says all it knows.
  bool says_all = true;
  PartitionsByTopic said;
};

class Model {
 public:
  explicit Model(uint64_t seed) : h_(Config(seed), seed), prng_(seed * 31 + 7) {
    AddTopic();
    AddTopic();
  }

  void Step() {
    switch (prng_.Below(16)) {
      case 0:
        if (clients_.size() < 6) Join();
        break;
      case 1:
        if (prng_.Chance(1, 3)) AddTopic();
        break;
      case 2:
        if (prng_.Chance(1, 3)) GrowTopic();
        break;
      case 3:
        if (prng_.Chance(1, 3)) h_.FailOver();
        break;
      case 4:
        WithAny([this](Client& client) { Leave(client); });
        break;
      case 5:
        // It crashes: nothing is heard of it any more, except perhaps that its connection ended.
        if (prng_.Chance(1, 3)) WithAny([this](Client& client) { Crash(client); });
        break;
      case 6:
        h_.AdvanceMs(static_cast<int64_t>(prng_.Below(prng_.Chance(1, 20) ? 50'000 : 1'000)));
        break;
      case 7:
      case 8:
        WithAny([this](Client& client) { GiveUp(client); });
        break;
      case 9:
        WithAny([this](Client& client) { Beat(client, /*answer_is_lost=*/true); });
        break;
      case 10:
        WithAny([this](Client& client) {
          client.topics = SomeTopics();
          client.says_all = true;
        });
        break;
      default:
        WithAny([this](Client& client) { Beat(client, /*answer_is_lost=*/false); });
        break;
    }
    h_.Work();
    CheckClients();
  }

  // G-07: everybody is heard of until nothing changes.
  void Settle() {
    for (int round = 0; round < 24; ++round) {
      for (Client& client : clients_) {
        Beat(client, false);
        GiveUp(client);
        Beat(client, false);
        CheckClients();
      }
      h_.AdvanceMs(5'000);
    }
    const Group* group = h_.image.FindGroup("g");
    if (group == nullptr || group->members.empty()) return;
    EXPECT_EQ(group->state, GroupState::kStable) << metadata::Dump("g", *group);
    size_t wanted = 0;
    std::set<std::string> subscribed;
    for (const Client& client : clients_) {
      subscribed.insert(client.topics.begin(), client.topics.end());
    }
    for (const std::string& name : subscribed) {
      if (const metadata::Topic* topic = h_.image.FindTopic(name)) {
        wanted += topic->partitions.size();
      }
    }
    size_t owned = 0;
    for (const Client& client : clients_) {
      EXPECT_EQ(client.owned, metadata::Get(h_.Member(client.member_id).target));
      owned += metadata::CountPartitions(client.owned);
    }
    EXPECT_EQ(owned, wanted) << "G-01";
  }

 private:
  static GroupConfig Config(uint64_t seed) {
    GroupConfig config;
    if (seed % 2 == 0) config.static_config["group.consumer.assignment.interval.ms"] = "0";
    if (seed % 3 == 0) config.static_config["group.consumer.assignors"] = "range,uniform";
    return config;
  }

  template <class F>
  void WithAny(F act) {
    if (clients_.empty()) return;
    const size_t place = prng_.Below(clients_.size());
    act(clients_[place]);
    if (clients_[place].member_id.empty()) {
      clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(place));
    }
  }

  std::vector<std::string> SomeTopics() {
    std::vector<std::string> topics;
    for (const std::string& name : topics_) {
      if (prng_.Chance(2, 3)) topics.push_back(name);
    }
    return topics;
  }
  void AddTopic() {
    if (topics_.size() >= 5) return;
    topics_.push_back("t" + std::to_string(topics_.size()));
    h_.AddTopic(topics_.back(), static_cast<int32_t>(1 + prng_.Below(5)));
  }
  void GrowTopic() {
    const std::string& name = topics_[prng_.Below(topics_.size())];
    if (h_.image.FindTopic(name)->partitions.size() < 9) h_.AddPartitions(name, 1);
  }

  void Join() {
    Client client;
    client.member_id = "m" + std::to_string(++last_member_);
    client.topics = SomeTopics();
    if (prng_.Chance(1, 3)) {
      client.instance_id = "i" + std::to_string(prng_.Below(3));
      for (const Client& other : clients_) {
        if (other.instance_id == client.instance_id) return;
      }
    }
    clients_.push_back(client);
    Beat(clients_.back(), prng_.Chance(1, 10));
  }

  void Leave(Client& client) {
    const bool for_a_while = !client.instance_id.empty() && prng_.Chance(2, 3);
    Request request = ConsumerHarness::BeatOf(client.member_id, for_a_while ? -2 : -1);
    if (!client.instance_id.empty()) request.set_instance_id(client.instance_id);
    h_.Send(request);
    client.member_id.clear();
  }

  void Crash(Client& client) {
    if (prng_.Chance(1, 2)) h_.ReportLost(client.member_id);
    client.member_id.clear();
  }

  void Beat(Client& client, bool answer_is_lost) {
    Request request = ConsumerHarness::BeatOf(client.member_id, client.epoch);
    if (!client.instance_id.empty()) request.set_instance_id(client.instance_id);
    const bool all = client.says_all || client.epoch == 0;
    if (all) {
      request.set_rebalance_timeout_ms(60'000);
      request.mutable_subscribed_topic_names();
      for (const std::string& name : client.topics) {
        request.mutable_subscribed_topic_names()->add_names(name);
      }
    }
    if (all || client.said != client.owned) {
      metadata::FillPartitions(client.owned,
                               request.mutable_topic_partitions()->mutable_topic_partitions());
    }
    const Reply reply = h_.Send(request);
    if (answer_is_lost) {
      client.says_all = true;
      return;
    }
    Take(client, reply);
  }

  void Take(Client& client, const Reply& reply) {
    if (ConsumerHarness::CodeOf(reply) != ErrorCode::kNone) {
      // Fenced, removed, or its instance id is another's: it gives all up and joins again.
      client.owned.clear();
      client.told.reset();
      client.epoch = 0;
      client.says_all = true;
      return;
    }
    client.says_all = false;
    client.said = client.owned;
    EXPECT_GE(reply.member_epoch(), client.epoch) << "G-06";
    client.epoch = reply.member_epoch();
    if (reply.has_assignment()) client.told = ConsumerHarness::Assigned(reply);
    // Nothing is to be given up: it takes what is new at once.
    if (client.told && metadata::IsSubset(client.owned, *client.told)) GiveUp(client);
  }

  static void GiveUp(Client& client) {
    if (!client.told) return;
    client.owned = *std::exchange(client.told, std::nullopt);
  }

  // G-02: of those that the group still counts as members, no two own the same.
  void CheckClients() {
    std::map<Uuid, std::set<int32_t>> owned;
    const Group* group = h_.image.FindGroup("g");
    for (const Client& client : clients_) {
      if (group == nullptr || group->FindMember(client.member_id) == nullptr) continue;
      for (const auto& [topic, numbers] : client.owned) {
        for (const int32_t number : numbers) {
          EXPECT_TRUE(owned[topic].insert(number).second)
              << client.member_id << " owns " << number << ", as another does:\n"
              << metadata::Dump("g", *group);
        }
      }
    }
  }

  ConsumerHarness h_;
  Prng prng_;
  std::vector<Client> clients_;
  std::vector<std::string> topics_;
  int last_member_ = 0;
};

TEST(ConsumerModel, G01_G02_G03_G06_G07_RandomHistories) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int round = 0; round < 5; ++round) {
      for (int step = 0; step < 60; ++step) {
        model.Step();
        if (testing::Test::HasFailure()) return;
      }
      model.Settle();
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weir::state
