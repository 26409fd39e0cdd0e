// FatalSwitch: remembers that a store has failed, and tells its owner once.
// Thread rule: any thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace weir::runtime {

class FatalSwitch {
 public:
  explicit FatalSwitch(std::function<void(const std::string&)> on_fatal)
      : on_fatal_(std::move(on_fatal)) {}

  // The store is open: from now on its owner is told. What failed before is for Open to report.
  void Arm() { armed_.store(true); }
  bool poisoned() const { return poisoned_.load(std::memory_order_acquire); }

  void Trip(const std::string& message) {
    {
      const std::lock_guard lock(mutex_);
      if (poisoned_.exchange(true)) return;
      message_ = message;
    }
    if (!armed_.load()) return;
    WEIR_CHECK(on_fatal_ != nullptr, message.c_str());
    on_fatal_(message);
  }
  std::string message() const {
    const std::lock_guard lock(mutex_);
    return message_;
  }

 private:
  std::function<void(const std::string&)> on_fatal_;
  mutable std::mutex mutex_;
  std::string message_;
  std::atomic<bool> poisoned_{false};
  std::atomic<bool> armed_{false};
};

}  // namespace weir::runtime
