#include "tests/bench/groups/admin_probe.h"

#include <algorithm>
#include <utility>

#include "broker/wire/messages/topics.h"

namespace weir::bench {
namespace {

constexpr int16_t kCreateTopicsVersion = 7;
constexpr int64_t kIntervalUs = 50'000;

}  // namespace

AdminProbe::AdminProbe(const Options& options, const Endpoint& avoid)
    : options_(options), world_(options) {
  const std::vector<Endpoint> all = Endpoints(options.bootstrap);
  const auto other = std::find_if(all.begin(), all.end(),
                                  [&avoid](const Endpoint& each) { return each != avoid; });
  link_ = world_.Connect(other == all.end() ? all.front() : *other);
  world_.Run([this] {
    due_us_ = NowUs();
    CreateNext();
  });
}

AdminProbe::~AdminProbe() {
  world_.Run([this] { link_ = nullptr; });
}

Histogram AdminProbe::Take() {
  Histogram taken;
  world_.Run([&] { taken = std::exchange(answers_, {}); });
  return taken;
}

void AdminProbe::CreateNext() {
  if (link_ == nullptr) return;
  wire::CreateTopicsRequest request;
  request.timeout_ms = static_cast<int32_t>(options_.timeout_ms);
  auto& topic = request.topics.emplace_back();
  topic.name = options_.topic + "-probe-" + std::to_string(next_++);
  topic.num_partitions = 1;
  topic.replication_factor = static_cast<int16_t>(options_.replication_factor);
  link_->Send<wire::CreateTopicsResponse>(
      kCreateTopicsVersion, request,
      [this, due_us = due_us_](const wire::CreateTopicsResponse& response) {
        const ErrorCode error = response.topics.at(0).error_code;
        if (error != ErrorCode::kNone) Fatal("CreateTopics: " + std::string(ErrorName(error)));
        answers_.Record(NowUs() - due_us);
      });
  due_us_ += kIntervalUs;
  const Duration wait(std::max<int64_t>(0, due_us_ - NowUs()));
  world_.shard().PostAt(world_.shard().Now() + wait, [this] { CreateNext(); });
}

}  // namespace weir::bench
