// SimController: see sim_controller.h.
#include "tests/sim/cluster/sim_controller.h"

#include <utility>

#include "common/base/check.h"
#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {

SimController::SimController(ClusterWorld& world, NodeId id)
    : world_(world), id_(id), disk_delay_(world.profile().disk) {
  directory_id_.bytes.fill(static_cast<uint8_t>(id.value()));
}

void SimController::Format(const raft::Configuration& founding) {
  disk_.SetSnapshot({LogIndex{}, Term{}, founding}, "");
}

void SimController::Start() {
  WEIR_CHECK(!running());
  process_ = world_.NewProcess();
  loop_ = std::make_unique<SimExecutor>(process_, no_delay_, [this] { world_.AfterTask(*this); });
  writer_ = std::make_unique<SimExecutor>(process_, disk_delay_, nullptr);
  raft::Config config = world_.profile().raft;
  config.self = key();
  config.cluster_id = world_.cluster_id();
  raft::RestoredState restored = disk_.Restored();
  WEIR_CHECK(raft::Raft::Validate(config, restored).has_value());

  machine_ = std::make_unique<quorum::MetadataMachine>(
      [this](const std::string& reason) { world_.Fail("R-15 controller halted: " + reason); });
  if (!disk_.snapshot_bytes().empty()) {
    auto parsed = machine_->Parse(disk_.snapshot(), disk_.snapshot_bytes());
    WEIR_CHECK(parsed.has_value());
    machine_->Install(disk_.snapshot(), *std::move(parsed));
  }
  raft_.emplace(std::move(config), std::move(restored), world_.prng().Next());

  const state::LivenessOptions times = world_.profile().liveness;
  liveness_ = std::make_unique<state::Liveness>(times);
  quorum::ActiveControllerOptions options{.self = id_, .cluster_id = world_.cluster_id()};
  options.defaults.default_replication_factor = 3;
  options.seed = world_.prng().Next();
  // Another one of every life, without taking a number that the worlds' histories are made of.
  const uint64_t group_seed = ~options.seed;
  controller_ = std::make_unique<quorum::ActiveController>(*loop_, *this, *machine_, *liveness_,
                                                           std::move(options));
  sessions_ = std::make_unique<quorum::BrokerSessions>(
      *loop_, *controller_, *liveness_,
      quorum::BrokerSessionsOptions{
          .self = id_, .liveness = times, .heartbeat_interval = times.session_timeout / 6});
  state::GroupConfig groups{.initial_rebalance_delay = std::chrono::milliseconds(500),
                            .session_timeout_ms_min = 1,
                            .broker_session_timeout = times.session_timeout};
  groups.static_config["group.consumer.session.timeout.ms"] =
      std::to_string(world_.profile().group_session_ms);
  groups.static_config["group.consumer.assignment.interval.ms"] =
      std::to_string(world_.profile().assignment_interval_ms);
  groups_ = std::make_unique<quorum::GroupCalls>(
      *loop_, *controller_,
      quorum::GroupCallsOptions{.self = id_, .config = std::move(groups), .seed = group_seed});
  group_streams_ = std::make_unique<quorum::GroupStreams>(*loop_, *controller_, watched_groups_);
  feed_ = std::make_unique<quorum::MetadataFeed>(
      quorum::MetadataFeed::Source{
          .raft = [this]() -> const raft::Raft& { return *raft_; },
          .post_to_worker = [this](Task task) { writer_->Post(std::move(task)); },
          .post_to_loop = [this](Task task) { loop_->Post(std::move(task)); }},
      *machine_);
  balancer_ = std::make_unique<quorum::LeaderBalancer>(
      *loop_, *controller_,
      quorum::LeaderBalancerOptions{.self = id_, .interval = world_.profile().balance_interval});
  machine_->AddListener(feed_.get());
  machine_->AddListener(controller_.get());
  machine_->AddListener(sessions_.get());
  machine_->AddListener(groups_.get());
  machine_->AddListener(group_streams_.get());
  machine_->AddListener(balancer_.get());
  machine_->AddListener(this);
  world_.Note("controller start", id_.value());
  ScheduleTick();
  PumpLater();
}

void SimController::Crash() {
  if (!running()) return;
  world_.Note("controller crash", id_.value());
  process_->alive = false;
  loop_->Clear();
  writer_->Clear();
  process_->held.clear();
  // Handles of streams reach back to nothing of this controller.
  balancer_.reset();
  feed_.reset();
  group_streams_.reset();
  groups_.reset();
  sessions_.reset();
  controller_.reset();
  liveness_.reset();
  raft_.reset();
  machine_.reset();
  arrived_.reset();
  incoming_bytes_.clear();
  pump_scheduled_ = false;
  disk_.Crash(world_.prng());
  world_.network().BreakAllOf(address());
}

void SimController::Post(Task task) {
  if (running()) loop_->Post(std::move(task));
}

void SimController::Deliver(raft::Message message) {
  Post([this, message = std::move(message)]() mutable {
    static_cast<void>(raft_->Step(std::move(message)).has_value());
    Pump();
  });
}

void SimController::TransferLeadership() {
  Post([this] {
    static_cast<void>(raft_->TransferLeadership(std::nullopt).has_value());
    Pump();
  });
}

void SimController::ScheduleTick() {
  loop_->PostAt(loop_->Now() + std::chrono::milliseconds(9), [this] {
    ScheduleTick();
    raft_->Tick();
    Pump();
    machine_->OnTick();
    Pump();
  });
}

Result<LogIndex> SimController::Propose(std::shared_ptr<const std::string> payload) {
  PumpLater();
  return raft_->Propose(std::move(payload));
}

Status SimController::ReadIndex(uint64_t request_id) {
  PumpLater();
  return raft_->ReadIndex(request_id);
}

void SimController::OnCommitted(const std::vector<raft::Entry>&) { world_.OnMetadata(*this); }
void SimController::OnInstalled() {
  world_.probes().snapshots_installed++;
  world_.OnMetadata(*this);
}

void SimController::PumpLater() {
  if (std::exchange(pump_scheduled_, true)) return;
  loop_->Post([this] {
    pump_scheduled_ = false;
    Pump();
  });
}

void SimController::Pump() {
  while (raft_->HasReady() && world_.ok()) Obey(raft_->TakeReady());
}

void SimController::Obey(raft::Ready ready) {
  if (ready.fatal) return world_.Fail("R-15 controller halted: " + *ready.fatal);
  SendAll(ready.send_now);
  Persist(ready);
  if (ready.install_snapshot) machine_->Install(*ready.install_snapshot, std::move(arrived_));
  if (ready.role_change) {
    world_.Note(raft::RoleName(ready.role_change->role).data(), id_.value());
    machine_->OnRoleChange(*ready.role_change);
  }
  if (!ready.committed.empty()) machine_->Apply(ready.committed);
  for (const raft::SnapshotChunk& chunk : ready.snapshot_chunks) StoreChunk(chunk);
  for (raft::SnapshotRead& read : ready.snapshot_reads) ServeChunk(std::move(read));
  for (const raft::ReadState& read : ready.read_states) machine_->OnReadState(read);
}

void SimController::Persist(raft::Ready& ready) {
  if (!ready.NeedsPersist() && disk_.idle()) {
    raft_->Persisted(ready.ack);
    return SendAll(ready.send_after_persist);
  }
  const bool was_idle = disk_.idle();
  disk_.Begin({ready.reset_log_to, ready.hard_state, ready.entries, ready.ack,
               std::move(ready.send_after_persist)});
  if (was_idle) ScheduleFsync();
}

void SimController::ScheduleFsync() {
  writer_->Post([this] {
    DiskWrite done = disk_.Finish();
    raft_->Persisted(done.ack);
    SendAll(done.send_after);
    if (!disk_.idle()) ScheduleFsync();
    Pump();
    world_.AfterTask(*this);
  });
}

void SimController::TakeSnapshot() {
  Post([this] {
    const LogIndex applied = raft_->applied_index();
    if (applied <= disk_.snapshot().last_index) return;
    const raft::SnapshotMeta meta = raft_->SnapshotMetaAt(applied);
    writer_->Post([this, meta, serialize = machine_->Capture()] {
      if (meta.last_index <= disk_.snapshot().last_index) return;
      disk_.SetSnapshot(meta, serialize());
      disk_.EraseBefore(raft_->SnapshotTaken(meta));
      Pump();
    });
  });
}

void SimController::StoreChunk(const raft::SnapshotChunk& chunk) {
  if (chunk.offset == 0) incoming_bytes_.clear();
  incoming_bytes_ += *chunk.data;
  const uint64_t next = chunk.offset + chunk.data->size();
  // Another snapshot may begin to arrive before the writer looks at this one.
  std::string whole = chunk.is_last ? std::exchange(incoming_bytes_, {}) : std::string();
  writer_->Post([this, meta = chunk.meta, last = chunk.is_last, next, whole = std::move(whole)] {
    if (!last) {
      raft_->SnapshotChunkStored(meta, next);
      return Pump();
    }
    auto parsed = machine_->Parse(meta, whole);
    if (!parsed) {
      raft_->SnapshotRejected(meta);
      return Pump();
    }
    if (meta.last_index > disk_.snapshot().last_index) disk_.SetSnapshot(meta, whole);
    arrived_ = *std::move(parsed);
    raft_->SnapshotReceived(meta);
    Pump();
  });
}

void SimController::ServeChunk(raft::SnapshotRead read) {
  const std::string& bytes = disk_.snapshot_bytes();
  raft::SnapshotRequest& request = read.request;
  if (!(disk_.snapshot() == request.meta) || request.offset >= bytes.size()) {
    return raft_->SnapshotReadFailed(read);
  }
  request.data = std::make_shared<const std::string>(bytes.substr(request.offset, read.bytes_max));
  request.is_last = request.offset + request.data->size() == bytes.size();
  std::vector<raft::Message> one{std::move(request)};
  SendAll(one);
}

void SimController::SendAll(std::vector<raft::Message>& messages) {
  for (raft::Message& message : messages) {
    const NodeId to = raft::HeaderOf(message).to.id;
    world_.network().Datagram(address(), {Address::Kind::kController, to.value()},
                              [this, to, message = std::move(message)] {
                                SimController* target = world_.FindController(to);
                                if (target != nullptr) target->Deliver(message);
                              });
  }
}

}  // namespace weir::sim
