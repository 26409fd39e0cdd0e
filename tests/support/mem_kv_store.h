// MemKvStore: a KvStore in memory that knows what a power cut would leave.
//
// Laws:
//  1. PowerCut leaves everything synced and any prefix of the writes after it, as the port promises
//     (law 1 of kv_store.h); Kill leaves every write.
//  2. An entry that DamageAll has met cannot be read until it is written again.
//  3. After FailFrom(n) the n-th and later writes and syncs fail, as a poisoned store does.
// Thread rule: any thread; one mutex.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/kv_store.h"
#include "common/base/prng.h"

namespace weir::test {

class MemKvStore : public KvStore {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;
  using Families = std::array<Map, kKvFamilyCount>;
  using Keys = std::set<std::string, std::less<>>;

  std::unique_ptr<KvBatch> NewBatch() override { return std::make_unique<Batch>(); }

  Status Write(KvBatch& batch) override {
    const std::lock_guard lock(mutex_);
    if (operations_++ >= fail_from_) return Poisoned();
    const Ops& ops = static_cast<Batch&>(batch).ops;
    Apply(ops, current_);
    unsynced_.push_back(ops);
    ++writes_;
    return {};
  }

  Status Sync() override {
    const std::lock_guard lock(mutex_);
    if (operations_++ >= fail_from_) return Poisoned();
    for (const Ops& ops : unsynced_) Apply(ops, synced_);
    unsynced_.clear();
    ++syncs_;
    return {};
  }

  Result<std::optional<std::string>> Get(KvFamily family, std::string_view key) override {
    const std::lock_guard lock(mutex_);
    const Map& map = current_[static_cast<size_t>(family)];
    const auto found = map.find(key);
    if (found == map.end()) return std::nullopt;
    return found->second;
  }

  std::unique_ptr<KvIterator> Scan(KvFamily family, std::string_view lower,
                                   std::string_view upper) override {
    const std::lock_guard lock(mutex_);
    const Map& map = current_[static_cast<size_t>(family)];
    const auto end = upper.empty() ? map.end() : map.lower_bound(upper);
    return std::make_unique<Iterator>(Map(map.lower_bound(lower), end),
                                      damaged_[static_cast<size_t>(family)]);
  }

  uint64_t unflushed_bytes() const override { return 0; }
  Status Flush() override { return {}; }
  Status Reclaim(KvFamily family, uint64_t /*copy_bytes_max*/) override {
    const KvDropRule dead = drop_rules_ ? drop_rules_() : [](std::string_view) { return false; };
    const std::lock_guard lock(mutex_);
    for (Families* families : {&current_, &synced_}) {
      std::erase_if((*families)[static_cast<size_t>(family)],
                    [&](const auto& entry) { return dead(entry.first); });
    }
    return {};
  }
  void set_drop_rules(KvDropRuleFactory rules) { drop_rules_ = std::move(rules); }

  // The machine loses power: what was not synced survives up to some write.
  void PowerCut(Prng& prng) {
    const std::lock_guard lock(mutex_);
    const size_t kept = prng.Below(unsynced_.size() + 1);
    for (size_t i = 0; i < kept; ++i) Apply(unsynced_[i], synced_);
    unsynced_.clear();
    current_ = synced_;
    fail_from_ = kNever;
  }
  // The process dies; the operating system still writes everything.
  void Kill() {
    const std::lock_guard lock(mutex_);
    synced_ = current_;
    unsynced_.clear();
    fail_from_ = kNever;
  }
  // Another disk, with nothing on it, takes the place of this one.
  void Wipe() {
    const std::lock_guard lock(mutex_);
    current_ = synced_ = Families();
    unsynced_.clear();
    fail_from_ = kNever;
  }
  // The store stops taking writes after `count` more writes and syncs: a crash at that point.
  void FailFrom(uint64_t count) {
    const std::lock_guard lock(mutex_);
    fail_from_ = operations_ + count;
  }

  // Every entry there is now fails its checksum.
  void DamageAll(KvFamily family) {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, value] : current_[static_cast<size_t>(family)]) {
      damaged_[static_cast<size_t>(family)].insert(key);
    }
  }

  size_t Count(KvFamily family) const {
    const std::lock_guard lock(mutex_);
    return current_[static_cast<size_t>(family)].size();
  }
  uint64_t writes() const {
    const std::lock_guard lock(mutex_);
    return writes_;
  }
  uint64_t syncs() const {
    const std::lock_guard lock(mutex_);
    return syncs_;
  }

 private:
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  struct Op {
    enum class Kind { kPut, kDelete, kDeleteRange } kind;
    KvFamily family;
    std::string key;
    std::string value;  // or the range's end
  };
  using Ops = std::vector<Op>;

  struct Batch : KvBatch {
    using KvBatch::Put;
    static std::string Join(KvParts parts) {
      std::string joined;
      for (const std::string_view part : parts) joined.append(part);
      return joined;
    }
    void Add(Op op) {
      size += op.key.size() + op.value.size() + 16;
      ops.push_back(std::move(op));
    }
    void Put(KvFamily family, KvParts key, KvParts value) override {
      Add({Op::Kind::kPut, family, Join(key), Join(value)});
    }
    void Delete(KvFamily family, std::string_view key) override {
      Add({Op::Kind::kDelete, family, std::string(key), ""});
    }
    void DeleteRange(KvFamily family, std::string_view begin, std::string_view end) override {
      Add({Op::Kind::kDeleteRange, family, std::string(begin), std::string(end)});
    }
    void Clear() override {
      ops.clear();
      size = 0;
    }
    size_t bytes() const override { return size; }
    size_t count() const override { return ops.size(); }

    Ops ops;
    size_t size = 0;
  };

  class Iterator : public KvIterator {
   public:
    Iterator(Map map, Keys damaged)
        : map_(std::move(map)), damaged_(std::move(damaged)), at_(map_.end()) {}
    bool Valid() const override { return at_ != map_.end() && !damaged_.contains(at_->first); }
    void Seek(std::string_view key) override { at_ = map_.lower_bound(key); }
    void SeekForPrev(std::string_view key) override {
      at_ = map_.upper_bound(key);
      at_ = at_ == map_.begin() ? map_.end() : std::prev(at_);
    }
    void Next() override { ++at_; }
    std::string_view key() const override { return at_->first; }
    std::string_view value() const override { return at_->second; }
    Status status() const override {
      if (at_ == map_.end() || !damaged_.contains(at_->first)) return {};
      return Fail(ErrorCode::kCorruptMessage, "damaged by the test");
    }

   private:
    Map map_;
    Keys damaged_;
    Map::const_iterator at_;
  };

  static Status Poisoned() { return Fail(ErrorCode::kKafkaStorageError, "poisoned by the test"); }

  static void Apply(const Ops& ops, Families& families) {
    for (const Op& op : ops) {
      Map& map = families[static_cast<size_t>(op.family)];
      switch (op.kind) {
        case Op::Kind::kPut:
          map[op.key] = op.value;
          break;
        case Op::Kind::kDelete:
          map.erase(op.key);
          break;
        case Op::Kind::kDeleteRange:
          map.erase(map.lower_bound(op.key), map.lower_bound(op.value));
          break;
      }
    }
  }

  KvDropRuleFactory drop_rules_;
  std::array<Keys, kKvFamilyCount> damaged_;
  mutable std::mutex mutex_;
  Families current_;
  Families synced_;
  std::vector<Ops> unsynced_;
  uint64_t operations_ = 0;
  uint64_t fail_from_ = kNever;
  uint64_t writes_ = 0;
  uint64_t syncs_ = 0;
};

}  // namespace weir::test
