#include "controller/quorum/controller_node.h"

#include <algorithm>
#include <utility>

#include "common/rpc/channel.h"
#include "common/rpc/unary_call.h"
#include "common/runtime/clock.h"
#include "common/runtime/log.h"
#include "controller/quorum/conversions.h"

namespace weir::quorum {
namespace {

// How often a blank controller asks the others who they are.
constexpr Duration kFoundingPoll = std::chrono::milliseconds(20);
constexpr Duration kIdentifyTimeout = std::chrono::seconds(1);
// How long a call waits for a leader: several elections, and less than a person's patience.
constexpr Duration kLeaderWait = std::chrono::seconds(2);
constexpr Duration kTransferWait = std::chrono::seconds(1);

}  // namespace

// Hears everything last: tells waiting calls about the leader, and the world about readiness.
class ControllerNode::Watcher : public MetadataListener {
 public:
  explicit Watcher(ControllerNode& node) : node_(node) {}
  void OnCommitted(const std::vector<raft::Entry>&) override {
    if (node_.waiters_.empty() && node_.ready_) return;
    Look();
  }
  void OnRoleChange(const raft::RoleChange& change) override {
    LogInfo("quorum", "role changed",
            {{"role", raft::RoleName(change.role)},
             {"term", change.term},
             {"leader_id", change.leader ? change.leader->id : kNoNode}});
    Look();
  }
  bool Waits() const override { return !node_.waiters_.empty(); }
  void OnTick() override {
    if (!node_.waiters_.empty()) Look();
    if (node_.removed()) node_.feed_->EndAll(Removed());
  }

 private:
  static Error Removed() {
    return {ErrorCode::kNotController, "this controller was removed from the quorum"};
  }
  void Look() {
    node_.ServeWaiters();
    node_.UpdateReady();
  }
  ControllerNode& node_;
};

ControllerNode::ControllerNode(ControllerNodeOptions options,
                               std::function<void(std::string)> on_fatal)
    : options_(std::move(options)), on_fatal_(std::move(on_fatal)) {}

ControllerNode::~ControllerNode() { Stop(); }

Result<std::unique_ptr<ControllerNode>> ControllerNode::Create(
    ControllerNodeOptions options, std::function<void(std::string)> on_fatal) {
  std::unique_ptr<ControllerNode> node(new ControllerNode(std::move(options), std::move(on_fatal)));
  const ControllerNodeOptions& given = node->options_;
  const bool may_format = given.bootstrap || !given.join.empty();
  const bool initial = std::any_of(given.voters.begin(), given.voters.end(),
                                   [&](const InitialVoter& v) { return v.id == given.id; });
  if (given.bootstrap && !given.voters.empty() && !initial) {
    return Fail(ErrorCode::kInvalidConfig, "bootstrap: quorum.voters (" + ToString(given.voters) +
                                               ") does not name this controller, " +
                                               weir::ToString(given.id));
  }
  WEIR_ASSIGN_OR_RETURN(node->directory_,
                        runtime::NodeDirectory::Open(given.data_dir, runtime::NodeKind::kController,
                                                     given.id, may_format));
  if (!given.cluster_id.IsZero() && !node->cluster_id().IsZero()) {
    WEIR_RETURN_IF_ERROR(node->directory_->AdoptCluster(given.cluster_id));
  }
  node->disk_ = OpenDisk(given.data_dir);
  WEIR_ASSIGN_OR_RETURN(node->founding_, LoadFounding(*node->disk_));
  if (node->founding_) {
    WEIR_RETURN_IF_ERROR(node->Adopt(node->founding_->cluster_id));
  }
  if (!node->cluster_id().IsZero()) node->cluster_known_ = true;
  if (node->cluster_id().IsZero() && !may_format) {
    return Fail(ErrorCode::kInvalidConfig,
                "data directory " + given.data_dir +
                    " is formatted but has never been part of a cluster; start with --bootstrap "
                    "(initial voter) or --join (new member)");
  }
  return node;
}

Status ControllerNode::Start(const std::string& own_address) {
  own_address_ = own_address;
  if (options_.voters.empty() && options_.bootstrap && options_.join.empty()) {
    options_.voters.push_back({options_.id, own_address});
  }
  view_.self = {options_.id, directory_id()};
  view_.voters = options_.voters;
  view_.cluster_id = options_.cluster_id;
  if (!cluster_id().IsZero()) {
    WEIR_RETURN_IF_ERROR(
        StartRunning(founding_ ? founding_->configuration : raft::Configuration()));
    loop_->Post([this] { CheckClusterOfPeers(); });
    return {};
  }
  loop_->Post([this] { PollFounding(); });
  return {};
}

Status ControllerNode::StartRunning(const raft::Configuration& founding) {
  machine_ =
      std::make_unique<MetadataMachine>([this](const std::string& reason) { Fatal(reason); });
  liveness_ = std::make_unique<state::Liveness>(options_.sessions.liveness);
  watcher_ = std::make_unique<Watcher>(*this);
  RaftNodeOptions raft;
  raft.raft.cluster_id = cluster_id();
  raft.raft.self = view_.self;
  raft.raft.election_ticks_min = options_.election_ticks;
  raft.raft.election_ticks_max = 2 * options_.election_ticks;
  raft.raft.heartbeat_ticks = options_.heartbeat_ticks;
  // A tail longer than what makes a snapshot would keep every follower from ever needing one.
  raft.raft.log_tail_bytes_max =
      std::min(raft.raft.log_tail_bytes_max, options_.snapshot_log_bytes);
  raft.own_address = own_address_;
  raft.snapshot_log_bytes = options_.snapshot_log_bytes;
  raft.snapshot_interval = options_.snapshot_interval;
  raft.seed = runtime::RandomSeed();
  WEIR_ASSIGN_OR_RETURN(auto node, RaftNode::Open(raft, *disk_, loop_, *machine_, founding));
  controller_ = std::make_unique<ActiveController>(
      *loop_, *node, *machine_, *liveness_,
      ActiveControllerOptions{options_.id, cluster_id(), options_.defaults, runtime::RandomSeed()});
  options_.sessions.self = options_.id;
  sessions_ = std::make_unique<BrokerSessions>(*loop_, *controller_, *liveness_, options_.sessions);
  const metadata::MetadataImage empty;
  groups_ = std::make_unique<GroupCalls>(
      *loop_, *controller_,
      GroupCallsOptions{options_.id,
                        state::ReadGroupConfig({empty, kNoNode, &options_.defaults.static_config}),
                        runtime::RandomSeed()});
  group_streams_ = std::make_unique<GroupStreams>(*loop_, *controller_, *groups_);
  options_.leaders.self = options_.id;
  leader_balancer_ = std::make_unique<LeaderBalancer>(*loop_, *controller_, options_.leaders);
  feed_ = std::make_unique<MetadataFeed>(
      MetadataFeed::Source{[this]() -> const raft::Raft& { return node_->raft(); },
                           [this](Task task) { node_->PostToSnapshotThread(std::move(task)); },
                           [loop = loop_](Task task) { loop->Post(std::move(task)); }},
      *machine_);
  membership_ = std::make_unique<Membership>(*loop_, [this] { return node_.get(); });
  controller_->OnActivated([this] { CorrectOwnAddress(); });
  // Brokers come first: answers wait for what they apply, and a generation of a group is thousands.
  machine_->AddListener(feed_.get());
  machine_->AddListener(controller_.get());
  machine_->AddListener(sessions_.get());
  machine_->AddListener(groups_.get());
  machine_->AddListener(group_streams_.get());
  machine_->AddListener(leader_balancer_.get());
  machine_->AddListener(membership_.get());
  machine_->AddListener(watcher_.get());
  LogInfo("quorum", "controller started",
          {{"controller_id", options_.id},
           {"cluster_id", cluster_id()},
           {"directory_id", directory_id()},
           {"members", raft::ToString(node->raft().configuration())},
           {"last_log_index", node->raft().log().last_index()},
           {"snapshot_index", node->snapshot_index()}});
  // Deliver and the services look at node_ from the loop only.
  auto shared = std::make_shared<std::unique_ptr<RaftNode>>(std::move(node));
  loop_->Post([this, shared] {
    node_ = std::move(*shared);
    node_->Start();
  });
  return {};
}

// A controller that moved says so once it leads; until then peers answer to where its messages come
// from.
void ControllerNode::CorrectOwnAddress() {
  const raft::Member* own = node_->raft().configuration().Find(view_.self);
  if (own == nullptr || own->address == own_address_) return;
  const auto named =
      std::any_of(options_.voters.begin(), options_.voters.end(), [&](const InitialVoter& voter) {
        return voter.id == options_.id && voter.address == own->address;
      });
  if (named) return;  // quorum.voters is what the operator calls this controller
  const auto index = node_->ProposeMembershipChange(raft::UpdateAddress{view_.self, own_address_});
  LogInfo("quorum", "correcting this controller's address",
          {{"from", own->address}, {"to", own_address_}, {"proposed", index.has_value()}});
}

void ControllerNode::PollFounding() {
  if (stopping_ || running() || !cluster_id().IsZero()) return;
  if (!options_.join.empty()) {
    for (const std::string& address : options_.join) AskPeer(address, std::nullopt);
  } else {
    for (const InitialVoter& voter : options_.voters) {
      if (voter.id != options_.id) AskPeer(voter.address, voter.id);
    }
    DecideNow();
  }
  loop_->PostAt(loop_->Now() + kFoundingPoll, [this] { PollFounding(); });
}

void ControllerNode::AskPeer(const std::string& address, std::optional<NodeId> expected) {
  const auto channel = rpc::ChannelTo(address);
  rpc::DialAtOnce(channel);
  rpc::UnaryCall<raft::v1::IdentifyRequest, raft::v1::IdentifyReply>(
      channel, rpc::kIdentify, {}, kIdentifyTimeout, {},
      [this, loop = loop_, alive = std::weak_ptr<bool>(alive_), address,
       expected](tl::expected<raft::v1::IdentifyReply, rpc::RpcError> reply) {
        if (!reply) return;
        loop->Post([this, alive, expected, address, reply = *std::move(reply)] {
          if (!alive.expired()) OnIdentified(expected, address, reply);
        });
      });
}

void ControllerNode::OnIdentified(std::optional<NodeId> expected, const std::string& address,
                                  const raft::v1::IdentifyReply& reply) {
  if (stopping_) return;
  const auto theirs = Uuid::FromBytes(reply.cluster_id());
  const bool formed = theirs && !theirs->IsZero();
  if (!cluster_id().IsZero()) {
    // Our own directory is of a cluster already: are we among strangers?
    const size_t others = options_.voters.size() - 1;
    if (!formed || *theirs == cluster_id() || node_ == nullptr) return;
    if (LeaderId() != kNoNode && !LeadsItselfAlone()) return;
    if (++foreign_peers_ * 2 <= others) return;
    return Fatal("data directory " + options_.data_dir + " belongs to cluster " +
                 cluster_id().ToString() + ", but the controller at " + address +
                 " belongs to cluster " + theirs->ToString());
  }
  if (!options_.cluster_id.IsZero() && formed && *theirs != options_.cluster_id) {
    return Fatal("this controller is configured for cluster " + options_.cluster_id.ToString() +
                 ", but the controller at " + address + " belongs to cluster " +
                 theirs->ToString());
  }
  if (!options_.join.empty()) {
    if (formed) Observe(*theirs);
    return;
  }
  if (expected) view_.answers[*expected] = reply;
  DecideNow();
}

bool ControllerNode::LeadsItselfAlone() const {
  return node_->raft().is_leader() && node_->raft().configuration().voter_count() == 1;
}

void ControllerNode::DecideNow() {
  if (!cluster_id().IsZero()) return;
  FoundingDecision decision = DecideFounding(view_);
  if (decision.found) return Become(*decision.found);
  if (decision.observe) return Observe(*decision.observe);
  waiting_for_ = decision.waiting_for;
  if (waiting_for_ == reported_waiting_for_) return;
  reported_waiting_for_ = waiting_for_;
  LogInfo("quorum", "not started yet", {{"reason", waiting_for_}});
}

void ControllerNode::Become(const Founding& founding) {
  Status done = SaveFounding(*disk_, founding);
  if (done) done = Adopt(founding.cluster_id);
  if (done) {
    founding_ = founding;
    done = StartRunning(founding.configuration);
  }
  if (!done) Fatal(done.error().message);
}

void ControllerNode::Observe(const Uuid& cluster_id) {
  if (!this->cluster_id().IsZero()) return;
  LogInfo("quorum", "observing a cluster until a voter adds this controller",
          {{"cluster_id", cluster_id},
           {"controller_id", options_.id},
           {"directory_id", directory_id()}});
  Status done = Adopt(cluster_id);
  if (done) done = StartRunning({});
  if (!done) Fatal(done.error().message);
}

// A volume of another cluster is found out before it can confuse anybody: only while no leader is
// known but this controller, if it elected itself, and only when a majority of the configured peers
// says so.
void ControllerNode::CheckClusterOfPeers() {
  for (const InitialVoter& voter : options_.voters) {
    if (voter.id != options_.id) AskPeer(voter.address, voter.id);
  }
}

Status ControllerNode::Adopt(const Uuid& cluster_id) {
  WEIR_RETURN_IF_ERROR(directory_->AdoptCluster(cluster_id));
  cluster_known_.store(true, std::memory_order_release);
  return {};
}

void ControllerNode::Fatal(const std::string& reason) {
  if (std::exchange(stopping_, true)) return;
  LogError("quorum", "stopping", {{"reason", reason}});
  ServeWaiters();
  on_fatal_(reason);
}

void ControllerNode::BeginStop(bool transfer, std::function<void()> done) {
  loop_->Post([this, transfer, done = std::move(done)] {
    const bool hand_over = transfer && running() && node_->raft().is_leader() &&
                           node_->raft().configuration().voter_count() > 1 &&
                           node_->TransferLeadership(std::nullopt).has_value();
    const MonoTime until = loop_->Now() + (hand_over ? kTransferWait : Duration(0));
    // Asked again every few milliseconds: what is awaited is another controller's election.
    auto finish = std::make_shared<std::function<void()>>();
    *finish = [this, until, done, finish] {
      if (running() && node_->raft().is_leader() && loop_->Now() < until) {
        loop_->PostAt(loop_->Now() + std::chrono::milliseconds(5), [finish] { (*finish)(); });
        return;
      }
      stopping_ = true;
      ServeWaiters();
      if (running()) {
        const raft::RoleChange gone{raft::Role::kFollower, node_->raft().term(), std::nullopt};
        machine_->OnRoleChange(gone);
        node_->Retire();
        feed_->EndAll({ErrorCode::kNotController, "this controller is stopping"});
      }
      UpdateReady();
      done();
      *finish = nullptr;
    };
    (*finish)();
  });
}

void ControllerNode::Stop() {
  alive_.reset();
  loop_->Stop();
  if (node_ != nullptr) node_->Stop();
}

void ControllerNode::Deliver(raft::Message message, std::string from_address) {
  loop_->Post([this, message = std::move(message), address = std::move(from_address)]() mutable {
    if (running() && !stopping_) node_->Deliver(std::move(message), std::move(address));
  });
}

void ControllerNode::PeerGone(const raft::VoterKey& peer) {
  loop_->Post([this, peer] {
    if (running() && !stopping_) node_->PeerGone(peer);
  });
}

raft::v1::IdentifyReply ControllerNode::Identity() const {
  raft::v1::IdentifyReply reply;
  if (!cluster_id().IsZero()) reply.set_cluster_id(cluster_id().ToBytes());
  reply.set_controller_id(options_.id.value());
  reply.set_directory_id(directory_id().ToBytes());
  reply.set_leader_id(LeaderId().value());
  reply.set_leader_address(LeaderAddress());
  reply.set_bootstrapping(cluster_id().IsZero() && options_.bootstrap && options_.join.empty());
  reply.set_initial_voters(ToString(options_.voters));
  if (founding_) *reply.mutable_founding_configuration() = ToProto(founding_->configuration);
  return reply;
}

bool ControllerNode::removed() const {
  if (!running()) return false;
  const raft::Raft& raft = node_->raft();
  return !raft.leader() && !raft.configuration().members.empty() &&
         raft.configuration().Find(view_.self) == nullptr;
}

std::string ControllerNode::NotReadyReason() const {
  if (stopping_) return "stopping";
  if (!running()) return waiting_for_.empty() ? "starting" : waiting_for_;
  const raft::Raft& raft = node_->raft();
  if (raft.is_leader()) return controller_->active() ? "" : "becoming the active controller";
  if (raft.leader()) return "";
  if (!raft.is_voter()) return "not a member of the quorum yet: add it with weir quorum add";
  const auto heard = static_cast<size_t>(
      std::count_if(raft.configuration().members.begin(), raft.configuration().members.end(),
                    [&](const raft::Member& member) {
                      const auto last = node_->LastHeard(member.key());
                      return member.is_voter && last && loop_->Now() - *last < kLeaderWait;
                    }));
  return "no active controller: this controller hears " + std::to_string(heard) + " of " +
         std::to_string(raft.configuration().voter_count() - 1) +
         " other voters, and a majority has to elect one";
}

std::optional<ControllerNode::Route> ControllerNode::CurrentRoute() const {
  if (!running()) return std::nullopt;
  if (controller_->active()) return Route{true, {}};
  std::string address = LeaderAddress();
  if (address.empty()) return std::nullopt;
  return Route{false, std::move(address)};
}

void ControllerNode::FindLeader(MonoTime deadline, std::function<void(Result<Route>)> done) {
  if (stopping_) return done(Fail(ErrorCode::kNotController, "this controller is stopping"));
  if (auto route = CurrentRoute()) return done(*std::move(route));
  // A controller that no quorum has taken in will not hear of a leader soon.
  const bool stranger = running() && !node_->raft().is_voter();
  if (stranger) return done(Fail(ErrorCode::kNotController, NotReadyReason()));
  waiters_.push_back({std::min(deadline, loop_->Now() + kLeaderWait), std::move(done)});
}

void ControllerNode::ServeWaiters() {
  const auto route = stopping_ ? std::nullopt : CurrentRoute();
  std::list<Waiter> ready;
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    const auto next = std::next(it);
    if (route || stopping_ || it->until <= loop_->Now()) ready.splice(ready.end(), waiters_, it);
    it = next;
  }
  for (const Waiter& waiter : ready) {
    if (route) {
      waiter.done(*route);
    } else {
      waiter.done(Fail(ErrorCode::kNotController, NotReadyReason()));
    }
  }
}

void ControllerNode::UpdateReady() {
  const bool now = NotReadyReason().empty();
  if (now == ready_) return;
  ready_ = now;
  if (ready_changed_) ready_changed_(now);
}

NodeId ControllerNode::LeaderId() const {
  if (!running() || !node_->raft().leader()) return kNoNode;
  return node_->raft().leader()->id;
}

std::string ControllerNode::LeaderAddress() const {
  if (!running() || !node_->raft().leader()) return "";
  if (*node_->raft().leader() == view_.self) return "";
  const raft::Member* leader = node_->raft().configuration().Find(*node_->raft().leader());
  return leader == nullptr ? "" : leader->address;
}

admin::v1::QuorumMember ControllerNode::DescribeSelf() const {
  admin::v1::QuorumMember self;
  self.set_controller_id(options_.id.value());
  self.set_directory_id(directory_id().ToString());
  self.set_address(own_address_);
  self.set_match_index(-1);
  self.set_last_contact_ms(0);
  return self;
}

std::vector<admin::v1::QuorumMember> ControllerNode::DescribeMembers() const {
  std::vector<admin::v1::QuorumMember> members;
  if (!running() || node_->raft().configuration().members.empty()) {
    // It knows no quorum yet: what it can tell is what `weir quorum add` needs.
    members.push_back(DescribeSelf());
    return members;
  }
  const raft::Raft& raft = node_->raft();
  const std::vector<raft::PeerStatus> peers = raft.Peers();
  for (const raft::Member& member : raft.configuration().members) {
    admin::v1::QuorumMember out;
    out.set_controller_id(member.id.value());
    out.set_directory_id(member.directory_id.ToString());
    out.set_address(member.address);
    out.set_voter(member.is_voter);
    out.set_leader(raft.leader() == member.key());
    out.set_match_index(-1);
    out.set_last_contact_ms(-1);
    if (member.key() == view_.self) {
      out.set_match_index(static_cast<int64_t>(raft.log().persisted_index().value()));
      out.set_last_contact_ms(0);
    }
    for (const raft::PeerStatus& peer : peers) {
      if (peer.key != member.key()) continue;
      out.set_match_index(static_cast<int64_t>(peer.match_index.value()));
      const auto heard = node_->LastHeard(peer.key);
      if (heard) {
        out.set_last_contact_ms((loop_->Now() - *heard) / std::chrono::milliseconds(1));
      }
    }
    members.push_back(std::move(out));
  }
  return members;
}

}  // namespace weir::quorum
