// The HTTP listener: probes, metrics and their text.
#include "common/runtime/http_pages.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <memory>
#include <vector>

#include "common/runtime/metrics.h"

namespace weir::runtime {
namespace {

TEST(HttpPages, ProbesFollowReadinessAndMetricsAreServed) {
  std::string reason = "not attached to the quorum";
  HttpPages pages([&] { return reason; });
  pages.AddPage("/state", [] { return HttpAnswer{200, "state\n"}; });
  const auto port = pages.Start("127.0.0.1:0");
  ASSERT_TRUE(port) << ToString(port.error());
  Metrics::Global().AddCounter("weir_http_test_total", "Test.", {{"kind", "x"}}).Add(2);

  httplib::Client client("127.0.0.1", *port);
  EXPECT_EQ(client.Get("/livez")->status, 200);
  EXPECT_EQ(client.Get("/readyz")->status, 503);
  EXPECT_EQ(client.Get("/readyz")->body, "not attached to the quorum\n");
  EXPECT_EQ(client.Get("/state")->body, "state\n");
  EXPECT_NE(client.Get("/metrics")->body.find("weir_http_test_total{kind=\"x\"} 2"),
            std::string::npos);
  EXPECT_EQ(client.Get("/nothing")->status, 404);
  const HttpPages second([] { return std::string(); });
  EXPECT_EQ(HttpPages([] { return std::string(); })
                .Start("127.0.0.1:" + std::to_string(*port))
                .error()
                .code,
            ErrorCode::kInvalidConfig);
  pages.Stop();
}

TEST(HttpPages, AQueryReachesItsPage) {
  HttpPages pages([] { return std::string(); });
  pages.AddQueryPage("/echo", [](const HttpQuery& query) {
    HttpAnswer answer{.status = 200, .body = "", .content_type = "application/json"};
    for (const auto& [name, value] : query) answer.body += name + "=" + value + ";";
    return answer;
  });
  const auto port = pages.Start("127.0.0.1:0");
  ASSERT_TRUE(port) << ToString(port.error());
  const std::string address = "127.0.0.1:" + std::to_string(*port);
  const auto answer = GetPage(address, "/echo", {{"group", "a b&c=Ã¼%+"}}, std::chrono::seconds(5));
  ASSERT_TRUE(answer) << ToString(answer.error());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "group=a b&c=Ã¼%+;");
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(GetPage(address, "/nothing", {}, std::chrono::seconds(5))->status, 404);
  pages.Stop();
  EXPECT_EQ(GetPage(address, "/echo", {}, std::chrono::seconds(5)).error().code,
            ErrorCode::kNetworkException);
}

TEST(HttpPages, IdleScrapersHoldNeitherThreadsNorTheEnd) {
  HttpPages pages([] { return std::string(); });
  const auto port = pages.Start("127.0.0.1:0");
  ASSERT_TRUE(port) << ToString(port.error());
  // More than the listener has threads, all of which would keep their connection.
  std::vector<std::unique_ptr<httplib::Client>> scrapers;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) {
    scrapers.push_back(std::make_unique<httplib::Client>("127.0.0.1", *port));
    scrapers.back()->set_keep_alive(true);
    EXPECT_EQ(scrapers.back()->Get("/livez")->status, 200);
  }
  pages.Stop();
  // The library lets an idle connection live for 5 s.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
}

TEST(HttpPages, AddressesAreHostAndPort) {
  EXPECT_EQ(ParseHostPort("localhost:8080")->port, 8080);
  EXPECT_EQ(ParseHostPort("[::1]:80")->host, "::1");
  EXPECT_FALSE(ParseHostPort("localhost"));
  EXPECT_FALSE(ParseHostPort(":80"));
  EXPECT_FALSE(ParseHostPort("h:70000"));
}

}  // namespace
}  // namespace weir::runtime
