// The plan of `weir dev`: ports, directories, command lines (DESIGN §3).
#include "controller/ctl/dev/node_plan.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir::ctl::dev {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

DevPlan Plan(const DevOptions& options, bool bootstrap = true) {
  auto plan = MakePlan(options, {"/bin/c", "/bin/b", "xtzWWN4bTjitpL3kfd9s5g", bootstrap});
  EXPECT_TRUE(plan.has_value());
  return plan.value_or(DevPlan{});
}

TEST(NodePlan, OneNodeHasTheDefaultPorts) {
  const DevPlan plan = Plan({.data_dir = "/d"});
  EXPECT_EQ(plan.KafkaAddresses(), "127.0.0.1:9092");
  EXPECT_EQ(plan.AdminAddresses(), "127.0.0.1:9090");
  EXPECT_EQ(plan.HttpAddresses(), "127.0.0.1:8080,127.0.0.1:8081");
}

TEST(NodePlan, PortsCountUpAsTheContractSays) {
  const DevPlan plan = Plan({3, "/d", 19092, 19000, 18080});
  EXPECT_EQ(plan.KafkaAddresses(), "127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094");
  EXPECT_EQ(plan.AdminAddresses(), "127.0.0.1:19000,127.0.0.1:19001,127.0.0.1:19002");
  EXPECT_EQ(plan.HttpAddresses(),
            "127.0.0.1:18080,127.0.0.1:18081,127.0.0.1:18082,"
            "127.0.0.1:18083,127.0.0.1:18084,127.0.0.1:18085");
}

// 9090, 9091, 9092 would meet Kafka's 9092.
TEST(NodePlan, TheDefaultRangesDoNotMeetAtThreeNodes) {
  const DevPlan plan = Plan({.nodes = 3, .data_dir = "/d"});
  EXPECT_EQ(plan.KafkaAddresses(), "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094");
  EXPECT_EQ(plan.AdminAddresses(), "127.0.0.1:9090,127.0.0.1:9091,127.0.0.1:9095");
}

TEST(NodePlan, NodesAreNamedAndHaveDirectoriesOfTheirOwn) {
  const DevPlan plan = Plan({.nodes = 2, .data_dir = "/d"});
  ASSERT_EQ(plan.nodes.size(), 4U);
  EXPECT_EQ(plan.nodes[0].name, "controller-1");
  EXPECT_EQ(plan.nodes[3].name, "broker-2");
  EXPECT_EQ(plan.nodes[3].data_path, "/d/broker-2/data");
  EXPECT_EQ(plan.nodes[3].log_path, "/d/broker-2/log");
  EXPECT_THAT(DescribeNode(plan.nodes[3]), HasSubstr("kafka=127.0.0.1:9093 http=127.0.0.1:8081"));
}

TEST(NodePlan, OnlyTheFirstStartFormats) {
  EXPECT_THAT(Plan({.data_dir = "/d"}, true).nodes[0].command, Contains("--bootstrap=true"));
  for (const NodePlan& node : Plan({.data_dir = "/d"}, false).nodes)
    EXPECT_THAT(node.command, Not(Contains("--bootstrap=true")));
}

TEST(NodePlan, OutOfRangeOptionsAreRefused) {
  for (const DevOptions& options :
       {DevOptions{.nodes = 0}, DevOptions{.nodes = 10}, DevOptions{.kafka_port = 0},
        DevOptions{.admin_port = 65536}, DevOptions{.http_port = -1}})
    EXPECT_FALSE(MakePlan(options, {}).has_value());
}

TEST(NodePlan, APortInUseIsNamedWithItsFlag) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, kHost, &address.sin_addr);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const int port = ntohs(address.sin_port);
  const Status used = CheckPortsAreFree({{port, "broker-1 (Kafka)", "--kafka-port"}});
  ::close(fd);
  ASSERT_FALSE(used.has_value());
  EXPECT_THAT(used.error().message, HasSubstr(std::to_string(port)));
  EXPECT_THAT(used.error().message, HasSubstr("--kafka-port"));
  EXPECT_TRUE(CheckPortsAreFree({{port, "broker-1 (Kafka)", "--kafka-port"}}));
}

}  // namespace
}  // namespace weir::ctl::dev
