// Groups of either protocol, and of both, as the commands see them; and what the commands say of
// members, against a group service of our own.
#include "controller/ctl/group_members.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>

#include "common/rpc/server.h"
#include "controller/ctl/weir.h"
#include "proto/group.grpc.pb.h"

namespace weir::ctl {
namespace {

using group::v1::DescribeConsumerGroupsReply;
using group::v1::DescribeConsumerGroupsRequest;
using group::v1::DescribedConsumer;
using group::v1::DescribedConsumerGroup;
using group::v1::DescribedGroup;
using group::v1::DescribeGroupsReply;
using group::v1::DescribeGroupsRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr int kRefused = 1;

void AddTopic(google::protobuf::RepeatedPtrField<group::v1::NamedTopicPartitions>* to,
              const std::string& topic, std::initializer_list<int32_t> partitions) {
  auto* added = to->Add();
  added->set_topic_name(topic);
  added->mutable_partitions()->Add(partitions.begin(), partitions.end());
}

// A group in migration: one member of each protocol, of which the first has one partition to give
// to the other.
DescribedConsumerGroup Migrating() {
  DescribedConsumerGroup group;
  group.set_group_id("g");
  group.set_state("Reconciling");
  group.set_group_epoch(7);
  group.set_assignment_epoch(6);
  group.set_assignor_name("uniform");
  DescribedConsumer* first = group.add_members();
  first->set_member_id("first");
  first->set_instance_id("one");
  first->set_client_id("a-client");
  first->set_client_host("/10.0.0.1");
  first->set_member_epoch(5);
  first->set_uses_classic_protocol(true);
  AddTopic(first->mutable_assignment(), "t", {1, 0});
  AddTopic(first->mutable_target_assignment(), "t", {0});
  DescribedConsumer* second = group.add_members();
  second->set_member_id("second");
  second->set_member_epoch(6);
  AddTopic(second->mutable_target_assignment(), "t", {1});
  return group;
}

TEST(GroupMembers, AConsumerGroupHasEpochsAndTargets) {
  const KnownGroup group = Describe(Migrating());
  EXPECT_TRUE(group.exists);
  EXPECT_EQ(group.description.state(), "Reconciling");
  EXPECT_EQ(group.description.type(), "consumer");
  EXPECT_EQ(group.description.protocol_type(), "consumer");
  EXPECT_EQ(group.description.assignor(), "uniform");
  EXPECT_EQ(group.description.generation_id(), -1);
  EXPECT_EQ(group.description.group_epoch(), 7);
  EXPECT_EQ(group.description.assignment_epoch(), 6);
  ASSERT_EQ(group.description.members_size(), 2);
  const auto& first = group.description.members(0);
  EXPECT_EQ(first.member_id(), "first");
  EXPECT_EQ(first.instance_id(), "one");
  EXPECT_EQ(first.client_id(), "a-client");
  EXPECT_EQ(first.host(), "/10.0.0.1");
  EXPECT_EQ(first.member_epoch(), 5);
  EXPECT_EQ(first.type(), "classic");
  EXPECT_THAT(first.assignment(), ElementsAre("t-0", "t-1"));
  EXPECT_THAT(first.target(), ElementsAre("t-0"));
  const auto& second = group.description.members(1);
  EXPECT_EQ(second.type(), "consumer");
  EXPECT_THAT(second.assignment(), ElementsAre());
  EXPECT_THAT(second.target(), ElementsAre("t-1"));
  EXPECT_THAT(group.owners, ElementsAre(Pair(Pair("t", 0), 0), Pair(Pair("t", 1), 0)));
}

DescribedGroup Classic() {
  DescribedGroup group;
  group.set_group_id("g");
  group.set_state("Stable");
  group.set_type("classic");
  group.set_protocol_type("consumer");
  group.set_protocol_name("range");
  group.set_generation_id(3);
  group.add_members()->set_member_id("worker");
  group.mutable_members(0)->set_assignment("of another protocol");
  auto* member = group.add_members();
  member->set_member_id("reader");
  member->set_assignment(std::string("\0\x01\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x04", 17));
  return group;
}

TEST(GroupMembers, AClassicGroupHasNothingOfConsumerGroups) {
  const KnownGroup group = Describe(Classic());
  EXPECT_TRUE(group.exists);
  EXPECT_EQ(group.description.type(), "classic");
  EXPECT_EQ(group.description.protocol(), "range");
  EXPECT_EQ(group.description.generation_id(), 3);
  EXPECT_THAT(group.description.members(0).assignment(), ElementsAre());
  EXPECT_THAT(group.description.members(1).assignment(), ElementsAre("t-4"));
  EXPECT_THAT(group.owners, ElementsAre(Pair(Pair("t", 4), 1)));
  const std::string json = ToJson(group.description);
  for (const char* field : {"assignor", "epoch", "\"type\": \"consumer\""})
    EXPECT_THAT(json, testing::Not(HasSubstr(field)));
}

// Knows groups by the call that finds them, and how often it was called.
class FakeGroups final : public group::v1::GroupService::CallbackService {
 public:
  grpc::ServerUnaryReactor* DescribeGroups(grpc::CallbackServerContext* context,
                                           const DescribeGroupsRequest* request,
                                           DescribeGroupsReply* reply) override {
    return Answer(context, *request, reply, classic);
  }
  grpc::ServerUnaryReactor* DescribeConsumerGroups(grpc::CallbackServerContext* context,
                                                   const DescribeConsumerGroupsRequest* request,
                                                   DescribeConsumerGroupsReply* reply) override {
    return Answer(context, *request, reply, consumer);
  }

  // What is answered about a name at the n-th call, from 1.
  std::function<DescribedGroup(const std::string& name, int n)> classic;
  std::function<DescribedConsumerGroup(const std::string& name, int n)> consumer;
  // Groups that a reply has room for.
  int room = INT32_MAX;

 private:
  template <class Request, class Reply, class Find>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const Request& request,
                                   Reply* reply, const Find& find) {
    ++calls_;
    for (const std::string& name : request.group_ids()) {
      if (reply->groups_size() == room) break;
      if (find)
        *reply->add_groups() = find(name, calls_);
      else
        reply->add_groups()->set_error_code(static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
    }
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  int calls_ = 0;
};

template <class Group>
Group NotFound() {
  Group group;
  group.set_error_code(static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
  return group;
}

class GroupMembersTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = rpc::Server::Start({.listen_address = "127.0.0.1:0"}, {&groups_});
    ASSERT_TRUE(server.has_value());
    server_ = *std::move(server);
    address_ = "127.0.0.1:" + std::to_string(server_->port());
  }
  void TearDown() override { server_->Stop(Duration(0)); }

  // The exit code; what was printed to stderr is in err_.
  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), "weir");
    words.insert(words.end(), {"--admin", address_});
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    std::istringstream in;
    std::ostringstream out, err;
    const int code =
        RunWeir(static_cast<int>(arguments.size()), arguments.data(), "1.2.3", {in, out, err});
    err_ = err.str();
    return code;
  }
  Result<std::vector<KnownGroup>> Ask(const std::vector<std::string>& names) {
    std::istringstream in;
    std::ostringstream out, err;
    GlobalOptions options;
    options.admin = address_;
    Session session(options, "1.2.3", {in, out, err});
    return AskGroups(session, names);
  }

  FakeGroups groups_;
  std::unique_ptr<rpc::Server> server_;
  std::string address_, err_;
};

TEST_F(GroupMembersTest, GroupsOfEitherTypeAreFoundEachInItsPlace) {
  groups_.classic = [](const std::string& name, int) {
    return name == "old" ? Classic() : NotFound<DescribedGroup>();
  };
  groups_.consumer = [](const std::string& name, int) {
    return name == "new" ? Migrating() : NotFound<DescribedConsumerGroup>();
  };
  const auto found = Ask({"nobody", "new", "old"});
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 3u);
  EXPECT_FALSE(found->at(0).exists);
  EXPECT_EQ(found->at(0).description.group_id(), "nobody");
  EXPECT_EQ(found->at(1).description.group_id(), "new");
  EXPECT_EQ(found->at(1).description.type(), "consumer");
  EXPECT_EQ(found->at(2).description.group_id(), "old");
  EXPECT_EQ(found->at(2).description.type(), "classic");
}

TEST_F(GroupMembersTest, D11_WhatHasNoRoomInAReplyIsAskedForAgain) {
  groups_.room = 2;
  groups_.classic = [](const std::string& name, int) {
    return name == "old" ? Classic() : NotFound<DescribedGroup>();
  };
  groups_.consumer = [](const std::string& name, int) {
    return name == "new" ? Migrating() : NotFound<DescribedConsumerGroup>();
  };
  const auto found = Ask({"nobody", "nothing", "new", "old", "none"});
  ASSERT_TRUE(found.has_value());
  std::vector<bool> exist;
  for (const KnownGroup& group : *found) exist.push_back(group.exists);
  EXPECT_THAT(exist, ElementsAre(false, false, true, true, false));
}

TEST_F(GroupMembersTest, AReplyAboutNoGroupAtAllIsAnError) {
  groups_.room = 0;
  EXPECT_FALSE(Ask({"g"}).has_value());
}

TEST_F(GroupMembersTest, AGroupThatBecomesAClassicOneWhileItIsAskedForIsFound) {
  groups_.classic = [](const std::string&, int call) {
    return call == 1 ? NotFound<DescribedGroup>() : Classic();
  };
  const auto found = Ask({"g"});
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->at(0).exists);
  EXPECT_EQ(found->at(0).description.type(), "classic");
}

TEST_F(GroupMembersTest, AnErrorOfOneGroupIsNoGroupWithoutMembers) {
  groups_.consumer = [](const std::string&, int) {
    DescribedConsumerGroup group;
    group.set_error_code(static_cast<int32_t>(ErrorCode::kCoordinatorNotAvailable));
    return group;
  };
  const auto found = Ask({"g"});
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::kCoordinatorNotAvailable);
}

TEST_F(GroupMembersTest, MembersOfAConsumerGroupRefuseChangesPlannedOrNot) {
  groups_.consumer = [](const std::string&, int) { return Migrating(); };
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"seek", "g", "--to", "start"}, {"undo-reset", "g"}})
    for (const bool plan : {false, true}) {
      std::vector<std::string> words = {"group"};
      words.insert(words.end(), command.begin(), command.end());
      if (plan) words.emplace_back("--plan");
      EXPECT_EQ(Run(words), kRefused);
      EXPECT_THAT(err_, HasSubstr("NON_EMPTY_GROUP"));
      EXPECT_THAT(err_, HasSubstr("group g has 2 members"));
      EXPECT_THAT(err_, HasSubstr("weir group describe g"));
    }
  EXPECT_EQ(Run({"group", "delete", "--plan", "g"}), kRefused);
  EXPECT_THAT(err_, HasSubstr("NON_EMPTY_GROUP"));
}

TEST_F(GroupMembersTest, AConsumerGroupWithoutMembersWouldBeDeleted) {
  groups_.consumer = [](const std::string&, int) {
    DescribedConsumerGroup group = Migrating();
    group.clear_members();
    group.set_state("Empty");
    return group;
  };
  EXPECT_EQ(Run({"group", "delete", "--plan", "g"}), 0);
}

}  // namespace
}  // namespace weir::ctl
