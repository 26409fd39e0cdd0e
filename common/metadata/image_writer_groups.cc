// ImageWriter, third part: groups.
#include <utility>

#include "common/metadata/image_writer.h"

namespace weir::metadata {

bool ImageWriter::SetGroup(const v1::GroupRecord& record) {
  if (record.group_id().empty()) return false;
  if (Group* known = image_.groups_.Mutable(record.group_id())) {
    if (!ApplyToGroup(*known, record)) return false;
  } else {
    Group group;
    if (!ApplyToGroup(group, record)) return false;
    image_.groups_.Put(record.group_id(), std::move(group));
  }
  NoteGroup(record.group_id());
  return true;
}

bool ImageWriter::RemoveGroup(const v1::RemoveGroupRecord& record) {
  const Group* group = image_.FindGroup(record.group_id());
  if (group == nullptr || !group->members.empty()) return false;
  image_.groups_.Erase(record.group_id());
  NoteGroup(record.group_id());
  return true;
}

void ImageWriter::NoteGroup(const std::string& group_id) {
  if (delta_ != nullptr) delta_->changed_groups.insert(group_id);
}

}  // namespace weir::metadata
