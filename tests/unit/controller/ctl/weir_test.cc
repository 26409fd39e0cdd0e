// The program as a whole: command lines against an admin service of our own.
#include "controller/ctl/weir.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <sstream>

#include "common/rpc/server.h"
#include "common/rpc/status.h"
#include "proto/admin.grpc.pb.h"

namespace weir::ctl {
namespace {

using admin::v1::AdminService;
using admin::v1::AlterConfigsReply;
using admin::v1::AlterConfigsRequest;
using admin::v1::AlteredResource;
using admin::v1::CONFIG_OPERATION_APPEND;
using admin::v1::CONFIG_OPERATION_DELETE;
using admin::v1::CONFIG_OPERATION_SET;
using admin::v1::CreateTopicsReply;
using admin::v1::CreateTopicsRequest;
using admin::v1::DeleteTopicsReply;
using admin::v1::DeleteTopicsRequest;
using admin::v1::DescribeQuorumReply;
using admin::v1::DescribeQuorumRequest;
using admin::v1::ElectLeadersReply;
using admin::v1::ElectLeadersRequest;
using admin::v1::ListTopicsReply;
using admin::v1::ListTopicsRequest;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Remembers the last request of each kind and answers what a test has put there.
class FakeAdmin final : public AdminService::CallbackService {
 public:
  template <class Request, class Reply>
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                          const Request* request, Request& seen, Reply* out,
                                          const Reply& reply) {
    seen = *request;
    *out = reply;
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* CreateTopics(grpc::CallbackServerContext* context,
                                         const CreateTopicsRequest* request,
                                         CreateTopicsReply* reply) override {
    return Answer(context, request, create, reply, create_reply);
  }
  grpc::ServerUnaryReactor* DeleteTopics(grpc::CallbackServerContext* context,
                                         const DeleteTopicsRequest* request,
                                         DeleteTopicsReply* reply) override {
    return Answer(context, request, remove, reply, remove_reply);
  }
  grpc::ServerUnaryReactor* AlterConfigs(grpc::CallbackServerContext* context,
                                         const AlterConfigsRequest* request,
                                         AlterConfigsReply* reply) override {
    return Answer(context, request, alter, reply, alter_reply);
  }
  grpc::ServerUnaryReactor* ElectLeaders(grpc::CallbackServerContext* context,
                                         const ElectLeadersRequest* request,
                                         ElectLeadersReply* reply) override {
    return Answer(context, request, elect, reply, elect_reply);
  }
  grpc::ServerUnaryReactor* ListTopics(grpc::CallbackServerContext* context,
                                       const ListTopicsRequest* request,
                                       ListTopicsReply* reply) override {
    return Answer(context, request, list, reply, list_reply);
  }
  grpc::ServerUnaryReactor* DescribeQuorum(grpc::CallbackServerContext* context,
                                           const DescribeQuorumRequest*,
                                           DescribeQuorumReply*) override {
    auto* reactor = context->DefaultReactor();
    reactor->Finish(rpc::ToGrpcStatus({ErrorCode::kVoterNotFound, "no such voter"}));
    return reactor;
  }

  CreateTopicsRequest create;
  CreateTopicsReply create_reply;
  ElectLeadersRequest elect;
  ElectLeadersReply elect_reply;
  DeleteTopicsRequest remove;
  DeleteTopicsReply remove_reply;
  AlterConfigsRequest alter;
  AlterConfigsReply alter_reply;
  ListTopicsRequest list;
  ListTopicsReply list_reply;
};

class WeirTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weir-ctl-XXXXXX";
    directory_ = ::mkdtemp(name);
    ::setenv("WEIR_PROFILE_FILE", (directory_ + "/profiles.yaml").c_str(), 1);
    ::unsetenv("WEIR_ADMIN");
    auto server = rpc::Server::Start({.listen_address = "127.0.0.1:0"}, {&admin_});
    ASSERT_TRUE(server.has_value());
    server_ = *std::move(server);
    address_ = "127.0.0.1:" + std::to_string(server_->port());
  }
  void TearDown() override {
    server_->Stop(Duration(0));
    std::filesystem::remove_all(directory_);
  }

  // The exit code; what was printed is in out_ and err_.
  int RunBare(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(), "weir");
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code =
        RunWeir(static_cast<int>(arguments.size()), arguments.data(), "1.2.3", {in, out, err});
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  int Run(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.end(), {"--admin", address_});
    return RunBare(std::move(words), input);
  }

  FakeAdmin admin_;
  std::unique_ptr<rpc::Server> server_;
  std::string address_, directory_, out_, err_;
};

TEST_F(WeirTest, VersionAndHelp) {
  EXPECT_EQ(RunBare({"--version"}), 0);
  EXPECT_EQ(out_, "weir 1.2.3\n");
  EXPECT_EQ(RunBare({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Exit codes:  0 done"));
}

TEST_F(WeirTest, AWrongWordNamesTheNearest) {
  EXPECT_EQ(RunBare({"topic", "creat", "x"}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean \"create\"?"));
  EXPECT_THAT(err_, HasSubstr("next:  weir topic --help"));
}

TEST_F(WeirTest, ErrorCodesAreExplained) {
  EXPECT_EQ(RunBare({"errcode", "3"}), 0);
  EXPECT_THAT(out_, StartsWith("3 UNKNOWN_TOPIC_OR_PARTITION"));
  EXPECT_EQ(RunBare({"errcode", "-1"}), 0);
  EXPECT_EQ(RunBare({"errcode", "9999"}), 2);
}

TEST_F(WeirTest, CreateSaysWhoAsksAndWhat) {
  auto* created = admin_.create_reply.add_topics();
  created->set_name("orders");
  created->set_partitions(3);
  EXPECT_EQ(Run({"topic", "create", "orders", "-p", "3", "-c", "retention.ms=1000", "-c",
                 "cleanup.policy=compact,delete"}),
            0);
  EXPECT_THAT(out_, StartsWith("created topic orders"));
  EXPECT_FALSE(admin_.create.context().request_id().empty());
  EXPECT_EQ(admin_.create.context().tool(), "weir/1.2.3");
  EXPECT_FALSE(admin_.create.validate_only());
  EXPECT_EQ(admin_.create.topics(0).partitions(), 3);
  EXPECT_EQ(admin_.create.topics(0).replication_factor(), -1);
  EXPECT_EQ(admin_.create.topics(0).configs().at("cleanup.policy"), "compact,delete");
}

TEST_F(WeirTest, DryRunOnlyValidates) {
  admin_.create_reply.add_topics()->set_name("orders");
  EXPECT_EQ(Run({"topic", "create", "orders", "--dry-run"}), 0);
  EXPECT_TRUE(admin_.create.validate_only());
  EXPECT_THAT(out_, StartsWith("would create"));
}

TEST_F(WeirTest, ARefusedPartSaysCauseAndNextCommand) {
  auto* created = admin_.create_reply.add_topics();
  created->set_name("orders");
  rpc::SetAdminError({ErrorCode::kTopicAlreadyExists, "topic orders exists"},
                     created->mutable_error());
  EXPECT_EQ(Run({"topic", "create", "orders"}), 1);
  EXPECT_THAT(err_, HasSubstr("TOPIC_ALREADY_EXISTS: topic orders exists"));
  EXPECT_THAT(err_, HasSubstr("next:  weir topic describe"));
  EXPECT_EQ(Run({"topic", "create", "orders", "--if-not-exists"}), 0);
}

TEST_F(WeirTest, ARefusedCallSaysCauseAndNextCommand) {
  EXPECT_EQ(Run({"quorum", "describe"}), 1);
  EXPECT_THAT(err_, HasSubstr("VOTER_NOT_FOUND: no such voter"));
  EXPECT_EQ(Run({"quorum", "describe", "--format", "json"}), 1);
  EXPECT_THAT(err_, HasSubstr("\"name\":\"VOTER_NOT_FOUND\""));
}

TEST_F(WeirTest, DeleteAsksForTheName) {
  admin_.remove_reply.add_topics()->set_name("orders");
  EXPECT_EQ(Run({"topic", "delete", "orders"}, "order\n"), 2);
  EXPECT_EQ(admin_.remove.topics_size(), 0);
  EXPECT_EQ(Run({"topic", "delete", "orders"}), 2);
  EXPECT_EQ(Run({"topic", "delete", "orders"}, "orders\n"), 0);
  EXPECT_EQ(admin_.remove.topics(0).name(), "orders");
  admin_.remove.Clear();
  EXPECT_EQ(Run({"topic", "delete", "-y", "orders"}), 0);
  EXPECT_EQ(admin_.remove.topics(0).name(), "orders");
}

TEST_F(WeirTest, AlterNamesEachOperation) {
  admin_.alter_reply.add_resources()->mutable_resource()->set_name("orders");
  EXPECT_EQ(Run({"topic", "alter", "orders", "--set", "retention.ms=5", "--delete-config",
                 "segment.bytes", "--append", "cleanup.policy=compact"}),
            0);
  const AlteredResource& resource = admin_.alter.resources(0);
  ASSERT_EQ(resource.changes_size(), 3);
  EXPECT_EQ(resource.changes(0).operation(), CONFIG_OPERATION_DELETE);
  EXPECT_EQ(resource.changes(1).operation(), CONFIG_OPERATION_SET);
  EXPECT_EQ(resource.changes(1).value(), "5");
  EXPECT_EQ(resource.changes(2).operation(), CONFIG_OPERATION_APPEND);
  EXPECT_EQ(Run({"topic", "alter", "orders"}), 2);
  EXPECT_EQ(Run({"topic", "alter", "orders", "-p", "4", "--set", "a=b"}), 2);
  EXPECT_EQ(Run({"topic", "alter", "orders", "--set", "novalue"}), 2);
}

TEST_F(WeirTest, ElectNamesTopicsAndPartitions) {
  auto* elected = admin_.elect_reply.add_partitions();
  elected->set_topic("orders");
  elected->set_partition(2);
  elected->set_leader_id(3);
  EXPECT_EQ(Run({"partition", "elect", "orders:2,0", "logs"}), 0) << err_;
  EXPECT_EQ(out_, "orders-2  is led by 3\n");
  EXPECT_EQ(admin_.elect.kind(), admin::v1::ELECTION_KIND_PREFERRED);
  ASSERT_EQ(admin_.elect.topics_size(), 2);
  EXPECT_EQ(admin_.elect.topics(0).topic(), "orders");
  EXPECT_THAT(admin_.elect.topics(0).partitions(), testing::ElementsAre(2, 0));
  EXPECT_EQ(admin_.elect.topics(1).partitions_size(), 0);
  EXPECT_EQ(Run({"partition", "elect"}), 0);
  EXPECT_EQ(admin_.elect.topics_size(), 0);
  EXPECT_EQ(Run({"partition", "elect", "orders:"}), 2);
  EXPECT_EQ(Run({"partition", "elect", "orders:1,x"}), 2);
  EXPECT_EQ(Run({"partition", "elect", ":1"}), 2);
}

TEST_F(WeirTest, AnUncleanElectionIsConfirmed) {
  auto* elected = admin_.elect_reply.add_partitions();
  elected->set_topic("orders");
  elected->set_leader_id(3);
  elected->set_unclean(true);
  EXPECT_EQ(Run({"partition", "elect", "--unclean", "orders:0"}), 2);
  EXPECT_EQ(admin_.elect.topics_size(), 0);
  EXPECT_EQ(Run({"partition", "elect", "--unclean", "orders:0"}, "lose\n"), 0);
  EXPECT_EQ(admin_.elect.kind(), admin::v1::ELECTION_KIND_UNCLEAN);
  EXPECT_THAT(out_, HasSubstr("may be lost"));
  EXPECT_EQ(Run({"partition", "elect", "--unclean", "-y", "orders:0"}), 0);
}

TEST_F(WeirTest, JsonIsTheReply) {
  auto* topic = admin_.list_reply.add_topics();
  topic->set_name("orders");
  EXPECT_EQ(Run({"--format", "json", "topic", "list"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"topic_id\": \"\""));
  EXPECT_THAT(out_, HasSubstr("\"replication_factor\": 0"));
  EXPECT_EQ(Run({"topic", "list", "--format", "yaml"}), 2);
}

TEST_F(WeirTest, NoControllerIsSaidSoon) {
  EXPECT_EQ(RunBare({"topic", "list", "--admin", "127.0.0.1:1", "--timeout-ms", "100"}), 3);
  EXPECT_THAT(err_, HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(err_, HasSubstr("weir dev"));
  EXPECT_EQ(RunBare({"topic", "list", "--admin", "nonsense"}), 1);
}

TEST_F(WeirTest, ADeadControllerInTheListIsPassedOver) {
  EXPECT_EQ(RunBare({"topic", "list", "--admin", "127.0.0.1:1," + address_}), 0) << err_;
}

TEST_F(WeirTest, ProfilesAndEnvironmentGiveAddresses) {
  EXPECT_EQ(RunBare({"profile", "create", "here", "--admin", address_}), 0) << err_;
  EXPECT_EQ(RunBare({"profile", "create", "gone", "--admin", "127.0.0.1:1"}), 0);
  EXPECT_EQ(RunBare({"profile", "create", "gone"}), 2);
  EXPECT_EQ(RunBare({"topic", "list", "--timeout-ms", "100"}), 3);
  EXPECT_EQ(RunBare({"topic", "list", "--profile", "here"}), 0) << err_;
  EXPECT_EQ(RunBare({"profile", "use", "here"}), 0);
  EXPECT_EQ(RunBare({"topic", "list"}), 0) << err_;
  ::setenv("WEIR_ADMIN", "127.0.0.1:1", 1);
  EXPECT_EQ(RunBare({"topic", "list", "--timeout-ms", "100"}), 3);
  ::unsetenv("WEIR_ADMIN");
  EXPECT_EQ(RunBare({"profile", "show"}), 0);
  EXPECT_THAT(out_, HasSubstr(address_));
  EXPECT_EQ(RunBare({"profile", "list"}), 0);
  EXPECT_THAT(out_, HasSubstr("gone"));
  EXPECT_EQ(RunBare({"profile", "delete", "gone"}), 0);
  EXPECT_EQ(RunBare({"profile", "list"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("gone")));
  EXPECT_EQ(RunBare({"topic", "list", "--profile", "gone"}), 1);
}

TEST_F(WeirTest, ConsumeAndProduceCheckTheirArgumentsFirst) {
  EXPECT_EQ(Run({"topic", "consume", "t", "-o", "-5:start"}), 2);
  EXPECT_THAT(err_, HasSubstr("-5:start"));
  EXPECT_EQ(Run({"topic", "consume", "t", "-f", "%q"}), 2);
  EXPECT_EQ(Run({"topic", "produce", "t", "-f", "%k%v"}), 2);
  EXPECT_EQ(Run({"topic", "produce", "t", "-X", "nonsense"}), 2);
}

TEST_F(WeirTest, DevCommandsSayThatNothingRuns) {
  EXPECT_EQ(RunBare({"dev", "status", "--data", directory_}), 4);
  EXPECT_THAT(err_, HasSubstr("no `weir dev` runs on " + directory_));
  // Before the verb it means the same.
  EXPECT_EQ(RunBare({"dev", "--data", directory_, "restart", "broker-1"}), 4);
  EXPECT_THAT(err_, HasSubstr("no `weir dev` runs on " + directory_));
}

}  // namespace
}  // namespace weir::ctl
