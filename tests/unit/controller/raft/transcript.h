// Transcript: runs a script of tests/data/raft against a Cluster and writes down everything that
// happens.
//
// A script is text. `# ...` and blank lines are for the reader. `> command arguments` is a command;
// the lines after it are what it printed. The commands (ID is a server):
//
//   voters N | joiner ID        a new cluster of N voters; a server with an empty disk
//   set ID name=number ...      change constants of a server's Config, then restart it
//   tick ID N | campaign ID     N ticks; ticks until there is something to do
//   elect ID                    campaign and stabilize, without a word
//   ready ID | stabilize        take and obey Readys; everything until nothing moves
//   deliver FROM TO [N]         the next N messages on a link (0: any server; N 0: all)
//   drop FROM TO [N]            the same, thrown away
//   repeat FROM TO              a copy of the next message on a link goes to its end
//   hold ID | fsync ID [N]      writes wait; the oldest N finish
//   release ID                  all writes finish and wait no more
//   propose ID TEXT | read ID REQUEST | transfer ID [TO]
//   add ID WHO | promote ID WHO | remove ID WHO [old] | address ID WHO TEXT
//   snapshot ID | crash ID | restart ID | wipe ID
//   forget-vote ID              a disk without its vote file
//   lose ID INDEX               a disk without its entries from INDEX on
//   status | log ID | state | network                print
#pragma once

#include <cstdlib>
#include <sstream>
#include <string>

#include "tests/unit/controller/raft/cluster.h"

namespace weir::raft {

class Transcript {
 public:
  // The script with what it prints now in place of what it printed when it was written.
  std::string Run(const std::string& script) {
    std::istringstream lines(script);
    std::string line;
    std::string result;
    while (std::getline(lines, line)) {
      const bool is_command = line.starts_with("> ");
      if (line.empty() || line[0] == '#' || is_command) result += line + "\n";
      if (!is_command) continue;
      cluster_.out.str("");
      Execute(line.substr(2));
      result += cluster_.out.str();
    }
    return result;
  }

 private:
  void Execute(const std::string& line) {
    std::istringstream in(line);
    std::string name;
    in >> name;
    const bool done = Move(name, in) || Fault(name, in) || Work(name, in) || Show(name, in);
    if (!done) cluster_.out << "unknown command " << name << "\n";
  }

  static int32_t Number(std::istream& in, int32_t otherwise = 0) {
    int32_t number = 0;
    return in >> number ? number : otherwise;
  }

  bool Move(const std::string& name, std::istream& in) {
    if (name == "voters") {
      cluster_.AddVoters(Number(in));
    } else if (name == "joiner") {
      cluster_.AddJoiner(Number(in));
    } else if (name == "tick") {
      const int32_t id = Number(in);
      for (int32_t ticks = Number(in, 1); ticks > 0; --ticks) cluster_.raft(id).Tick();
      cluster_.Drain(id);
    } else if (name == "campaign") {
      const int32_t id = Number(in);
      cluster_.TickUntilReady(id);
      cluster_.Drain(id);
    } else if (name == "elect") {
      cluster_.Elect(Number(in));
      cluster_.out.str("");
    } else if (name == "ready") {
      cluster_.Drain(Number(in));
    } else if (name == "stabilize") {
      cluster_.Stabilize();
    } else if (name == "deliver" || name == "drop" || name == "repeat") {
      Network(name, in);
    } else {
      return false;
    }
    return true;
  }

  void Network(const std::string& name, std::istream& in) {
    const int32_t from = Number(in);
    const int32_t to = Number(in);
    int32_t count = Number(in, 1);
    const bool all = count == 0;
    if (all) count = static_cast<int32_t>(cluster_.network.size());
    if (all && name == "drop") {
      int32_t dropped = 0;
      for (; const auto at = cluster_.FindMessage(from, to); ++dropped) {
        cluster_.network.erase(cluster_.network.begin() + static_cast<std::ptrdiff_t>(*at));
      }
      cluster_.out << "dropped " << dropped << "\n";
      return;
    }
    for (; count > 0; --count) {
      const auto at = cluster_.FindMessage(from, to);
      if (!at) return;
      const Message message = cluster_.network[*at];
      if (name == "repeat") {
        cluster_.network.push_back(message);
      } else if (name == "drop") {
        cluster_.out << "drop " << ToString(message) << "\n";
        cluster_.network.erase(cluster_.network.begin() + static_cast<std::ptrdiff_t>(*at));
      } else {
        cluster_.Deliver(*at);
        cluster_.DrainAll();
      }
    }
  }

  bool Fault(const std::string& name, std::istream& in) {
    const int32_t id = Number(in);
    if (name == "hold") {
      cluster_.servers.at(id).disk_held = true;
    } else if (name == "fsync") {
      for (int32_t count = Number(in, 1); count > 0; --count) {
        if (!cluster_.servers.at(id).writes.empty()) cluster_.FinishWrite(id);
      }
      cluster_.Drain(id);
    } else if (name == "release") {
      cluster_.FinishWrites(id);
      cluster_.servers.at(id).disk_held = false;
      cluster_.Drain(id);
    } else if (name == "crash") {
      cluster_.Crash(id);
    } else if (name == "wipe") {
      cluster_.Wipe(id);
      cluster_.Start(id);
    } else if (name == "restart") {
      cluster_.Crash(id);
      cluster_.Start(id);
    } else if (name == "forget-vote") {
      cluster_.servers.at(id).disk.hard_state = {};
    } else if (name == "lose") {
      const LogIndex from(static_cast<uint64_t>(Number(in)));
      std::erase_if(cluster_.servers.at(id).disk.entries,
                    [&](const Entry& entry) { return entry.index >= from; });
    } else if (name == "set") {
      Set(cluster_.servers.at(id), in);
      cluster_.Crash(id);
      cluster_.Start(id);
    } else {
      in.clear();
      in.seekg(static_cast<std::streamoff>(name.size()));
      return false;
    }
    return true;
  }

  void Set(Cluster::Server& server, std::istream& in) {
    std::string setting;
    while (in >> setting) {
      const size_t equals = setting.find('=');
      const std::string name = setting.substr(0, equals);
      const size_t value = std::strtoull(setting.c_str() + equals + 1, nullptr, 10);
      Config& config = server.config;
      if (name == "append_bytes_max") config.append_bytes_max = value;
      if (name == "appends_in_flight_max") config.appends_in_flight_max = value;
      if (name == "log_tail_entries_max") config.log_tail_entries_max = value;
      if (name == "uncommitted_bytes_max") config.uncommitted_bytes_max = value;
      if (name == "promotion_lag_entries_max") config.promotion_lag_entries_max = value;
      if (name == "snapshot_retry_ticks") config.snapshot_retry_ticks = static_cast<int>(value);
    }
  }

  bool Work(const std::string& name, std::istream& in) {
    if (name == "snapshot") return Snapshot(Number(in));
    const bool changes =
        name == "add" || name == "promote" || name == "remove" || name == "address";
    if (!changes && name != "propose" && name != "read" && name != "transfer") return false;
    const int32_t id = Number(in);
    Raft& raft = cluster_.raft(id);
    if (name == "propose") {
      std::string text;
      in >> text;
      Answer(id, raft.Propose(TestPayload(text)));
    } else if (name == "read") {
      Answer(id, raft.ReadIndex(static_cast<uint64_t>(Number(in))));
    } else if (name == "transfer") {
      const int32_t to = Number(in);
      Answer(id, raft.TransferLeadership(to == 0 ? std::nullopt : std::optional(NodeId(to))));
    } else {
      const int32_t who = Number(in);
      std::string text;
      in >> text;
      Answer(id, raft.ProposeMembershipChange(Change(name, who, text)));
    }
    return true;
  }

  MembershipChange Change(const std::string& name, int32_t who, const std::string& text) {
    const int wipes = cluster_.servers.contains(who) ? cluster_.servers.at(who).wipes : 0;
    if (name == "add") return AddLearner{TestMember(who, false, wipes)};
    // `old` names the disk it had before it was wiped.
    const VoterKey key = TestKey(who, text == "old" ? wipes - 1 : wipes);
    if (name == "promote") return PromoteLearner{key};
    if (name == "remove") return RemoveMember{key};
    return UpdateAddress{key, text};
  }

  void Answer(int32_t id, const Result<LogIndex>& result) {
    cluster_.out << "  " << id << " answers: "
                 << (result ? "index " + ToString(*result) : ToString(result.error())) << "\n";
  }
  void Answer(int32_t id, const Status& status) {
    cluster_.out << "  " << id << " answers: " << (status ? "ok" : ToString(status.error()))
                 << "\n";
  }

  bool Snapshot(int32_t id) {
    Cluster::Server& server = cluster_.servers.at(id);
    server.disk.snapshot = server.raft->SnapshotMetaAt(server.raft->applied_index());
    server.snapshot_bytes = server.state;
    const LogIndex first = server.raft->SnapshotTaken(server.disk.snapshot);
    std::erase_if(server.disk.entries, [&](const Entry& e) { return e.index < first; });
    cluster_.out << "  " << id << " snapshot " << ToString(server.disk.snapshot) << " '"
                 << server.snapshot_bytes << "', log begins at " << first << "\n";
    return true;
  }

  bool Show(const std::string& name, std::istream& in) {
    if (name == "status") {
      for (auto& [id, server] : cluster_.servers) {
        cluster_.out << (server.raft ? server.raft->Describe() : std::to_string(id) + " down")
                     << "\n";
      }
    } else if (name == "log") {
      const RaftLog& log = cluster_.raft(Number(in)).log();
      for (LogIndex at = log.first_index(); at <= log.last_index(); ++at) {
        cluster_.out << ToString(log.At(at)) << "\n";
      }
    } else if (name == "state") {
      for (auto& [id, server] : cluster_.servers) {
        cluster_.out << id << " '" << server.state << "'\n";
      }
    } else if (name == "network") {
      for (const Message& message : cluster_.network) cluster_.out << ToString(message) << "\n";
    } else {
      return false;
    }
    return true;
  }

  Cluster cluster_;
};

}  // namespace weir::raft
