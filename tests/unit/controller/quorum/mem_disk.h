// MemDisk: a Disk in memory that can lose its power before any operation, with the powers of a real
// one to lose and to keep: of unsynced bytes any prefix, with the rest garbage or gone; of unsynced
// names any subset. Thread rule: one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/prng.h"
#include "controller/quorum/disk.h"

namespace weir::quorum {

class MemDisk : public Disk {
 public:
  // After `operations` more writes, syncs and name changes everything fails, as if the power were
  // gone.
  void CutPowerAfter(int operations) { operations_left_ = operations; }
  void FailSyncs() { fail_syncs_ = true; }
  bool power_is_cut() const { return operations_left_ == 0; }
  int operations() const { return operations_; }

  // The disk as it is found when the power is back.
  std::unique_ptr<MemDisk> AfterPowerCut(Prng& prng) const {
    auto after = std::make_unique<MemDisk>();
    for (const auto& [name, change] : Names(prng)) {
      auto file = std::make_shared<Content>();
      file->bytes = Survivors(*change, prng);
      file->synced = file->bytes;
      after->names_[name] = file;
    }
    after->synced_names_ = after->names_;
    return after;
  }

  // For tests that damage files.
  std::string& Bytes(const std::string& name) { return names_.at(name)->bytes; }
  bool Exists(const std::string& name) const { return names_.contains(name); }
  std::unique_ptr<MemDisk> Clone() const {
    auto copy = std::make_unique<MemDisk>();
    for (const auto& [name, content] : names_) {
      copy->names_[name] = std::make_shared<Content>(*content);
    }
    copy->synced_names_ = copy->names_;
    return copy;
  }

  Result<std::unique_ptr<DiskFile>> Create(const std::string& name) override {
    WEIR_RETURN_IF_ERROR(Spend());
    names_[name] = std::make_shared<Content>();
    return std::unique_ptr<DiskFile>(std::make_unique<File>(*this, names_[name]));
  }
  Result<std::unique_ptr<DiskFile>> OpenCutTo(const std::string& name, uint64_t size) override {
    WEIR_RETURN_IF_ERROR(Spend());
    names_.at(name)->bytes.resize(size);
    return std::unique_ptr<DiskFile>(std::make_unique<File>(*this, names_.at(name)));
  }
  Result<std::string> Read(const std::string& name, uint64_t offset,
                           size_t bytes_max) const override {
    const auto found = names_.find(name);
    if (found == names_.end()) return Fail(ErrorCode::kResourceNotFound, "no file " + name);
    const std::string& bytes = found->second->bytes;
    return offset >= bytes.size() ? std::string() : bytes.substr(offset, bytes_max);
  }
  Result<uint64_t> Size(const std::string& name) const override {
    const auto found = names_.find(name);
    if (found == names_.end()) return Fail(ErrorCode::kResourceNotFound, "no file " + name);
    return found->second->bytes.size();
  }
  Result<std::vector<std::string>> List() const override {
    std::vector<std::string> names;
    for (const auto& [name, content] : names_) names.push_back(name);
    return names;
  }
  Status Rename(const std::string& from, const std::string& to) override {
    WEIR_RETURN_IF_ERROR(Spend());
    names_[to] = names_.at(from);
    names_.erase(from);
    return {};
  }
  Status Remove(const std::string& name) override {
    WEIR_RETURN_IF_ERROR(Spend());
    names_.erase(name);
    return {};
  }
  Status SyncDirectory() override {
    WEIR_RETURN_IF_ERROR(Spend());
    if (fail_syncs_) return Fail(ErrorCode::kKafkaStorageError, "fsync failed");
    synced_names_ = names_;
    return {};
  }

 private:
  struct Content {
    std::string bytes;
    std::string synced;
  };
  using NameMap = std::map<std::string, std::shared_ptr<Content>>;

  class File : public DiskFile {
   public:
    File(MemDisk& disk, std::shared_ptr<Content> content)
        : disk_(disk), content_(std::move(content)) {}
    Status Append(std::string_view bytes) override {
      WEIR_RETURN_IF_ERROR(disk_.Spend());
      content_->bytes.append(bytes);
      // The write during which the power goes may have happened in part.
      return disk_.power_is_cut() ? Fail(ErrorCode::kKafkaStorageError, "power cut") : Status();
    }
    Status Sync() override {
      WEIR_RETURN_IF_ERROR(disk_.Spend());
      if (disk_.fail_syncs_) return Fail(ErrorCode::kKafkaStorageError, "fsync failed");
      content_->synced = content_->bytes;
      return {};
    }

   private:
    MemDisk& disk_;
    const std::shared_ptr<Content> content_;
  };

  Status Spend() {
    if (operations_left_ == 0) return Fail(ErrorCode::kKafkaStorageError, "power cut");
    if (operations_left_ > 0) --operations_left_;
    ++operations_;
    return {};
  }

  // A rename that was not synced may or may not have happened; likewise creations and removals.
  NameMap Names(Prng& prng) const {
    NameMap names = synced_names_;
    for (const auto& [name, content] : names_) {
      const auto synced = synced_names_.find(name);
      const bool same = synced != synced_names_.end() && synced->second == content;
      if (!same && prng.Chance(1, 2)) names[name] = content;
    }
    for (const auto& [name, content] : synced_names_) {
      if (!names_.contains(name) && prng.Chance(1, 2)) names.erase(name);
    }
    return names;
  }

  static std::string Survivors(const Content& content, Prng& prng) {
    const size_t common = content.synced.size();
    if (content.bytes.size() < common) return prng.Chance(1, 2) ? content.bytes : content.synced;
    std::string out = content.synced;
    const size_t unsynced = content.bytes.size() - common;
    if (unsynced == 0 || prng.Chance(1, 4)) return out;
    const size_t kept = prng.Below(unsynced + 1);
    out += content.bytes.substr(common, kept);
    // Blocks of the file may have been allocated without their data.
    if (prng.Chance(1, 3)) out.append(unsynced - kept, '\0');
    return out;
  }

  NameMap names_;
  NameMap synced_names_;
  int operations_left_ = -1;
  int operations_ = 0;
  bool fail_syncs_ = false;
};

}  // namespace weir::quorum
