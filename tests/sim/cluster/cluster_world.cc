// ClusterWorld: construction, the run, and what nodes ask of the world. The nemesis has a file of
// its own.
#include "tests/sim/cluster/cluster_world.h"

#include <ostream>
#include <utility>

#include "common/metadata/group_partition.h"
#include "controller/state/elect_leaders.h"
#include "controller/state/reassignment.h"
#include "controller/state/topics.h"
#include "tests/support/batches.h"

namespace weir::sim {
namespace {

constexpr int64_t kComeUpMsMax = 20'000;
constexpr int64_t kHealMsMax = 60'000;

}  // namespace

ClusterWorld::ClusterWorld(uint64_t seed, ClusterProfile profile, std::ostream* trace)
    : prng_(seed),
      profile_(std::move(profile)),
      trace_(trace),
      network_(scheduler_, prng_),
      checkers_(*this),
      clients_(*this),
      group_checkers_(*this),
      group_(*this),
      consumer_checkers_(*this),
      consumers_(*this) {
  cluster_id_.bytes.fill(0x77);
  raft::Configuration founding;
  for (int32_t i = 1; i <= kControllers; ++i) {
    controllers_[NodeId(i)] = std::make_unique<SimController>(*this, NodeId(i));
    founding.members.push_back(
        {NodeId(i), controllers_[NodeId(i)]->key().directory_id, "controller", true});
  }
  for (auto& [id, controller] : controllers_) controller->Format(founding);
  for (int32_t i = 1; i <= kBrokers; ++i) {
    brokers_[NodeId(i)] = std::make_unique<SimBroker>(*this, NodeId(i));
  }
}

ClusterWorld::~ClusterWorld() {
  for (auto& [id, broker] : brokers_) broker->Crash(Fall::kKill);
  for (auto& [id, controller] : controllers_) controller->Crash();
}

void ClusterWorld::Fail(std::string violation) {
  if (!violation_.empty()) return;
  violation_ = std::move(violation);
  if (trace_ != nullptr) {
    *trace_ << scheduler_.now_ms() << " VIOLATION " << violation_ << "\n"
            << checkers_.Describe() << "\n";
  }
}

void ClusterWorld::Note(const char* what, int64_t detail) {
  Mix(static_cast<uint64_t>(scheduler_.now_ms()));
  Mix(HashOfText(what));
  Mix(static_cast<uint64_t>(detail));
  if (trace_ != nullptr) *trace_ << scheduler_.now_ms() << " " << what << " " << detail << "\n";
}

SimController* ClusterWorld::FindController(NodeId id) {
  const auto found = controllers_.find(id);
  return found == controllers_.end() || !found->second->running() ? nullptr : found->second.get();
}

SimBroker* ClusterWorld::FindBroker(NodeId id) {
  const auto found = brokers_.find(id);
  return found == brokers_.end() || !found->second->running() ? nullptr : found->second.get();
}

SimProcessPtr ClusterWorld::NewProcess() {
  ClockFault clock;
  clock.offset_ms = 1'000'000 + prng_.Between(0, profile_.clock_offset_ms_max);
  clock.wall_offset_ms = prng_.Between(-profile_.clock_offset_ms_max, profile_.clock_offset_ms_max);
  clock.rate_permille +=
      prng_.Between(-profile_.clock_drift_permille_max, profile_.clock_drift_permille_max);
  return std::make_shared<SimProcess>(scheduler_, prng_, clock);
}

GroupWatch& ClusterWorld::group_watch() {
  if (profile_.consumers_of_group > 0) return consumer_checkers_;
  return group_checkers_;
}

void ClusterWorld::OnMetadata(SimController& controller) {
  checkers_.OnMetadata(controller.committed());
  group_watch().OnMetadata(checkers_.newest());
}

void ClusterWorld::AfterTask(SimController& controller) {
  if (controller.running()) group_watch().AfterTask(controller);
  if (!controller.running() || !controller.active()) return;
  const Term term = controller.controller().term();
  if (term <= newest_term_) return;
  newest_term_ = term;
  ++probes_.controller_changes;
}

void ClusterWorld::CountFetch(const replica::FetchOutcome& outcome) {
  if (outcome.diverging) ++probes_.divergences;
  if (outcome.error == ErrorCode::kFencedLeaderEpoch) ++probes_.fetches_of_old_epochs;
  if (outcome.error == ErrorCode::kUnknownLeaderEpoch) ++probes_.fetches_of_new_epochs;
}

std::vector<int64_t> ClusterWorld::ArrivalsOfCall() {
  if (!faults_on_ || !prng_.Chance(profile_.late_call_percent, 100)) return {0};
  ++probes_.late_calls;
  const int64_t late_ms = prng_.Between(0, profile_.late_call_ms);
  if (prng_.Chance(1, 2)) return {late_ms};
  ++probes_.repeated_calls;
  return {0, late_ms};
}

int64_t ClusterWorld::LateNewsMs() {
  if (!faults_on_ || !prng_.Chance(profile_.late_news_percent, 100)) return 0;
  ++probes_.late_news;
  return prng_.Between(0, profile_.late_news_ms);
}

void ClusterWorld::OnAlterPartitionAnswered(Address,
                                            const broker::v1::AlterPartitionRequest& request,
                                            const Result<broker::v1::AlterPartitionReply>& reply) {
  if (!reply) ++probes_.alter_partition_unanswered;
  for (int i = 0; i < request.partitions_size(); ++i) {
    const broker::v1::IsrChange& change = request.partitions(i);
    const auto topic = Uuid::FromBytes(change.topic_id());
    const metadata::Partition* now =
        checkers_.newest().FindPartition(*topic, PartitionIndex(change.partition()));
    if (now != nullptr && now->leader_epoch > LeaderEpoch(change.leader_epoch())) {
      ++probes_.leader_changed_in_flight;
    }
    if (!reply || i >= reply->partitions_size()) continue;
    const ErrorCode error = ErrorCodeFromNumber(reply->partitions(i).error_code());
    if (error != ErrorCode::kNone) ++probes_.alter_partition_refused;
    if (error == ErrorCode::kFencedLeaderEpoch) ++probes_.refused_leader_epoch;
    if (error == ErrorCode::kInvalidUpdateVersion) ++probes_.refused_partition_epoch;
    if (error == ErrorCode::kIneligibleReplica) ++probes_.refused_member;
  }
}

// ---- Producing --------------------------------------------------------------------------

log::TopicPartition ClusterWorld::PartitionNumber(int32_t index) const {
  const metadata::Topic* topic = checkers_.newest().FindTopic(kTopic);
  return {topic == nullptr ? Uuid{} : topic->id, PartitionIndex(index)};
}

void ClusterWorld::Produce(int32_t partition) { ProduceTo(PartitionNumber(partition)); }

// Mostly to the topic that always is.
void ClusterWorld::ProduceAnywhere() {
  const auto& topics = checkers_.newest().topics();
  const metadata::Topic* topic = checkers_.newest().FindTopic(kTopic);
  if (topics.size() > 1 && prng_.Chance(1, 3)) {
    auto chosen = topics.begin();
    for (uint64_t steps = prng_.Below(topics.size()); steps > 0; --steps) ++chosen;
    // Into that one nobody but groups may write.
    if ((*chosen).second.name != metadata::kOffsetsTopic) topic = &(*chosen).second;
  }
  ProduceTo(
      {topic->id, PartitionIndex(static_cast<int32_t>(prng_.Below(topic->partitions.size())))});
}

void ClusterWorld::ProduceTo(const log::TopicPartition& id) {
  // A client knows what some broker knows, which may be old.
  SimBroker& asked = AnyBroker();
  const broker::ImagePtr image = asked.image();
  if (image == nullptr) return;
  const metadata::Partition* known = image->FindPartition(id.topic_id, id.partition);
  if (known == nullptr) return;
  const NodeId target = prng_.Chance(1, 20) ? AnyBroker().id() : known->leader;
  const std::string text = "v" + std::to_string(next_value_++) + TagOfPartition(id);
  const int count = static_cast<int>(prng_.Between(1, 4));
  const Address client{Address::Kind::kClient, 0};
  const Address address{Address::Kind::kBroker, target.value()};
  network_.Datagram(client, address, [this, id, target, text, count, client, address] {
    SimBroker* broker = FindBroker(target);
    if (broker == nullptr) return;
    replica::AppendRequest request;
    request.api_version = 9;
    request.parts.push_back({id, test::MakeBatch(text, count)});
    broker->Append(std::move(request), [this, id, text, count, client,
                                        address](std::vector<replica::AppendOutcome> outcomes) {
      network_.Datagram(address, client, [this, id, text, count, outcome = outcomes.at(0)] {
        OnProduced(id, text, count, outcome);
      });
    });
  });
}

void ClusterWorld::OnProduced(const log::TopicPartition& id, const std::string& text, int count,
                              const replica::AppendOutcome& outcome) {
  if (outcome.error == ErrorCode::kNotEnoughReplicas) ++probes_.refused_not_enough_replicas;
  if (outcome.error == ErrorCode::kNotLeaderOrFollower) ++probes_.refused_not_leader;
  if (outcome.error != ErrorCode::kNone) return;
  std::vector<uint64_t> values;
  for (int i = 0; i < count; ++i) values.push_back(HashOfText(text + "-" + std::to_string(i)));
  checkers_.OnAcked(id, outcome.base_offset, values);
}

// ---- The run ----------------------------------------------------------------------------

bool ClusterWorld::RunUntil(const std::function<bool()>& condition, int64_t ms_max) {
  const int64_t end_ms = scheduler_.now_ms() + ms_max;
  while (ok() && scheduler_.now_ms() < end_ms) {
    if (condition()) return true;
    if (!scheduler_.RunOne()) return false;
  }
  return false;
}

void ClusterWorld::RunFor(int64_t ms) {
  scheduler_.After(ms, [] {});
  RunUntil([] { return false; }, ms);
}

SimController* ClusterWorld::Active() {
  SimController* newest = nullptr;
  for (auto& [id, controller] : controllers_) {
    if (!controller->active()) continue;
    if (newest == nullptr || controller->raft().term() > newest->raft().term()) {
      newest = controller.get();
    }
  }
  return newest;
}

namespace {

// One change at the active controller, whose answer nobody waits for.
template <class Reply, class Decide>
void Submit(SimController* active, const char* method, Decide decide) {
  if (active == nullptr) return;
  active->Post([active, method, decide] {
    quorum::Change<Reply> change;
    change.cause.set_method(method);
    change.cause.set_principal("User:sim");
    change.decide = decide;
    change.done = [](Result<Reply>, LogIndex) {};
    active->controller().Submit(std::move(change));
  });
}

}  // namespace

void ClusterWorld::CreateTopic(const std::string& name) {
  admin::v1::CreateTopicsRequest request;
  admin::v1::NewTopic* topic = request.add_topics();
  topic->set_name(name);
  topic->set_partitions(profile_.partitions);
  topic->set_replication_factor(kBrokers);
  auto& configs = *topic->mutable_configs();
  configs["min.insync.replicas"] = std::to_string(IsLossy(name) ? 1 : profile_.min_insync_replicas);
  if (IsLossy(name)) configs["unclean.leader.election.enable"] = "true";
  Note("create topic", 0);
  Submit<admin::v1::CreateTopicsReply>(Active(), "CreateTopics",
                                       [request](const state::DecisionContext& context) {
                                         return state::CreateTopics(context, request);
                                       });
}

void ClusterWorld::DeleteTopic(const std::string& name) {
  admin::v1::DeleteTopicsRequest request;
  request.add_topics()->set_name(name);
  Note("delete topic", 0);
  Submit<admin::v1::DeleteTopicsReply>(Active(), "DeleteTopics",
                                       [request](const state::DecisionContext& context) {
                                         return state::DeleteTopics(context, request);
                                       });
}

void ClusterWorld::ElectPreferred() {
  Note("elect preferred", 0);
  Submit<admin::v1::ElectLeadersReply>(
      Active(), "ElectLeaders", [](const state::DecisionContext& context) {
        return state::ElectLeaders(context, admin::v1::ElectLeadersRequest());
      });
}

// Two or three of the brokers in any order, or the move that is under way is taken back.
void ClusterWorld::Reassign() {
  const auto& topics = checkers_.newest().topics();
  if (topics.empty()) return;
  auto topic = topics.begin();
  for (uint64_t steps = prng_.Below(topics.size()); steps > 0; --steps) ++topic;
  admin::v1::AlterPartitionReassignmentsRequest request;
  admin::v1::PartitionReassignment* move = request.add_partitions();
  move->set_topic((*topic).second.name);
  move->set_partition(static_cast<int32_t>(prng_.Below((*topic).second.partitions.size())));
  move->set_cancel(prng_.Chance(1, 6));
  std::vector<int32_t> brokers{1, 2, 3};
  for (size_t i = brokers.size(); i > 1; --i) std::swap(brokers[i - 1], brokers[prng_.Below(i)]);
  if (prng_.Chance(1, 2)) brokers.pop_back();
  for (const int32_t id : brokers) move->add_target_ids(id);
  Note("reassign", move->partition());
  Submit<admin::v1::AlterPartitionReassignmentsReply>(
      Active(), "AlterPartitionReassignments", [request](const state::DecisionContext& context) {
        return state::AlterPartitionReassignments(context, request);
      });
}

bool ClusterWorld::InSync() {
  if (checkers_.newest().FindTopic(kTopic) == nullptr || Active() == nullptr) return false;
  for (const auto& [id, topic] : checkers_.newest().topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      if (partition.leader == kNoNode) return false;
      if (state::IsMoving(partition)) return false;
      if (partition.isr.size() < partition.replicas.size()) return false;
    }
  }
  return checkers_.ReplicasAreEqual();
}

bool ClusterWorld::ComeUp() {
  for (auto& [id, controller] : controllers_) controller->Start();
  for (auto& [id, broker] : brokers_) broker->Start();
  const auto all_live = [this] {
    return Active() != nullptr &&
           checkers_.newest().LiveBrokers().size() == static_cast<size_t>(kBrokers);
  };
  if (!RunUntil(all_live, kComeUpMsMax)) {
    Fail("I-12 the cluster does not come up");
    return false;
  }
  CreateTopic(kTopic);
  if (profile_.lossy_topic) CreateTopic(kLossyTopic);
  if (!RunUntil([this] { return InSync(); }, kComeUpMsMax)) {
    Fail("I-12 the first topic does not come up");
    return false;
  }
  return true;
}

void ClusterWorld::HealAll() {
  network_.HealAll();
  network_.faults = {};
  ResumeAll();
  for (auto& [id, controller] : controllers_) {
    controller->SetDiskDelay({0, 2});
    if (!controller->running()) controller->Start();
  }
  for (auto& [id, broker] : brokers_) {
    broker->SetDiskDelay({0, 2});
    if (!broker->running()) broker->Start();
  }
}

bool ClusterWorld::Heal(ClusterResult& result) {
  faults_on_ = false;
  clients_.StopProducing();
  group_.BecomeCalm();
  consumers_.BecomeCalm();
  const int64_t begun_ms = scheduler_.now_ms();
  HealAll();
  // Those that were stopping when the faults ended come back too.
  const auto healed = [this] {
    for (auto& [id, broker] : brokers_) {
      if (!broker->running()) broker->Start();
    }
    return InSync() && checkers_.MetadataConverged();
  };
  if (!RunUntil(healed, kHealMsMax)) {
    Fail("I-12 the cluster does not heal");
    return false;
  }
  result.healed_after_ms = scheduler_.now_ms() - begun_ms;
  const uint64_t acked = probes_.acked;
  for (int32_t i = 0; i < profile_.partitions; ++i) Produce(i);
  const auto wanted = acked + static_cast<uint64_t>(profile_.partitions);
  if (!RunUntil([&] { return healed() && probes_.acked >= wanted; }, kHealMsMax)) {
    // One client may have asked a broker that is not the leader: once more.
    for (int round = 0; round < 20 && ok(); ++round) {
      for (int32_t i = 0; i < profile_.partitions; ++i) Produce(i);
      RunFor(200);
    }
    if (probes_.acked < wanted) Fail("I-12 no write is taken after healing");
  }
  if (!RunUntil([&] { return healed() && clients_.Done(); }, kHealMsMax)) {
    Fail("I-12 clients do not get to their ends after healing" + clients_.Describe());
  }
  if (profile_.group_members > 0 &&
      !RunUntil([&] { return healed() && group_.Settled(); }, kHealMsMax)) {
    Fail("G-07 the group does not settle after healing" + group_.Describe());
  }
  if (profile_.consumers_of_group > 0 &&
      !RunUntil([&] { return healed() && consumers_.Settled(); }, kHealMsMax)) {
    Fail("G-07 the group does not settle after healing" + consumers_.Describe());
  }
  if (!RunUntil([&] { return healed() && checkers_.NothingIsLeftOver(); }, kHealMsMax)) {
    Fail("D-25 partitions of deleted topics stay");
  }
  if (ok()) checkers_.CompareReplicas();
  return ok();
}

void ClusterWorld::StartGroup() {
  CreateTopic(std::string(metadata::kOffsetsTopic));
  group_.Start(profile_.group_members);
  consumers_.Start();
}

ClusterResult ClusterWorld::Run() {
  ClusterResult result;
  if (ComeUp()) {
    network_.faults = profile_.network;
    faults_on_ = true;
    if (profile_.consumers) {
      for (const char* topic : {kTopic, kPassingTopic, kLossyTopic}) {
        clients_.Add(topic, profile_.partitions);
      }
    }
    if (profile_.group_members + profile_.consumers_of_group > 0) StartGroup();
    ScheduleAction();
    RunUntil([] { return false; }, profile_.faults_ms);
    if (ok()) Heal(result);
  }
  result.violation = violation_;
  result.trace_hash = trace_hash_;
  result.events = scheduler_.events_run();
  result.simulated_ms = scheduler_.now_ms();
  result.probes = probes_;
  if (!ok() && trace_ == nullptr) result.violation += "\n" + checkers_.Describe();
  return result;
}

}  // namespace weir::sim
