#include "broker/metadata/metadata_follower.h"

#include <algorithm>
#include <utility>

#include "common/metadata/apply.h"
#include "common/runtime/log.h"

namespace weir::broker {
namespace {

constexpr Duration kReopenPause = std::chrono::milliseconds(50);
// A controller has what another one has committed within a few round trips. It may take long only
// to make a snapshot of very much metadata.
constexpr Duration kSilenceMaxFirst = std::chrono::seconds(1);
constexpr Duration kSilenceMaxLast = std::chrono::seconds(16);

LogIndex ToLogIndex(int64_t offset) {
  return LogIndex(static_cast<uint64_t>(std::max<int64_t>(0, offset)));
}

}  // namespace

MetadataFollower::MetadataFollower(std::shared_ptr<Executor> metadata_thread, NodeId broker_id,
                                   FeedPort& feed, Reconciler& reconciler, ImageHolder& images,
                                   std::function<void(LogIndex)> on_applied)
    : thread_(std::move(metadata_thread)),
      broker_id_(broker_id),
      feed_(feed),
      reconciler_(reconciler),
      images_(images),
      on_applied_(std::move(on_applied)),
      silence_max_(kSilenceMaxFirst) {}

void MetadataFollower::Start() { Open(); }

void MetadataFollower::Stop() {
  stopped_ = true;
  stream_ = nullptr;
}

void MetadataFollower::Open() {
  if (stopped_) return;
  const uint64_t attempt = ++attempt_;
  loader_.reset();
  broker::v1::FetchMetadataRequest request;
  request.set_broker_id(broker_id_.value());
  const uint64_t applied = image_.offset().value();
  request.set_from_offset(applied == 0 ? 0 : static_cast<int64_t>(applied) + 1);
  if (!image_.cluster_id().IsZero()) request.set_cluster_id(image_.cluster_id().ToBytes());
  rpc::MetadataEvents events;
  events.on_reply = [this, attempt, thread = thread_](broker::v1::FetchMetadataReply reply) {
    thread->Post([this, attempt, reply = std::move(reply)] { OnReply(attempt, reply); });
  };
  events.on_end = [this, attempt, thread = thread_](rpc::RpcError error) {
    thread->Post([this, attempt, error = std::move(error)] { OnEnd(attempt, error); });
  };
  stream_ = feed_.FetchMetadata(request, std::move(events));
}

void MetadataFollower::OnEnd(uint64_t attempt, const rpc::RpcError& error) {
  if (attempt != attempt_ || stopped_) return;
  LogDebug("broker", "metadata feed ended", {{"reason", weir::ToString(error.error)}});
  stream_ = nullptr;
  ReopenLater();
}

void MetadataFollower::ReopenLater() {
  silent_since_.reset();
  thread_->PostAt(thread_->Now() + kReopenPause, [this, attempt = attempt_] {
    if (attempt == attempt_) Open();
  });
}

void MetadataFollower::OnCommitted(LogIndex committed) {
  if (stream_ == nullptr || stopped_) return;
  if (committed <= image_.offset()) return silent_since_.reset();
  const MonoTime now = thread_->Now();
  if (!silent_since_) silent_since_ = now;
  if (now - *silent_since_ < silence_max_) return;
  LogWarn("broker", "metadata feed is silent",
          {{"offset", image_.offset().value()}, {"committed", committed.value()}});
  silence_max_ = std::min(silence_max_ * 2, kSilenceMaxLast);
  // Within the pause the client learns that this controller does not answer, and tries another.
  ++attempt_;
  stream_->Cancel();
  stream_ = nullptr;
  ReopenLater();
}

void MetadataFollower::OnReply(uint64_t attempt, const broker::v1::FetchMetadataReply& reply) {
  if (attempt != attempt_ || stopped_) return;
  silent_since_.reset();
  silence_max_ = kSilenceMaxFirst;
  switch (reply.kind_case()) {
    case broker::v1::FetchMetadataReply::kBatches:
      OnBatches(reply.batches());
      break;
    case broker::v1::FetchMetadataReply::kSnapshot:
      OnSnapshot(reply.snapshot());
      break;
    case broker::v1::FetchMetadataReply::KIND_NOT_SET:
      break;
  }
  ActIfDue();
}

void MetadataFollower::OnBatches(const broker::v1::Batches& batches) {
  for (const broker::v1::OffsetBatch& each : batches.batches()) {
    const LogIndex offset = ToLogIndex(each.offset());
    if (offset <= image_.offset()) continue;
    if (!metadata::ApplyBytes(image_, each.batch(), offset, &delta_)) {
      LogError("broker", "metadata batch cannot be read", {{"offset", each.offset()}});
    }
  }
  committed_ = std::max(committed_, ToLogIndex(batches.committed_offset()));
}

void MetadataFollower::OnSnapshot(const broker::v1::Snapshot& snapshot) {
  if (!loader_) loader_.emplace();
  if (const Status added = loader_->Add(snapshot.chunk()); !added) {
    LogError("broker", "metadata snapshot cannot be read",
             {{"offset", snapshot.offset()}, {"reason", added.error().message}});
    return Open();
  }
  if (!snapshot.last()) return;
  metadata::MetadataImage loaded = loader_->Finish(ToLogIndex(snapshot.offset()));
  loader_.reset();
  if (loaded.offset() <= image_.offset()) return;
  delta_.Merge(metadata::Diff(image_, loaded));
  image_ = std::move(loaded);
  committed_ = std::max(committed_, image_.offset());
  LogInfo("broker", "metadata snapshot loaded", {{"offset", snapshot.offset()}});
}

void MetadataFollower::OnRegistered(BrokerEpoch epoch) {
  registered_at_ = ToLogIndex(epoch.value());
  ActIfDue();
}

void MetadataFollower::ActIfDue() {
  if (acting_ || stopped_ || !registered_at_ || image_.offset() < *registered_at_) return;
  if (image_.offset() == acted_) return;
  // The first action wants the newest there is: what is acted on twice costs twice.
  if (acted_ == LogIndex(0) && image_.offset() < committed_) return;
  acting_ = true;
  auto image = std::make_shared<const metadata::MetadataImage>(image_);
  const metadata::Delta delta = std::exchange(delta_, {});
  reconciler_.Act(*image, delta, [this, thread = thread_, image] {
    thread->Post([this, image] { OnActed(image); });
  });
}

void MetadataFollower::OnActed(ImagePtr image) {
  images_.Publish(image, [this, image] {
    acting_ = false;
    acted_ = image->offset();
    on_applied_(acted_);
    ActIfDue();
  });
}

}  // namespace weir::broker
