// MetadataFollower: pulls the metadata log, applies it, has the broker act on it, and then lets
// everyone see it (D3).
//
// One round: apply what came -> Reconciler::Act -> publish the image to the shards -> report the
// offset. What comes meanwhile is applied and gathered for the next round.
//
// Laws:
//  1. The offset reported has been acted upon: partitions serve and handlers see it. So an admin
//     call that waits for every broker's offset may return (D3).
//  2. Nothing is acted on before the image has caught up with this broker's own registration: an
//     older view would bring back leaderships and topics that are gone.
//  3. The feed is reopened from the offset after the last one applied, for ever: when it ends, and
//     when nothing comes although the controllers are further (the one that feeds may be paused, or
//     cut off). Where that does not help, it is waited for twice as long each time.
// Thread rule: the metadata thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/metadata/image_holder.h"
#include "broker/metadata/reconciler.h"
#include "common/base/executor.h"
#include "common/metadata/delta.h"
#include "common/metadata/image.h"
#include "common/metadata/snapshot.h"
#include "common/rpc/controller_client.h"

namespace weir::broker {

// The part of the controllers that the follower needs.
class FeedPort {
 public:
  virtual ~FeedPort() = default;
  virtual std::unique_ptr<rpc::StreamHandle> FetchMetadata(
      const broker::v1::FetchMetadataRequest& request, rpc::MetadataEvents events) = 0;
};

class MetadataFollower {
 public:
  // `on_applied` gets each offset of law 1.
  MetadataFollower(std::shared_ptr<Executor> metadata_thread, NodeId broker_id, FeedPort& feed,
                   Reconciler& reconciler, ImageHolder& images,
                   std::function<void(LogIndex)> on_applied);

  void Start();
  void Stop();
  // The broker's registration is the record at `epoch`.
  void OnRegistered(BrokerEpoch epoch);
  // The controllers have committed so much, as the session hears every heartbeat interval.
  void OnCommitted(LogIndex committed);

  // Applied, though perhaps not acted on yet.
  LogIndex offset() const { return image_.offset(); }
  // The controllers' newest committed offset, as far as known.
  LogIndex committed() const { return committed_; }

 private:
  void Open();
  void OnReply(uint64_t attempt, const broker::v1::FetchMetadataReply& reply);
  void OnEnd(uint64_t attempt, const rpc::RpcError& error);
  void ReopenLater();
  void OnBatches(const broker::v1::Batches& batches);
  void OnSnapshot(const broker::v1::Snapshot& snapshot);
  void ActIfDue();
  void OnActed(ImagePtr image);

  std::shared_ptr<Executor> thread_;
  NodeId broker_id_;
  FeedPort& feed_;
  Reconciler& reconciler_;
  ImageHolder& images_;
  std::function<void(LogIndex)> on_applied_;
  uint64_t attempt_ = 0;
  bool stopped_ = false;
  std::unique_ptr<rpc::StreamHandle> stream_;
  metadata::MetadataImage image_;
  // Changed since the last round began.
  metadata::Delta delta_;
  // A snapshot that is arriving.
  std::optional<metadata::SnapshotLoader> loader_;
  LogIndex committed_{0};
  // Since when the feed has brought nothing although there is something; and for how long it may.
  std::optional<MonoTime> silent_since_;
  Duration silence_max_;
  // Offset of the registration; nothing is done before.
  std::optional<LogIndex> registered_at_;
  LogIndex acted_{0};
  bool acting_ = false;
};

}  // namespace weir::broker
