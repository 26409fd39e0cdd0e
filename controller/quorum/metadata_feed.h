// MetadataFeed: committed metadata to brokers that pull it (DESIGN D3). Any controller serves it.
//
// A subscriber names the first offset it wants. It gets batches from the log in memory; when that
// offset is no longer there, a snapshot of the committed image and then what follows.
//
// Laws (C-28): batches come in order, each once, none left out; only committed ones.
//  1. A subscriber has at most one message on its way: a slow one makes no queue, it gets larger
//     messages.
//  2. What brokers have no use for stays here (common/metadata/broker_records.h); the offsets of
//     batches that held nothing else are sent all the same.
// Thread rule: loop thread. Subscriber's functions may be called from it at any time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/quorum/metadata_machine.h"
#include "proto/broker.pb.h"

namespace weir::quorum {

class FeedSubscriber {
 public:
  virtual ~FeedSubscriber() = default;
  // The next message; MetadataFeed::OnSent is called when there is room for another.
  virtual void Send(broker::v1::FetchMetadataReply reply) = 0;
  // Nothing more will come.
  virtual void End(const Error& reason) = 0;
};

class MetadataFeed : public MetadataListener {
 public:
  using SubscriberId = uint64_t;
  // The log in memory, and where to run long work and come back to the loop.
  struct Source {
    std::function<const raft::Raft&()> raft;
    std::function<void(Task)> post_to_worker;
    std::function<void(Task)> post_to_loop;
  };

  MetadataFeed(Source source, const MetadataMachine& machine)
      : source_(std::move(source)), machine_(machine) {}

  SubscriberId Subscribe(LogIndex from, std::unique_ptr<FeedSubscriber> subscriber);
  void OnSent(SubscriberId id);
  void Unsubscribe(SubscriberId id) { subscribers_.erase(id); }
  void EndAll(const Error& reason);
  size_t subscriber_count() const { return subscribers_.size(); }

  void OnCommitted(const std::vector<raft::Entry>& committed) override;
  void OnInstalled() override { SendToAll(); }

 private:
  struct Subscriber {
    std::unique_ptr<FeedSubscriber> stream;
    LogIndex next;
    bool sending = false;
    bool greeted = false;
    // A snapshot on its way: its offset and chunks, from the next one to send on.
    LogIndex snapshot_offset;
    std::vector<std::string> snapshot_chunks;
    size_t next_chunk = 0;
  };

  void SendToAll();
  void SendNext(SubscriberId id, Subscriber& subscriber);
  void SendChunk(Subscriber& subscriber);
  void SendBatches(Subscriber& subscriber);
  void MakeSnapshot(SubscriberId id, Subscriber& subscriber);

  const Source source_;
  const MetadataMachine& machine_;
  SubscriberId next_id_ = 1;
  std::map<SubscriberId, Subscriber> subscribers_;
};

}  // namespace weir::quorum
