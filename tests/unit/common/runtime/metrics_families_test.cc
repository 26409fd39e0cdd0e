// Families that are rendered by somebody else.
#include <gtest/gtest.h>

#include "common/runtime/metrics.h"

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

}  // namespace
}  // namespace weir::runtime
