#include "controller/service/pages.h"

#include <utility>

#include "common/metadata/dump.h"
#include "common/runtime/metrics.h"

namespace weir::service {
namespace {

std::string DescribeState(quorum::ControllerNode& node) {
  struct State {
    std::string raft;
    metadata::MetadataImage image;
  };
  // The copy is cheap; the text is made here, not on the loop.
  const auto state = node.RunOnLoop<State>([&node] {
    if (!node.running()) return State{node.NotReadyReason() + "\n", {}};
    return State{node.node().raft().Describe(), node.committed()};
  });
  return state.raft + "\n" + metadata::Dump(state.image);
}

void AddGauge(quorum::ControllerNode& node, const char* name, const char* help,
              std::function<double(quorum::ControllerNode&)> read) {
  runtime::Metrics::Global().AddGaugeCallback(name, help, [&node, read = std::move(read)] {
    return node.RunOnLoop<double>([&node, &read] { return node.running() ? read(node) : 0.0; });
  });
}

double Number(uint64_t value) { return static_cast<double>(value); }

}  // namespace

std::unique_ptr<runtime::HttpPages> MakePages(quorum::ControllerNode& node) {
  auto pages = std::make_unique<runtime::HttpPages>(
      [&node] { return node.RunOnLoop<std::string>([&node] { return node.NotReadyReason(); }); });
  pages->AddPage("/state", [&node] { return runtime::HttpAnswer{.body = DescribeState(node)}; });
  return pages;
}

void AddMetrics(quorum::ControllerNode& node) {
  using Node = quorum::ControllerNode;
  AddGauge(node, "weir_controller_active", "1 on the active controller.",
           [](Node& n) { return n.controller().active() ? 1.0 : 0.0; });
  AddGauge(node, "weir_raft_term", "Raft's current term.",
           [](Node& n) { return Number(n.node().raft().term().value()); });
  AddGauge(node, "weir_raft_commit_index", "Last committed log index.",
           [](Node& n) { return Number(n.node().raft().commit_index().value()); });
  AddGauge(node, "weir_raft_last_index", "Last log index.",
           [](Node& n) { return Number(n.node().raft().log().last_index().value()); });
  AddGauge(node, "weir_raft_snapshot_index", "Log index of the newest snapshot.",
           [](Node& n) { return Number(n.node().snapshot_index().value()); });
  AddGauge(node, "weir_raft_log_memory_bytes", "Payload of the log in memory.",
           [](Node& n) { return Number(n.node().raft().log().bytes()); });
  AddGauge(node, "weir_raft_messages_dropped_total", "Messages to peers that were not sent.",
           [](Node& n) { return Number(n.node().transport().dropped()); });
  AddGauge(node, "weir_metadata_topics", "Topics.",
           [](Node& n) { return Number(n.committed().topics().size()); });
  AddGauge(node, "weir_metadata_partitions", "Partitions of all topics.",
           [](Node& n) { return Number(n.committed().partition_count()); });
  AddGauge(node, "weir_metadata_brokers", "Registered brokers.",
           [](Node& n) { return Number(n.committed().brokers().size()); });
  AddGauge(node, "weir_metadata_live_brokers", "Brokers that are not fenced.",
           [](Node& n) { return Number(n.committed().LiveBrokers().size()); });
  AddGauge(node, "weir_metadata_groups", "Groups, empty ones too.",
           [](Node& n) { return Number(n.committed().groups().size()); });
  AddGauge(node, "weir_controller_group_calls", "Calls of gateways that wait, mostly for others.",
           [](Node& n) { return Number(n.groups().call_count()); });
  AddGauge(node, "weir_metadata_skipped_records", "Records that made no sense; 0 in health.",
           [](Node& n) { return Number(n.committed().skipped_records()); });
  AddGauge(node, "weir_controller_broker_sessions", "Open sessions of brokers.",
           [](Node& n) { return Number(n.sessions().session_count()); });
  AddGauge(node, "weir_controller_feed_subscribers", "Brokers that follow the metadata here.",
           [](Node& n) { return Number(n.feed().subscriber_count()); });
  AddGauge(node, "weir_controller_parked_replies", "Answers that wait for a commit.",
           [](Node& n) { return Number(n.controller().parked_count()); });
}

}  // namespace weir::service
