#include "common/metadata/apply.h"

#include <google/protobuf/arena.h>

#include <limits>

#include "common/metadata/image_writer.h"

namespace weir::metadata {
namespace {

void ApplyTo(MetadataImage& image, const v1::MetadataBatch& batch, LogIndex offset, Delta* delta) {
  if (offset <= image.offset()) return;
  ImageWriter writer(image, delta);
  for (const v1::MetadataRecord& record : batch.records()) writer.ApplyRecord(record, offset);
  writer.Complete(batch, offset);
  writer.SetOffset(offset);
}

}  // namespace

void Apply(MetadataImage& image, const v1::MetadataBatch& batch, LogIndex offset) {
  ApplyTo(image, batch, offset, nullptr);
}

void ApplyAndTrack(MetadataImage& image, const v1::MetadataBatch& batch, LogIndex offset,
                   Delta* delta) {
  ApplyTo(image, batch, offset, delta);
}

bool ApplyBytes(MetadataImage& image, std::string_view bytes, LogIndex offset, Delta* delta) {
  // A batch may hold thousands of records: made and freed one by one they take longer than all
  // else.
  google::protobuf::Arena arena;
  auto& batch = *google::protobuf::Arena::CreateMessage<v1::MetadataBatch>(&arena);
  const bool fits = bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
  const bool parsed = fits && batch.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!parsed) batch.Clear();
  const bool is_new = offset > image.offset();
  ApplyTo(image, batch, offset, delta);
  if (!parsed && is_new) ImageWriter(image, nullptr).CountSkipped();
  return parsed;
}

}  // namespace weir::metadata
