#include "broker/node/group_pages.h"

#include <google/protobuf/util/json_util.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/utf8.h"
#include "common/runtime/metrics.h"

namespace weir::node {
namespace {

using coordinator::GroupLagReport;

// A scraper waits ten seconds by default; what a leader has not answered by then is left out.
constexpr Duration kPatience = std::chrono::milliseconds(900);
// For the answer to come from the shard.
constexpr Duration kMargin = std::chrono::milliseconds(1100);

// nullopt: the shards do not answer.
std::optional<GroupLagReport> Ask(coordinator::GroupLags& lags, std::optional<std::string> group) {
  auto promise = std::make_shared<std::promise<GroupLagReport>>();
  std::future<GroupLagReport> future = promise->get_future();
  lags.Ask(std::move(group), kPatience,
           [promise](GroupLagReport report) { promise->set_value(std::move(report)); });
  if (future.wait_for(kPatience + kMargin) != std::future_status::ready) return std::nullopt;
  return future.get();
}

void FillPartition(const coordinator::PartitionLag& from, group::v1::PartitionOffset& to) {
  to.set_topic(from.committed.topic);
  to.set_partition(from.committed.partition);
  to.set_committed_offset(from.committed.value.offset);
  to.set_leader_epoch(from.committed.value.leader_epoch);
  to.set_metadata(ToUtf8(from.committed.value.metadata));
  to.set_commit_timestamp_ms(from.committed.value.commit_timestamp_ms);
  to.set_error_code(static_cast<int32_t>(from.error));
  to.set_log_start_offset(from.log_start_offset.value());
  to.set_log_end_offset(from.end_offset.value());
  const bool is_known = from.error == ErrorCode::kNone;
  to.set_lag_records(is_known ? from.lag.records : -1);
  to.set_lag_seconds(is_known && from.lag.ms ? static_cast<double>(*from.lag.ms) / 1000 : -1);
}

void FillReset(const wire::OffsetReset& from, group::v1::OffsetReset& to) {
  to.set_timestamp_ms(from.timestamp_ms);
  for (const wire::OffsetReset::Entry& entry : from.entries) {
    auto* offset = to.add_offsets();
    offset->set_topic(entry.topic);
    offset->set_partition(entry.partition);
    offset->set_before(entry.before ? entry.before->offset : wire::kOffsetForgotten);
    offset->set_before_leader_epoch(entry.before ? entry.before->leader_epoch : -1);
    offset->set_before_metadata(entry.before ? ToUtf8(entry.before->metadata) : "");
    offset->set_after(entry.after);
  }
}

runtime::HttpAnswer RenderGroups(coordinator::GroupLags& lags, const runtime::HttpQuery& query) {
  std::optional<std::string> group;
  if (const auto given = query.find("group"); given != query.end()) group = given->second;
  const auto report = Ask(lags, std::move(group));
  if (!report) return {.status = 503, .body = "the broker is busy, or stops\n"};
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  runtime::HttpAnswer answer{.content_type = "application/json"};
  const auto status =
      google::protobuf::util::MessageToJsonString(ToProto(*report), &answer.body, options);
  WEIR_CHECK(status.ok(), "our own messages print");
  answer.body += '\n';
  return answer;
}

}  // namespace

group::v1::GroupOffsetsReport ToProto(const GroupLagReport& report) {
  group::v1::GroupOffsetsReport message;
  message.set_error_code(static_cast<int32_t>(report.error));
  message.set_coordinator_id(report.coordinator.value());
  for (const coordinator::GroupLag& from : report.groups) {
    auto* group = message.add_groups();
    group->set_group_id(ToUtf8(from.group));
    for (const auto& partition : from.partitions) {
      FillPartition(partition, *group->add_partitions());
    }
    if (from.last_reset) FillReset(*from.last_reset, *group->mutable_last_reset());
  }
  return message;
}

void AddGroupPages(coordinator::GroupLags& lags, runtime::HttpPages& pages) {
  pages.AddQueryPage(
      "/groups", [&lags](const runtime::HttpQuery& query) { return RenderGroups(lags, query); });
  runtime::Metrics::Global().AddFamilies([&lags] {
    const auto report = Ask(lags, std::nullopt);
    return report ? coordinator::LagMetrics(report->groups) : std::string();
  });
}

}  // namespace weir::node
