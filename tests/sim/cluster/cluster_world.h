// ClusterWorld: three controllers, three brokers and producers, a nemesis and its checkers, in one
// thread from one seed (DESIGN D12).
//
// A run has three phases: the cluster comes up and gets a topic; faults (safety is checked after
// every event); healing: no more faults, and within a bounded time everything must be in sync again
// and take writes (I-12).
// Laws: same seed and same code, same trace hash; the run stops at the first violation.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/prng.h"
#include "tests/sim/cluster/cluster_checkers.h"
#include "tests/sim/cluster/cluster_clients.h"
#include "tests/sim/cluster/cluster_consumers.h"
#include "tests/sim/cluster/cluster_group.h"
#include "tests/sim/cluster/cluster_network.h"
#include "tests/sim/cluster/cluster_profile.h"
#include "tests/sim/cluster/consumer_checkers.h"
#include "tests/sim/cluster/group_checkers.h"
#include "tests/sim/cluster/sim_broker.h"
#include "tests/sim/cluster/sim_controller.h"
#include "tests/sim/scheduler.h"

namespace weir::sim {

struct ClusterResult {
  std::string violation;  // empty: all is well
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  int64_t simulated_ms = 0;
  // From the end of the faults until everything was in sync.
  int64_t healed_after_ms = 0;
  ClusterProbes probes;
};

class ClusterWorld {
 public:
  static constexpr int32_t kControllers = 3;
  static constexpr int32_t kBrokers = 3;
  // The topic that always is; one that comes and goes; one that may lose records.
  static constexpr const char* kTopic = "orders";
  static constexpr const char* kPassingTopic = "passing";
  static constexpr const char* kLossyTopic = "lossy";
  static bool IsLossy(const std::string& topic) { return topic == kLossyTopic; }

  ClusterWorld(uint64_t seed, ClusterProfile profile, std::ostream* trace = nullptr);
  ~ClusterWorld();

  ClusterResult Run();

  // ---- scripted worlds: the test is the nemesis ---------------------------------------

  // Starts everything and makes the topic. False: a violation, or it took too long.
  bool ComeUp();
  bool RunUntil(const std::function<bool()>& condition, int64_t ms_max);
  void RunFor(int64_t ms);
  SimBroker& broker(int32_t id) { return *brokers_.at(NodeId(id)); }
  SimController& controller(int32_t id) { return *controllers_.at(NodeId(id)); }
  // Everything runs, nothing is cut.
  void HealAll();
  bool InSync();
  void StartGroup();
  ClusterGroup& group() { return group_; }
  ClusterConsumers& consumers() { return consumers_; }
  // One batch to the partition, to whom the metadata names.
  void Produce(int32_t partition);

  // ---- for nodes ----------------------------------------------------------------------

  const ClusterProfile& profile() const { return profile_; }
  Prng& prng() { return prng_; }
  ClusterNetwork& network() { return network_; }
  ClusterProbes& probes() { return probes_; }
  ClusterCheckers& checkers() { return checkers_; }
  GroupCheckers& group_checkers() { return group_checkers_; }
  ConsumerCheckers& consumer_checkers() { return consumer_checkers_; }
  // Of the two, the one for this world's group.
  GroupWatch& group_watch();
  // The metadata of some broker; null when it has none.
  broker::ImagePtr AnyImage() { return AnyBroker().image(); }
  NodeId AnyBrokerId() { return AnyBroker().id(); }
  void After(int64_t ms, std::function<void()> task) { scheduler_.After(ms, std::move(task)); }
  const Uuid& cluster_id() const { return cluster_id_; }
  int64_t now_ms() const { return scheduler_.now_ms(); }
  // Null when it is not running.
  SimController* FindController(NodeId id);
  SimBroker* FindBroker(NodeId id);
  SimProcessPtr NewProcess();
  // Between two events.
  void Soon(std::function<void()> task) { scheduler_.After(0, std::move(task)); }

  void AfterTask(SimController& controller);
  void AfterTask(SimBroker& broker) { checkers_.AfterTask(broker); }
  void OnMetadata(SimController& controller);
  void CountFetch(const replica::FetchOutcome& outcome);
  // A call has arrived: after so many milliseconds it reaches the controller's loop, once or twice;
  // mostly {0}.
  std::vector<int64_t> ArrivalsOfCall();
  // How late news of the metadata reach a broker; mostly 0.
  int64_t LateNewsMs();
  void OnAlterPartitionAnswered(Address broker, const broker::v1::AlterPartitionRequest& request,
                                const Result<broker::v1::AlterPartitionReply>& reply);

  bool ok() const { return violation_.empty(); }
  const std::string& violation() const { return violation_; }
  void Fail(std::string violation);
  // Every event that matters goes into the trace hash.
  void Note(const char* what, int64_t detail);
  void Mix(uint64_t word) { trace_hash_ = MixClusterHash(trace_hash_, word); }

 private:
  void ScheduleAction();
  void Act(ClusterAction action);
  void Fell(SimBroker& broker, Fall fall);
  void StartOneBroker();
  void StartOneController();
  void Partition();
  void IsolateBroker();
  void CutOneWay();
  void SlowDisk();
  void PowerCutAll();
  void FailDisk();
  void WipeBroker();
  bool SeesItsNewDisk(NodeId id) const;
  void ResumeAll();
  std::vector<Address> Nodes() const;
  SimBroker& AnyBroker();
  SimController& AnyController();
  SimController* Active();
  void CreateTopic(const std::string& name);
  void DeleteTopic(const std::string& name);
  void ElectPreferred();
  void Reassign();
  void ProduceAnywhere();
  void ProduceTo(const log::TopicPartition& id);
  log::TopicPartition PartitionNumber(int32_t index) const;
  void OnProduced(const log::TopicPartition& id, const std::string& text, int count,
                  const replica::AppendOutcome& outcome);
  bool Heal(ClusterResult& result);

  Prng prng_;
  ClusterProfile profile_;
  std::ostream* trace_;
  Scheduler scheduler_;
  ClusterNetwork network_;
  ClusterProbes probes_;
  ClusterCheckers checkers_;
  ClusterClients clients_;
  GroupCheckers group_checkers_;
  ClusterGroup group_;
  ConsumerCheckers consumer_checkers_;
  ClusterConsumers consumers_;
  Uuid cluster_id_;
  std::map<NodeId, std::unique_ptr<SimController>> controllers_;
  std::map<NodeId, std::unique_ptr<SimBroker>> brokers_;
  std::string violation_;
  uint64_t trace_hash_ = 0;
  bool faults_on_ = false;
  uint64_t next_value_ = 1;
  Term newest_term_;
  // Whose disk was swapped last.
  NodeId wiped_ = kNoNode;
};

}  // namespace weir::sim
