#include "controller/quorum/metadata_feed.h"

#include <utility>

#include "common/base/limits.h"
#include "common/metadata/broker_records.h"
#include "common/metadata/snapshot.h"

namespace weir::quorum {

MetadataFeed::SubscriberId MetadataFeed::Subscribe(LogIndex from,
                                                   std::unique_ptr<FeedSubscriber> subscriber) {
  const SubscriberId id = next_id_++;
  Subscriber& added = subscribers_[id];
  added.stream = std::move(subscriber);
  added.next = from > LogIndex(0) ? from : LogIndex(1);
  SendNext(id, added);
  return id;
}

void MetadataFeed::OnSent(SubscriberId id) {
  const auto found = subscribers_.find(id);
  if (found == subscribers_.end()) return;
  found->second.sending = false;
  SendNext(id, found->second);
}

void MetadataFeed::EndAll(const Error& reason) {
  for (const auto& [id, subscriber] : subscribers_) subscriber.stream->End(reason);
  subscribers_.clear();
}

void MetadataFeed::OnCommitted(const std::vector<raft::Entry>&) { SendToAll(); }

void MetadataFeed::SendToAll() {
  for (auto& [id, subscriber] : subscribers_) SendNext(id, subscriber);
}

void MetadataFeed::SendNext(SubscriberId id, Subscriber& subscriber) {
  if (subscriber.sending) return;
  if (subscriber.next_chunk < subscriber.snapshot_chunks.size()) return SendChunk(subscriber);
  const LogIndex committed = machine_.committed().offset();
  // The first message tells how far the log is, even if there is nothing new.
  if (subscriber.next > committed && std::exchange(subscriber.greeted, true)) return;
  subscriber.greeted = true;
  const bool in_log = subscriber.next >= source_.raft().log().first_index();
  if (in_log || subscriber.next > committed) return SendBatches(subscriber);
  MakeSnapshot(id, subscriber);
}

void MetadataFeed::SendBatches(Subscriber& subscriber) {
  broker::v1::FetchMetadataReply reply;
  const LogIndex committed = machine_.committed().offset();
  reply.mutable_batches()->set_committed_offset(static_cast<int64_t>(committed.value()));
  if (subscriber.next <= committed) {
    for (const raft::Entry& entry :
         source_.raft().log().Slice(subscriber.next, committed, limits::kAppendBytesMax)) {
      broker::v1::OffsetBatch* batch = reply.mutable_batches()->add_batches();
      batch->set_offset(static_cast<int64_t>(entry.index.value()));
      if (entry.type == raft::EntryType::kNormal) {
        batch->set_batch(metadata::BatchForBrokers(*entry.payload));
      }
      subscriber.next = entry.index + 1;
    }
  }
  subscriber.sending = true;
  subscriber.stream->Send(std::move(reply));
}

void MetadataFeed::MakeSnapshot(SubscriberId id, Subscriber& subscriber) {
  subscriber.sending = true;
  auto image = std::make_shared<const metadata::MetadataImage>(machine_.committed());
  source_.post_to_worker([this, id, image] {
    auto chunks = metadata::WriteSnapshot(*image);
    for (std::string& chunk : chunks) chunk = metadata::ChunkForBrokers(chunk);
    source_.post_to_loop(
        [this, id, offset = image->offset(), chunks = std::move(chunks)]() mutable {
          const auto found = subscribers_.find(id);
          if (found == subscribers_.end()) return;
          found->second.snapshot_offset = offset;
          found->second.snapshot_chunks = std::move(chunks);
          found->second.next_chunk = 0;
          SendChunk(found->second);
        });
  });
}

void MetadataFeed::SendChunk(Subscriber& subscriber) {
  broker::v1::FetchMetadataReply reply;
  broker::v1::Snapshot* snapshot = reply.mutable_snapshot();
  snapshot->set_offset(static_cast<int64_t>(subscriber.snapshot_offset.value()));
  snapshot->set_chunk(std::move(subscriber.snapshot_chunks[subscriber.next_chunk++]));
  const bool last = subscriber.next_chunk == subscriber.snapshot_chunks.size();
  snapshot->set_last(last);
  if (last) {
    subscriber.snapshot_chunks.clear();
    subscriber.next_chunk = 0;
    subscriber.next = subscriber.snapshot_offset + 1;
  }
  subscriber.sending = true;
  subscriber.stream->Send(std::move(reply));
}

}  // namespace weir::quorum
