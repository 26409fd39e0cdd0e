// Three controllers over real gRPC and real files in one process: election, forwarding, failover,
// membership, snapshots to a newcomer, sessions and the metadata feed (R-18, R-19, R-24, R-39,
// R-56, D3, D5).
#include "tests/unit/controller/service/three_controllers.h"

#include <gtest/gtest.h>

namespace weir::service {
namespace {

TEST_F(ThreeControllers, R18_FoundElectAndServeAtEveryAddress) {
  StartAll();
  for (const auto& voter : voters_) {
    rpc::ControllerClient client({voter.address}, {.tool = "test"});
    EXPECT_TRUE(SetConfig(client, "1000"));
    EXPECT_EQ(Quorum(client).members_size(), 3);
    EXPECT_GT(Quorum(client).leader_id(), 0);
  }
}

TEST_F(ThreeControllers, R19_ChangesGoOnAfterTheActiveOneIsGone) {
  StartAll();
  auto client = Client();
  ASSERT_TRUE(SetConfig(*client, "1000"));
  for (int round = 1; round <= 3; ++round) {
    const int active = WaitForActive();
    controllers_[active]->Stop(/*transfer=*/round == 2);
    controllers_.erase(active);
    const Status set = SetConfig(*client, std::to_string(1000 + round));
    ASSERT_TRUE(set) << ToString(set.error());
    StartOne(active);
  }
  // All three have it in the end.
  for (auto& [id, controller] : controllers_) {
    EXPECT_TRUE(Eventually([&, &node = controller->node()] {
      return node.RunOnLoop<bool>([&node] {
        if (!node.running()) return false;
        const std::string* value = node.committed().FindConfig(
            metadata::ConfigResource::OfAllBrokers(), "log.retention.ms");
        return value != nullptr && *value == "1003";
      });
    })) << id;
  }
}

TEST_F(ThreeControllers, WithoutAMajorityTheErrorSaysSo) {
  StartAll();
  auto client = Client();
  ASSERT_TRUE(SetConfig(*client, "1000"));
  const int active = WaitForActive();
  controllers_.erase(active);
  controllers_.erase(active % 3 + 1);
  admin::v1::ListTopicsRequest request;
  auto reply = client->CallSync(rpc::kListTopics, request, std::chrono::seconds(3));
  // On a starved machine the client's own deadline may pass before the answer is read: ask again.
  for (int i = 0; i < 10 && !reply && reply.error().code == ErrorCode::kRequestTimedOut; ++i) {
    reply = client->CallSync(rpc::kListTopics, request, std::chrono::seconds(3));
  }
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kNotController);
  EXPECT_NE(reply.error().message.find("majority"), std::string::npos) << reply.error().message;
}

TEST_F(ThreeControllers, D3_CreateTopicsReturnsWhenEveryLiveBrokerHasAppliedIt) {
  StartAll();
  auto client = Client();
  FakeBroker one(*client, 1);
  FakeBroker two(*client, 2);
  ASSERT_TRUE(one.WaitUnfenced());
  ASSERT_TRUE(two.WaitUnfenced());
  for (int i = 0; i < 20; ++i) {
    const std::string name = "topic-" + std::to_string(i);
    const Status created = CreateTopic(*client, name);
    ASSERT_TRUE(created) << ToString(created.error());
    EXPECT_TRUE(one.HasTopic(name));
    EXPECT_TRUE(two.HasTopic(name));
  }
}

TEST_F(ThreeControllers, D5_ABrokenSessionIsFencedAndReturns) {
  StartAll();
  auto client = Client();
  auto broker = std::make_unique<FakeBroker>(*client, 1);
  ASSERT_TRUE(broker->WaitUnfenced());
  const auto fenced = [&] {
    const auto reply = client->CallSync(rpc::kDescribeBrokers, {}, kPatience);
    return reply && reply->brokers_size() == 1 && reply->brokers(0).fenced();
  };
  EXPECT_FALSE(fenced());
  broker.reset();
  EXPECT_TRUE(Eventually(fenced));
  FakeBroker back(*client, 1);
  EXPECT_TRUE(back.WaitUnfenced());
}

TEST_F(ThreeControllers, D3_AFeedFromBeforeTheLogBeginsWithASnapshot) {
  snapshot_log_bytes_ = 2000;
  StartAll();
  auto client = Client();
  FakeBroker one(*client, 1);
  ASSERT_TRUE(one.WaitUnfenced());
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(CreateTopic(*client, "t" + std::to_string(i)));
  ASSERT_TRUE(Eventually([&] {
    for (auto& [id, controller] : controllers_) {
      const bool cut = controller->node().RunOnLoop<bool>([&node = controller->node()] {
        return node.node().raft().log().first_index() > LogIndex(1);
      });
      if (!cut) return false;
    }
    return true;
  }));
  FakeBroker late(*client, 2);
  EXPECT_TRUE(late.WaitTopic("t59"));
  EXPECT_GE(late.snapshots(), 1);
  ASSERT_TRUE(CreateTopic(*client, "after"));
  EXPECT_TRUE(late.WaitTopic("after"));
}

TEST_F(ThreeControllers, R39_AWipedVoterCannotVoteUntilItIsReplacedBySnapshot) {
  snapshot_log_bytes_ = 2000;
  StartAll();
  auto client = Client();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(SetConfig(*client, std::to_string(1000 + i)));
  const int active = WaitForActive();
  // A snapshot is written beside the log: without it the newcomer would be sent the log from its
  // start.
  quorum::ControllerNode& leader = controllers_[active]->node();
  ASSERT_TRUE(Eventually([&] {
    return leader.RunOnLoop<bool>([&] { return leader.node().snapshot_index() > LogIndex(0); });
  }));
  const int wiped = active % 3 + 1;
  controllers_.erase(wiped);
  std::filesystem::remove_all(directory_.path() + "/c" + std::to_string(wiped));
  StartOne(wiped);
  quorum::ControllerNode& node = controllers_[wiped]->node();
  ASSERT_TRUE(Eventually([&] { return node.RunOnLoop<bool>([&] { return node.running(); }); }));
  EXPECT_FALSE(node.RunOnLoop<bool>([&] { return node.node().raft().is_voter(); }));
  const auto reason = node.RunOnLoop<std::string>([&] { return node.NotReadyReason(); });
  EXPECT_NE(reason.find("not a member"), std::string::npos) << reason;
  // It names itself: the operator reads here what AddVoter needs.
  rpc::ControllerClient at_wiped({voters_[static_cast<size_t>(wiped - 1)].address},
                                 {.tool = "test"});
  const auto described = Quorum(at_wiped);
  ASSERT_EQ(described.members_size(), 1);
  EXPECT_EQ(described.members(0).controller_id(), wiped);
  EXPECT_EQ(described.members(0).directory_id(), node.directory_id().ToString());
  EXPECT_FALSE(described.members(0).voter());

  admin::v1::AddVoterRequest request;
  request.set_controller_id(wiped);
  request.set_directory_id(node.directory_id().ToString());
  request.set_address(voters_[static_cast<size_t>(wiped - 1)].address);
  request.set_replaces_controller_id(wiped);
  const auto reply = client->CallSync(rpc::kAddVoter, request, kPatience);
  ASSERT_TRUE(reply) << ToString(reply.error());
  EXPECT_TRUE(Eventually(
      [&] { return node.RunOnLoop<bool>([&] { return node.node().raft().is_voter(); }); }));
  EXPECT_GT(node.RunOnLoop<uint64_t>([&] { return node.node().snapshot_index().value(); }), 0u);
}

TEST_F(ThreeControllers, R38_TheActiveOneCanBeRemovedAndLeadershipHandedOver) {
  StartAll();
  auto client = Client();
  ASSERT_TRUE(SetConfig(*client, "1"));
  const int active = WaitForActive();
  admin::v1::TransferLeadershipRequest transfer;
  transfer.set_controller_id(active % 3 + 1);
  const auto transferred = client->CallSync(rpc::kTransferLeadership, transfer, kPatience);
  ASSERT_TRUE(transferred) << ToString(transferred.error());
  EXPECT_EQ(transferred->leader_id(), active % 3 + 1);

  admin::v1::RemoveVoterRequest removal;
  removal.set_controller_id(active % 3 + 1);
  const auto removed = client->CallSync(rpc::kRemoveVoter, removal, kPatience);
  ASSERT_TRUE(removed) << ToString(removed.error());
  EXPECT_EQ(removed->members_size(), 2);
  EXPECT_TRUE(SetConfig(*client, "2"));
  EXPECT_EQ(Quorum(*client).members_size(), 2);
}

TEST_F(ThreeControllers, ValidateOnlyLeavesTheQuorumAsItIs) {
  StartAll();
  auto client = Client();
  ASSERT_TRUE(SetConfig(*client, "1"));
  const int active = WaitForActive();
  const int other = active % 3 + 1;
  admin::v1::TransferLeadershipRequest transfer;
  transfer.set_validate_only(true);
  transfer.set_controller_id(other);
  const auto heir = client->CallSync(rpc::kTransferLeadership, transfer, kPatience);
  ASSERT_TRUE(heir) << ToString(heir.error());
  EXPECT_EQ(heir->leader_id(), other);
  transfer.set_controller_id(9);
  EXPECT_EQ(client->CallSync(rpc::kTransferLeadership, transfer, kPatience).error().code,
            ErrorCode::kVoterNotFound);

  admin::v1::RemoveVoterRequest removal;
  removal.set_validate_only(true);
  removal.set_controller_id(other);
  const auto kept = client->CallSync(rpc::kRemoveVoter, removal, kPatience);
  ASSERT_TRUE(kept) << ToString(kept.error());
  EXPECT_EQ(kept->members_size(), 3);

  admin::v1::AddVoterRequest addition;
  addition.set_validate_only(true);
  addition.set_controller_id(9);
  addition.set_directory_id(controllers_[1]->node().directory_id().ToString());
  addition.set_address("localhost:1");
  const auto added = client->CallSync(rpc::kAddVoter, addition, kPatience);
  ASSERT_TRUE(added) << ToString(added.error());
  EXPECT_EQ(added->members_size(), 3);
  addition.set_controller_id(other);
  addition.set_directory_id(Uuid{}.ToString());
  EXPECT_EQ(client->CallSync(rpc::kAddVoter, addition, kPatience).error().code,
            ErrorCode::kDuplicateVoter);
  EXPECT_EQ(Quorum(*client).members_size(), 3);
  EXPECT_EQ(WaitForActive(), active);
}

TEST_F(ThreeControllers, R56_MessagesOfAnotherClusterAreRefused) {
  StartAll();
  auto client = Client();
  ASSERT_TRUE(SetConfig(*client, "1"));
  raft::v1::RaftMessage message;
  message.set_cluster_id(std::string(16, 'x'));
  const Uuid to = controllers_[1]->node().directory_id();
  message.mutable_to()->set_controller_id(1);
  message.mutable_to()->set_directory_id(to.ToBytes());
  message.mutable_from()->set_controller_id(2);
  message.mutable_from()->set_directory_id(std::string(16, 'y'));
  message.set_term(1'000'000);
  message.mutable_vote_request();
  const auto end_of = [&](const raft::v1::RaftMessage& sent) {
    grpc::ClientContext context;
    raft::v1::DeliverReply reply;
    auto stub = raft::v1::RaftService::NewStub(rpc::ChannelTo(voters_[0].address));
    auto writer = stub->Deliver(&context, &reply);
    writer->Write(sent);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    return status.ok() ? ErrorCode::kNone : rpc::FromGrpcStatus(status).error.code;
  };
  EXPECT_EQ(end_of(message), ErrorCode::kInconsistentClusterId);
  message.mutable_to()->set_directory_id(std::string(16, 'z'));
  EXPECT_EQ(end_of(message), ErrorCode::kInvalidVoterKey);
  message.mutable_to()->set_controller_id(2);
  EXPECT_EQ(end_of(message), ErrorCode::kInvalidVoterKey);
  // empty and odd ones.
  EXPECT_EQ(end_of({}), ErrorCode::kInvalidRequest);
  EXPECT_LT(Quorum(*client).term(), 1000);
}

TEST_F(ThreeControllers, AVolumeOfAnotherClusterIsRefusedWithBothIds) {
  StartAll();
  auto client = Client();
  ASSERT_TRUE(SetConfig(*client, "1"));
  const Uuid ours = controllers_[1]->node().known_cluster_id();
  quorum::ControllerNodeOptions foreign;
  foreign.id = NodeId(3);
  foreign.data_dir = directory_.path() + "/foreign";
  foreign.bootstrap = true;
  Uuid theirs;
  {
    TestController other(foreign, "127.0.0.1:0");
    other.Start();
    ASSERT_TRUE(Eventually([&] { return other.IsActive(); }));
    theirs = other.node().known_cluster_id();
  }
  // That volume under the name of controller 3.
  controllers_.erase(3);
  foreign.voters = voters_;
  TestController wrong(foreign, voters_[2].address);
  auto fatal = wrong.fatal();
  wrong.Start();
  ASSERT_EQ(fatal.wait_for(kPatience), std::future_status::ready);
  const std::string reason = fatal.get();
  EXPECT_NE(reason.find(ours.ToString()), std::string::npos) << reason;
  EXPECT_NE(reason.find(theirs.ToString()), std::string::npos) << reason;
  // With the id configured the directory is refused before anything starts.
  foreign.cluster_id = ours;
  wrong.Stop(false);
}

TEST_F(ThreeControllers, ABlankDirectoryWithoutBootstrapDoesNotStart) {
  quorum::ControllerNodeOptions options = Options(1);
  options.bootstrap = false;
  TestController blank(options, "127.0.0.1:0");
  ASSERT_TRUE(blank.create_error());
  EXPECT_EQ(blank.create_error()->code, ErrorCode::kInvalidConfig);
}

}  // namespace
}  // namespace weir::service
