// Metrics: counters, gauges and histograms by name and labels, and their text for /metrics.
// prometheus-cpp keeps the numbers; nothing else includes it.
//
//   static Counter& refused = Metrics::Global().AddCounter("weir_connections_refused_total", "…",
//   {{"reason", "limit"}}); refused.Add();
//
// Laws:
//  1. Asking again for the same name and labels gives the same object; objects live as long as
//     the process.
//  2. Names end in their unit (_total, _seconds, _bytes), as Prometheus asks.
//  3. A callback may wait for a thread that uses Metrics: it is called without a lock.
// Thread rule: every call from any thread; updates are atomic additions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::runtime {

using MetricLabels = std::map<std::string, std::string>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void Add(double amount = 1) = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value) = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void Observe(double value) = 0;
};

class Metrics {
 public:
  static Metrics& Global();

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter& AddCounter(const std::string& name, const std::string& help,
                      const MetricLabels& labels = {});
  Gauge& AddGauge(const std::string& name, const std::string& help,
                  const MetricLabels& labels = {});
  // A gauge whose value is asked for when the page is rendered. `read` runs on the HTTP thread,
  // on several of them at once when several ask.
  void AddGaugeCallback(const std::string& name, const std::string& help,
                        std::function<double()> read, const MetricLabels& labels = {});
  // Families whose labels come and go: `render` returns them whole, in the format of Render, when
  // the page is rendered. It runs on the HTTP thread.
  void AddFamilies(std::function<std::string()> render);
  // `bounds`: upper bounds of the buckets, ascending. LatencyBounds() suits seconds.
  Histogram& AddHistogram(const std::string& name, const std::string& help,
                          const std::vector<double>& bounds, const MetricLabels& labels = {});
  static const std::vector<double>& LatencyBounds();

  // Drops every callback: call before what they read is destroyed, and with no Render running.
  void ClearCallbacks();
  // Prometheus text format 0.0.4.
  std::string Render();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::runtime
