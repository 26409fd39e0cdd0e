#include "common/runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <utility>

namespace weir::runtime {
namespace {

class CounterHandle : public Counter {
 public:
  explicit CounterHandle(prometheus::Counter& counter) : counter_(counter) {}
  void Add(double amount) override { counter_.Increment(amount); }

 private:
  prometheus::Counter& counter_;
};

class GaugeHandle : public Gauge {
 public:
  explicit GaugeHandle(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void Set(double value) override { gauge_.Set(value); }

 private:
  prometheus::Gauge& gauge_;
};

class HistogramHandle : public Histogram {
 public:
  explicit HistogramHandle(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void Observe(double value) override { histogram_.Observe(value); }

 private:
  prometheus::Histogram& histogram_;
};

struct GaugeCallback {
  prometheus::Gauge* gauge;
  std::function<double()> read;
};

}  // namespace

struct Metrics::State {
  using Key = std::pair<std::string, MetricLabels>;
  std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, prometheus::Family<prometheus::Counter>*> counter_families;
  std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauge_families;
  std::map<std::string, prometheus::Family<prometheus::Histogram>*> histogram_families;
  std::map<Key, std::unique_ptr<Counter>> counters;
  std::map<Key, std::unique_ptr<Gauge>> gauges;
  std::map<Key, std::unique_ptr<Histogram>> histograms;
  std::vector<GaugeCallback> callbacks;
  std::vector<std::function<std::string()>> families;

  prometheus::Gauge& RawGauge(const std::string& name, const std::string& help,
                              const MetricLabels& labels) {
    auto*& family = gauge_families[name];
    if (family == nullptr) {
      family = &prometheus::BuildGauge().Name(name).Help(help).Register(registry);
    }
    return family->Add(labels);
  }
};

Metrics& Metrics::Global() {
  static Metrics metrics;
  return metrics;
}

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::AddCounter(const std::string& name, const std::string& help,
                             const MetricLabels& labels) {
  std::lock_guard lock(state_->mutex);
  auto& counter = state_->counters[{name, labels}];
  if (!counter) {
    auto*& family = state_->counter_families[name];
    if (family == nullptr) {
      family = &prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry);
    }
    counter = std::make_unique<CounterHandle>(family->Add(labels));
  }
  return *counter;
}

Gauge& Metrics::AddGauge(const std::string& name, const std::string& help,
                         const MetricLabels& labels) {
  std::lock_guard lock(state_->mutex);
  auto& gauge = state_->gauges[{name, labels}];
  if (!gauge) gauge = std::make_unique<GaugeHandle>(state_->RawGauge(name, help, labels));
  return *gauge;
}

void Metrics::AddGaugeCallback(const std::string& name, const std::string& help,
                               std::function<double()> read, const MetricLabels& labels) {
  std::lock_guard lock(state_->mutex);
  state_->callbacks.push_back({&state_->RawGauge(name, help, labels), std::move(read)});
}

void Metrics::AddFamilies(std::function<std::string()> render) {
  std::lock_guard lock(state_->mutex);
  state_->families.push_back(std::move(render));
}

Histogram& Metrics::AddHistogram(const std::string& name, const std::string& help,
                                 const std::vector<double>& bounds, const MetricLabels& labels) {
  std::lock_guard lock(state_->mutex);
  auto& histogram = state_->histograms[{name, labels}];
  if (!histogram) {
    auto*& family = state_->histogram_families[name];
    if (family == nullptr) {
      family = &prometheus::BuildHistogram().Name(name).Help(help).Register(state_->registry);
    }
    histogram = std::make_unique<HistogramHandle>(family->Add(labels, bounds));
  }
  return *histogram;
}

const std::vector<double>& Metrics::LatencyBounds() {
  static const std::vector<double> bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                             0.05,   0.1,   0.25,   0.5,   1,    5};
  return bounds;
}

void Metrics::ClearCallbacks() {
  std::lock_guard lock(state_->mutex);
  state_->callbacks.clear();
  state_->families.clear();
}

std::string Metrics::Render() {
  std::vector<GaugeCallback> callbacks;
  std::vector<std::function<std::string()>> families;
  {
    std::lock_guard lock(state_->mutex);
    callbacks = state_->callbacks;
    families = state_->families;
  }
  for (const GaugeCallback& callback : callbacks) callback.gauge->Set(callback.read());
  std::string text = prometheus::TextSerializer().Serialize(state_->registry.Collect());
  for (const auto& render : families) text += render();
  return text;
}

}  // namespace weir::runtime
