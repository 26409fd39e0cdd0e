#include "controller/ctl/kafka_admin.h"

#include <cstdlib>
#include <cstring>
#include <map>

namespace weir::ctl {
namespace {

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using List = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

List ToList(const std::vector<NewOffset>& offsets, bool with_offsets) {
  List list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const NewOffset& each : offsets) {
    auto* entry = rd_kafka_topic_partition_list_add(list.get(), each.topic.c_str(), each.partition);
    if (!with_offsets) continue;
    entry->offset = each.offset;
    if (each.metadata.empty()) continue;
    // The list frees it.
    entry->metadata = std::malloc(each.metadata.size());
    std::memcpy(entry->metadata, each.metadata.data(), each.metadata.size());
    entry->metadata_size = each.metadata.size();
  }
  return list;
}

// What a group's result says about each partition.
Result<std::vector<ErrorCode>> Outcomes(const rd_kafka_group_result_t** results, size_t count,
                                        const std::vector<NewOffset>& offsets,
                                        const std::string& what) {
  if (count != 1) return Fail(ErrorCode::kUnknownServerError, what + ": no answer");
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(results[0]); error != nullptr)
    return tl::unexpected<Error>(FromKafkaError(rd_kafka_error_code(error), what));
  std::map<std::pair<std::string, int32_t>, ErrorCode> codes;
  const auto* partitions = rd_kafka_group_result_partitions(results[0]);
  for (int i = 0; partitions != nullptr && i < partitions->cnt; ++i) {
    const auto& each = partitions->elems[i];
    codes[{each.topic, each.partition}] = each.err == RD_KAFKA_RESP_ERR_NO_ERROR
                                              ? ErrorCode::kNone
                                              : FromKafkaError(each.err, what).code;
  }
  std::vector<ErrorCode> outcomes;
  for (const NewOffset& each : offsets) {
    const auto found = codes.find({each.topic, each.partition});
    outcomes.push_back(found == codes.end() ? ErrorCode::kUnknownServerError : found->second);
  }
  return outcomes;
}

}  // namespace

Result<std::unique_ptr<KafkaAdmin>> KafkaAdmin::Create(const KafkaOptions& options) {
  auto admin = std::unique_ptr<KafkaAdmin>(new KafkaAdmin());
  WEIR_ASSIGN_OR_RETURN(admin->handle_, NewKafkaHandle(RD_KAFKA_PRODUCER, options));
  admin->queue_.reset(rd_kafka_queue_new(admin->handle_.get()));
  admin->timeout_ms_ = static_cast<int>(options.timeout_ms);
  return admin;
}

KafkaAdmin::Options KafkaAdmin::MakeOptions(rd_kafka_admin_op_t operation) const {
  Options options(rd_kafka_AdminOptions_new(handle_.get(), operation));
  char error[512];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms_, error, sizeof error);
  return options;
}

Result<KafkaAdmin::Event> KafkaAdmin::Await(const std::string& what) {
  // The request has a timeout of its own, and answers by then.
  Event event(rd_kafka_queue_poll(queue_.get(), timeout_ms_ + 1'000));
  if (event == nullptr) return Fail(ErrorCode::kRequestTimedOut, what + ": no answer");
  const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
  return tl::unexpected<Error>(FromKafkaError(error, what));
}

Result<std::vector<ErrorCode>> KafkaAdmin::CommitOffsets(const std::string& group,
                                                         const std::vector<NewOffset>& offsets) {
  const std::string what = "offsets of group " + group;
  const List list = ToList(offsets, true);
  auto* alter = rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get());
  const Options options = MakeOptions(RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
  rd_kafka_AlterConsumerGroupOffsets(handle_.get(), &alter, 1, options.get(), queue_.get());
  rd_kafka_AlterConsumerGroupOffsets_destroy(alter);
  WEIR_ASSIGN_OR_RETURN(const Event event, Await(what));
  size_t count = 0;
  const auto* result = rd_kafka_event_AlterConsumerGroupOffsets_result(event.get());
  const auto** groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &count);
  return Outcomes(groups, count, offsets, what);
}

Result<std::vector<ErrorCode>> KafkaAdmin::ForgetOffsets(const std::string& group,
                                                         const std::vector<NewOffset>& offsets) {
  const std::string what = "offsets of group " + group;
  const List list = ToList(offsets, false);
  auto* forget = rd_kafka_DeleteConsumerGroupOffsets_new(group.c_str(), list.get());
  const Options options = MakeOptions(RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS);
  rd_kafka_DeleteConsumerGroupOffsets(handle_.get(), &forget, 1, options.get(), queue_.get());
  rd_kafka_DeleteConsumerGroupOffsets_destroy(forget);
  WEIR_ASSIGN_OR_RETURN(const Event event, Await(what));
  size_t count = 0;
  const auto* result = rd_kafka_event_DeleteConsumerGroupOffsets_result(event.get());
  const auto** groups = rd_kafka_DeleteConsumerGroupOffsets_result_groups(result, &count);
  return Outcomes(groups, count, offsets, what);
}

Result<std::vector<std::string>> KafkaAdmin::ListGroups() {
  const Options options = MakeOptions(RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
  rd_kafka_ListConsumerGroups(handle_.get(), options.get(), queue_.get());
  WEIR_ASSIGN_OR_RETURN(const Event event, Await("listing groups"));
  size_t count = 0;
  const auto* result = rd_kafka_event_ListConsumerGroups_result(event.get());
  const auto** groups = rd_kafka_ListConsumerGroups_result_valid(result, &count);
  std::vector<std::string> group_ids;
  for (size_t i = 0; i < count; ++i)
    group_ids.emplace_back(rd_kafka_ConsumerGroupListing_group_id(groups[i]));
  return group_ids;
}

Result<std::vector<ErrorCode>> KafkaAdmin::DeleteGroups(const std::vector<std::string>& groups) {
  std::vector<rd_kafka_DeleteGroup_t*> wanted;
  for (const std::string& group : groups) wanted.push_back(rd_kafka_DeleteGroup_new(group.c_str()));
  const Options options = MakeOptions(RD_KAFKA_ADMIN_OP_DELETEGROUPS);
  rd_kafka_DeleteGroups(handle_.get(), wanted.data(), wanted.size(), options.get(), queue_.get());
  rd_kafka_DeleteGroup_destroy_array(wanted.data(), wanted.size());
  WEIR_ASSIGN_OR_RETURN(const Event event, Await("deleting groups"));
  size_t count = 0;
  const auto* result = rd_kafka_event_DeleteGroups_result(event.get());
  const auto** results = rd_kafka_DeleteGroups_result_groups(result, &count);
  std::map<std::string, ErrorCode> codes;
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_error_t* error = rd_kafka_group_result_error(results[i]);
    codes[rd_kafka_group_result_name(results[i])] =
        error == nullptr ? ErrorCode::kNone : FromKafkaError(rd_kafka_error_code(error), "").code;
  }
  std::vector<ErrorCode> outcomes;
  for (const std::string& group : groups) {
    const auto found = codes.find(group);
    outcomes.push_back(found == codes.end() ? ErrorCode::kUnknownServerError : found->second);
  }
  return outcomes;
}

}  // namespace weir::ctl
