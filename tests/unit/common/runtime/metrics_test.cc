// Values that somebody else gives when the page is rendered.
#include "common/runtime/metrics.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

namespace weir::runtime {
namespace {

TEST(MetricsFamilies, AreRenderedLastAndWithoutHoldingOthersUp) {
  Metrics metrics;
  metrics.AddGauge("a_gauge", "help").Set(1);
  metrics.AddFamilies([&metrics] {
    // Whoever waits here for others does not keep them from their metrics.
    metrics.AddCounter("made_meanwhile_total", "help").Add();
    return std::string("# TYPE b_gauge gauge\nb_gauge{x=\"y\"} 2\n");
  });
  const std::string text = metrics.Render();
  EXPECT_NE(text.find("a_gauge 1"), std::string::npos);
  EXPECT_TRUE(text.ends_with("# TYPE b_gauge gauge\nb_gauge{x=\"y\"} 2\n")) << text;
  metrics.ClearCallbacks();
  EXPECT_EQ(metrics.Render().find("b_gauge"), std::string::npos);
}

// A controller's gauges are read on its loop, which counts calls at the same time: with one lock
// for both, a scrape and a call that met stopped the controller for good.
TEST(MetricsCallbacks, MayWaitForAThreadThatCounts) {
  Metrics metrics;
  std::future<void> counted;
  bool waited = false;
  metrics.AddGaugeCallback("a_gauge", "help", [&] {
    counted = std::async(std::launch::async,
                         [&] { metrics.AddCounter("a_counter_total", "help").Add(); });
    waited = counted.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    return 3.0;
  });
  const std::string text = metrics.Render();
  EXPECT_TRUE(waited);
  EXPECT_NE(text.find("a_gauge 3"), std::string::npos) << text;
  EXPECT_NE(text.find("a_counter_total 1"), std::string::npos) << text;
  metrics.ClearCallbacks();
}

}  // namespace
}  // namespace weir::runtime
