// Cluster: a few Raft cores in one test, moved by hand. Nothing happens by itself: the test ticks,
// takes Readys, finishes disk writes and delivers messages one by one, or lets `Stabilize` do all
// of it until nothing is left.
//
// Laws:
//  1. Messages are kept in the order sent; a test may deliver, drop or hold any of them.
//  2. A write is durable when the test finishes it; `Crash` loses unfinished ones.
//  3. Everything a server does is written to `out`, one line each; transcripts compare those lines.
// Thread rule: one thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "controller/raft/raft.h"

namespace weir::raft {

inline Uuid TestUuid(uint8_t a, uint8_t b) {
  Uuid id;
  id.bytes[0] = a;
  id.bytes[15] = b;
  return id;
}
inline Uuid TestClusterId() { return TestUuid(0xc1, 1); }
// The directory of server `id` after `wipes` replacements of its disk.
inline VoterKey TestKey(int32_t id, int wipes = 0) {
  return {NodeId(id), TestUuid(static_cast<uint8_t>(id), static_cast<uint8_t>(wipes + 1))};
}
inline Member TestMember(int32_t id, bool is_voter = true, int wipes = 0) {
  return {NodeId(id), TestKey(id, wipes).directory_id, "c" + std::to_string(id) + ":9090",
          is_voter};
}
inline Configuration TestVoters(std::vector<int32_t> ids) {
  Configuration configuration;
  for (const int32_t id : ids) configuration.members.push_back(TestMember(id));
  return configuration;
}
inline Config TestConfig(int32_t id, int wipes = 0) {
  Config config;
  config.cluster_id = TestClusterId();
  config.self = TestKey(id, wipes);
  config.election_ticks_min = 10;
  config.election_ticks_max = 20;
  config.heartbeat_ticks = 3;
  config.snapshot_chunk_bytes = 8;
  config.log_tail_entries_max = 0;
  config.promotion_lag_entries_max = 2;
  return config;
}
inline std::shared_ptr<const std::string> TestPayload(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

class Cluster {
 public:
  struct Server {
    Config config;
    std::optional<Raft> raft;
    // Durable.
    RestoredState disk;
    std::string snapshot_bytes;
    // Taken but not yet durable, oldest first.
    std::deque<Ready> writes;
    bool disk_held = false;
    int wipes = 0;
    // The state machine: what was applied, payload by payload.
    std::string state;
    std::string incoming;
  };

  std::ostringstream out;
  std::deque<Message> network;
  std::map<int32_t, Server> servers;

  Raft& raft(int32_t id) { return *servers.at(id).raft; }

  void AddVoters(int32_t count, const Config* base = nullptr) {
    std::vector<int32_t> ids;
    for (int32_t id = 1; id <= count; ++id) ids.push_back(id);
    for (const int32_t id : ids) {
      Server& server = Add(id, base);
      server.disk.snapshot.configuration = TestVoters(ids);
      Start(id);
    }
  }
  void AddJoiner(int32_t id, const Config* base = nullptr) {
    Add(id, base);
    Start(id);
  }
  Server& Add(int32_t id, const Config* base) {
    Server& server = servers[id];
    server.config = base != nullptr ? *base : TestConfig(id);
    server.config.self = TestKey(id);
    return server;
  }
  void Start(int32_t id) {
    Server& server = servers.at(id);
    const Status valid = Raft::Validate(server.config, server.disk);
    if (!valid) {
      out << id << " refuses to start: " << ToString(valid.error()) << "\n";
      return;
    }
    server.raft.emplace(server.config, server.disk, static_cast<uint64_t>(id));
    server.state = server.snapshot_bytes;
    server.raft->TakeReady();  // tells what was just restored
  }
  void Crash(int32_t id) {
    Server& server = servers.at(id);
    server.raft.reset();
    server.writes.clear();
    server.disk_held = false;
  }
  void Wipe(int32_t id) {
    Server& server = servers.at(id);
    Crash(id);
    server.disk = {};
    server.snapshot_bytes.clear();
    server.config.self = TestKey(id, ++server.wipes);
  }

  // Takes Readys of a server while it has any, and finishes its writes unless the disk is held.
  void Drain(int32_t id) {
    Server& server = servers.at(id);
    while (server.raft && server.raft->HasReady()) {
      Obey(id, server.raft->TakeReady());
      if (!server.disk_held) FinishWrites(id);
    }
  }
  void FinishWrites(int32_t id) {
    while (!servers.at(id).writes.empty()) FinishWrite(id);
  }
  void FinishWrite(int32_t id);

  // Hands over message number `at` in the network.
  void Deliver(size_t at) {
    Message message = std::move(network[at]);
    network.erase(network.begin() + static_cast<std::ptrdiff_t>(at));
    const int32_t to = HeaderOf(message).to.id.value();
    const auto server = servers.find(to);
    const bool there = server != servers.end() && server->second.raft;
    out << (there ? "deliver " : "lost ") << ToString(message) << "\n";
    if (!there) return;
    if (const Status status = server->second.raft->Step(std::move(message)); !status) {
      out << "  " << to << " rejects: " << ErrorName(status.error().code) << "\n";
    }
  }
  std::optional<size_t> FindMessage(int32_t from, int32_t to) const {
    for (size_t at = 0; at < network.size(); ++at) {
      const MessageHeader& header = HeaderOf(network[at]);
      if (from != 0 && header.from.id != NodeId(from)) continue;
      if (to != 0 && header.to.id != NodeId(to)) continue;
      return at;
    }
    return std::nullopt;
  }
  void DrainAll() {
    for (auto& [id, server] : servers) Drain(id);
  }
  // Until nobody has anything to do and the network is empty.
  void Stabilize() {
    DrainAll();
    constexpr int kStepsMax = 10'000;
    for (int step = 0; step < kStepsMax && !network.empty(); ++step) {
      Deliver(0);
      DrainAll();
    }
    WEIR_CHECK(network.empty(), "the cluster does not come to rest");
  }
  // Ticks a server until it has something to do.
  void TickUntilReady(int32_t id) {
    Drain(id);
    for (int ticks = 0; ticks < 100 && !raft(id).HasReady(); ++ticks) raft(id).Tick();
  }
  void Elect(int32_t id) {
    TickUntilReady(id);
    Stabilize();
  }

 private:
  void Obey(int32_t id, Ready ready);
  void Print(int32_t id, const Ready& ready);
  void StoreChunk(int32_t id, const SnapshotChunk& chunk);
  void ServeChunk(int32_t id, const SnapshotRead& read);
};

inline void Cluster::Print(int32_t id, const Ready& ready) {
  const auto line = [&]() -> std::ostream& { return out << "  " << id << " "; };
  if (ready.fatal) line() << "halts: " << *ready.fatal << "\n";
  if (ready.role_change) {
    line() << RoleName(ready.role_change->role) << " term=" << ready.role_change->term << " leader="
           << (ready.role_change->leader ? ToString(ready.role_change->leader->id) : "none")
           << "\n";
  }
  if (ready.configuration) line() << "configuration " << ToString(*ready.configuration) << "\n";
  for (const Message& message : ready.send_now) line() << "send " << ToString(message) << "\n";
  if (ready.reset_log_to) line() << "reset log to " << ToString(*ready.reset_log_to) << "\n";
  if (ready.hard_state) line() << "write " << ToString(*ready.hard_state) << "\n";
  for (const Entry& entry : ready.entries) line() << "write " << ToString(entry) << "\n";
  for (const Message& message : ready.send_after_persist) {
    line() << "after fsync " << ToString(message) << "\n";
  }
  if (ready.install_snapshot) line() << "install " << ToString(*ready.install_snapshot) << "\n";
  for (const Entry& entry : ready.committed) line() << "apply " << ToString(entry) << "\n";
  for (const ReadState& read : ready.read_states) {
    line() << "read " << read.request_id << " may see " << read.index << "\n";
  }
}

inline void Cluster::Obey(int32_t id, Ready ready) {
  Print(id, ready);
  Server& server = servers.at(id);
  for (Message& message : ready.send_now) network.push_back(std::move(message));
  ready.send_now.clear();
  if (ready.install_snapshot) server.state = server.snapshot_bytes;
  for (const Entry& entry : ready.committed) {
    if (entry.type == EntryType::kNormal) server.state += *entry.payload;
  }
  for (const SnapshotChunk& chunk : ready.snapshot_chunks) StoreChunk(id, chunk);
  for (const SnapshotRead& read : ready.snapshot_reads) ServeChunk(id, read);
  server.writes.push_back(std::move(ready));
}

inline void Cluster::FinishWrite(int32_t id) {
  Server& server = servers.at(id);
  const Ready write = std::move(server.writes.front());
  server.writes.pop_front();
  if (write.NeedsPersist() && server.disk_held) out << "  " << id << " fsync\n";
  std::vector<Entry>& log = server.disk.entries;
  if (write.reset_log_to) log.clear();
  if (write.hard_state) server.disk.hard_state = *write.hard_state;
  for (const Entry& entry : write.entries) {
    while (!log.empty() && log.back().index >= entry.index) log.pop_back();
    log.push_back(entry);
  }
  server.raft->Persisted(write.ack);
  for (const Message& message : write.send_after_persist) network.push_back(message);
}

inline void Cluster::StoreChunk(int32_t id, const SnapshotChunk& chunk) {
  Server& server = servers.at(id);
  if (chunk.offset == 0) server.incoming.clear();
  server.incoming += *chunk.data;
  out << "  " << id << " stores '" << *chunk.data << "' at " << chunk.offset
      << (chunk.is_last ? ", the last" : "") << "\n";
  if (!chunk.is_last) {
    server.raft->SnapshotChunkStored(chunk.meta, server.incoming.size());
    return;
  }
  server.snapshot_bytes = server.incoming;
  server.disk.snapshot = chunk.meta;
  server.raft->SnapshotReceived(chunk.meta);
}

inline void Cluster::ServeChunk(int32_t id, const SnapshotRead& read) {
  Server& server = servers.at(id);
  if (server.disk.snapshot != read.request.meta) {
    out << "  " << id << " has no such snapshot any more\n";
    server.raft->SnapshotReadFailed(read);
    return;
  }
  SnapshotRequest request = read.request;
  request.data = TestPayload(server.snapshot_bytes.substr(request.offset, read.bytes_max));
  request.is_last = request.offset + request.data->size() == server.snapshot_bytes.size();
  out << "  " << id << " send " << ToString(Message(request)) << "\n";
  network.push_back(std::move(request));
}

}  // namespace weir::raft
