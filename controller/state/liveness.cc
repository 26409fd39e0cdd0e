#include "controller/state/liveness.h"

#include <algorithm>
#include <utility>

namespace weir::state {

void Liveness::BecomeActive(const metadata::MetadataImage& image, MonoTime now) {
  sessions_.clear();
  for (const NodeId id : image.LiveBrokers()) {
    Session& session = sessions_[id];
    session.since = now;
    session.deadline = now + options_.session_timeout;
  }
  expected_ = missing_ = sessions_.size();
}

void Liveness::OpenSession(NodeId broker_id, SessionId session_id, MonoTime now) {
  const auto [found, unknown] = sessions_.try_emplace(broker_id);
  Session& session = found->second;
  const bool returned = !unknown && session.id == 0;
  session = Session{};
  session.id = session_id;
  session.open = true;
  session.since = now;
  session.deadline = now + options_.session_timeout;
  if (returned) CountReturned(now);
}

void Liveness::CountReturned(MonoTime now) {
  --missing_;
  if (expected_ - missing_ != (expected_ + 1) / 2) return;
  for (auto& [id, session] : sessions_) {
    if (session.id == 0) {
      session.deadline = std::min(session.deadline, now + options_.reconnect_grace);
    }
  }
}

void Liveness::OnHeartbeat(NodeId broker_id, SessionId session_id, LogIndex applied_offset,
                           MonoTime now) {
  const auto found = sessions_.find(broker_id);
  if (found == sessions_.end() || found->second.id != session_id || !found->second.open) return;
  Session& session = found->second;
  session.since = now;
  session.deadline = now + options_.session_timeout;
  session.applied_offset = std::max(session.applied_offset, applied_offset);
}

void Liveness::SetRoom(NodeId broker_id, SessionId session_id, bool has_room) {
  const auto found = sessions_.find(broker_id);
  if (found == sessions_.end() || found->second.id != session_id) return;
  if (std::exchange(found->second.has_room, has_room) != has_room) ++room_changes_;
}

void Liveness::SetFullPartitions(NodeId broker_id, SessionId session_id, PartitionKeys partitions) {
  const auto found = sessions_.find(broker_id);
  if (found == sessions_.end() || found->second.id != session_id) return;
  if (found->second.full_partitions == partitions) return;
  found->second.full_partitions = std::move(partitions);
  ++room_changes_;
}

bool Liveness::HasRoom(NodeId broker_id, const Uuid& topic_id, PartitionIndex partition) const {
  const auto found = sessions_.find(broker_id);
  if (found == sessions_.end()) return true;
  const Session& session = found->second;
  return session.has_room && !session.full_partitions.contains({topic_id, partition});
}

bool Liveness::AllHaveRoom() const {
  return std::all_of(sessions_.begin(), sessions_.end(), [](const auto& each) {
    return each.second.has_room && each.second.full_partitions.empty();
  });
}

void Liveness::OnSessionBroken(NodeId broker_id, SessionId session_id, MonoTime now) {
  const auto found = sessions_.find(broker_id);
  if (found == sessions_.end() || found->second.id != session_id || !found->second.open) return;
  Session& session = found->second;
  session.open = false;
  session.since = now;
  // A session that was already near its timeout gets no more time by breaking.
  session.deadline = std::min(session.deadline, now + options_.broken_session_grace);
}

void Liveness::SetShutdownOffset(NodeId broker_id, LogIndex offset) {
  const auto found = sessions_.find(broker_id);
  if (found != sessions_.end()) found->second.shutdown_offset = offset;
}

bool Liveness::IsSessionOpen(NodeId broker_id, MonoTime now) const {
  const auto found = sessions_.find(broker_id);
  if (found == sessions_.end()) return false;
  return found->second.open && now < found->second.deadline;
}

std::vector<NodeId> Liveness::BrokersToFence(const metadata::MetadataImage& image,
                                             MonoTime now) const {
  std::vector<NodeId> due;
  for (const NodeId id : image.LiveBrokers()) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || now >= found->second.deadline) due.push_back(id);
  }
  return due;
}

std::optional<MonoTime> Liveness::NextDeadline(const metadata::MetadataImage& image) const {
  std::optional<MonoTime> next;
  for (const NodeId id : image.LiveBrokers()) {
    const auto found = sessions_.find(id);
    const MonoTime deadline = found == sessions_.end() ? MonoTime() : found->second.deadline;
    if (!next || deadline < *next) next = deadline;
  }
  return next;
}

LogIndex Liveness::AppliedOffset(NodeId broker_id) const {
  const auto found = sessions_.find(broker_id);
  return found == sessions_.end() ? LogIndex(0) : found->second.applied_offset;
}

bool Liveness::AllLiveHaveApplied(const metadata::MetadataImage& image, LogIndex offset,
                                  MonoTime now) const {
  for (const NodeId id : image.LiveBrokers()) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) continue;
    const bool awaited = found->second.id == 0 || IsSessionOpen(id, now);
    if (awaited && found->second.applied_offset < offset) return false;
  }
  return true;
}

bool Liveness::MayStop(const metadata::MetadataImage& image, NodeId broker_id) const {
  const metadata::Broker* broker = image.FindBroker(broker_id);
  if (broker == nullptr || !broker->in_controlled_shutdown) return false;
  const auto found = sessions_.find(broker_id);
  if (found == sessions_.end() || !found->second.shutdown_offset) return false;
  return found->second.applied_offset >= *found->second.shutdown_offset;
}

}  // namespace weir::state
