// Dump: an image as text, one line per thing, the same on every node for equal images. Tests, tools
// and the /state page print this.
// Thread rule: pure functions.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "common/metadata/delta.h"
#include "common/metadata/image.h"

namespace weir::metadata {

std::string Dump(const MetadataImage& image);
std::string Dump(const Delta& delta);
// "leader=1 leader_epoch=0 partition_epoch=0 replicas=[1] isr=[1]", and the other lists where not
// empty.
std::string Dump(const Partition& partition);
// A line for the group, and one for each member; of opaque bytes size and checksum.
std::string Dump(std::string_view group_id, const Group& group);

// For test failures.
inline std::ostream& operator<<(std::ostream& out, const MetadataImage& image) {
  return out << Dump(image);
}
inline std::ostream& operator<<(std::ostream& out, const Delta& delta) {
  return out << Dump(delta);
}
inline std::ostream& operator<<(std::ostream& out, const Partition& partition) {
  return out << Dump(partition);
}

}  // namespace weir::metadata
