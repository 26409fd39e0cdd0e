// MetadataMachine: what Raft replicates, as every controller has it: the committed image, its
// snapshots, and who is told when it moves.
//
// A snapshot's bytes: { size u32 | a serialized SnapshotChunk } ..., 0 u32, crc32c of all before
// u32.
//
// Laws:
//  1. The image holds committed entries only; ApplyBytes is its only mutator (DESIGN D2).
//  2. Listeners hear of a committed run after all of it is applied.
// Thread rule: loop thread; Parse on any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/metadata/image.h"
#include "controller/quorum/raft_node.h"

namespace weir::quorum {

// Bytes of a snapshot of that image.
std::string SerializeImage(const metadata::MetadataImage& image);
// Errors: kCorruptMessage.
Result<metadata::MetadataImage> ParseImage(std::string_view data, LogIndex offset);

class MetadataListener {
 public:
  virtual ~MetadataListener() = default;
  // These entries, of every type, are in the image now.
  virtual void OnCommitted(const std::vector<raft::Entry>& committed) = 0;
  virtual void OnInstalled() {}
  virtual void OnRoleChange(const raft::RoleChange&) {}
  virtual void OnReadState(const raft::ReadState&) {}
  virtual void OnTick() {}
  // As of StateMachine.
  virtual bool Waits() const { return false; }
};

class MetadataMachine : public StateMachine {
 public:
  explicit MetadataMachine(std::function<void(std::string)> on_fatal)
      : on_fatal_(std::move(on_fatal)) {}

  const metadata::MetadataImage& committed() const { return committed_; }
  // Called in this order. REQUIRES: before the node starts; listeners outlive it.
  void AddListener(MetadataListener* listener) { listeners_.push_back(listener); }

  void Apply(const std::vector<raft::Entry>& committed) override;
  Result<std::unique_ptr<ParsedSnapshot>> Parse(const raft::SnapshotMeta& meta,
                                                std::string_view data) const override;
  void Install(const raft::SnapshotMeta& meta, std::unique_ptr<ParsedSnapshot> parsed) override;
  std::function<std::string()> Capture() override;
  void OnRoleChange(const raft::RoleChange& change) override;
  void OnReadState(const raft::ReadState& read) override;
  void OnTick() override;
  bool Waits() const override;
  void OnFatal(const std::string& reason) override { on_fatal_(reason); }

 private:
  const std::function<void(std::string)> on_fatal_;
  metadata::MetadataImage committed_;
  std::vector<MetadataListener*> listeners_;
};

}  // namespace weir::quorum
