#include "controller/state/decision.h"

#include <utility>

#include "common/metadata/apply.h"

namespace weir::state {
namespace {

// Tag and length of one record inside the batch, at most.
constexpr size_t kRecordOverheadBytes = 6;

Status CheckBytes(size_t bytes) {
  if (bytes <= limits::kMetadataBatchBytesMax) return {};
  return Fail(ErrorCode::kPolicyViolation,
              "this change takes " + std::to_string(bytes) + " bytes of metadata, " +
                  std::to_string(limits::kMetadataBatchBytesMax) +
                  " at most fit into one; split it into several requests");
}

}  // namespace

MetadataImage Preview(const MetadataImage& image, const Records& records) {
  metadata::v1::MetadataBatch batch;
  for (const MetadataRecord& record : records) *batch.add_records() = record;
  MetadataImage preview = image;
  metadata::Apply(preview, batch, image.offset() + 1);
  return preview;
}

Status CheckBatchSize(const Records& records) {
  size_t bytes = 0;
  for (const MetadataRecord& record : records) {
    bytes += record.ByteSizeLong() + kRecordOverheadBytes;
  }
  return CheckBytes(bytes);
}

Result<metadata::v1::MetadataBatch> MakeBatch(Records records, metadata::v1::Cause cause,
                                              std::string serialized_reply) {
  metadata::v1::MetadataBatch batch;
  if (!cause.request_id().empty()) batch.set_reply(std::move(serialized_reply));
  *batch.mutable_cause() = std::move(cause);
  batch.mutable_records()->Reserve(static_cast<int>(records.size()));
  for (MetadataRecord& record : records) *batch.add_records() = std::move(record);
  WEIR_RETURN_IF_ERROR(CheckBytes(batch.ByteSizeLong()));
  return batch;
}

Result<std::optional<std::string>> FirstAnswer(const MetadataImage& image,
                                               std::string_view request_id,
                                               std::string_view method) {
  if (request_id.empty()) return std::nullopt;
  const metadata::CompletedRequest* completed = image.FindCompleted(request_id);
  if (completed == nullptr) return std::nullopt;
  if (completed->method != method) {
    return Fail(ErrorCode::kInvalidRequest, "request id " + std::string(request_id) +
                                                " has been used for " + completed->method +
                                                "; choose a new one for each change");
  }
  return *completed->reply;
}

void SetError(const Error& error, admin::v1::AdminError* out) {
  out->set_code(static_cast<int32_t>(error.code));
  out->set_name(std::string(ErrorName(error.code)));
  out->set_message(error.message);
}

}  // namespace weir::state
