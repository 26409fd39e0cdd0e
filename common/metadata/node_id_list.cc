#include "common/metadata/node_id_list.h"

#include <vector>

namespace weir::metadata {

void NodeIdList::Assign(std::span<const NodeId> ids) {
  size_ = static_cast<uint32_t>(ids.size());
  if (is_inline()) {
    std::copy(ids.begin(), ids.end(), inline_);
    return;
  }
  NodeId* copy = new NodeId[ids.size()];
  std::copy(ids.begin(), ids.end(), copy);
  std::memcpy(static_cast<void*>(inline_), &copy, sizeof copy);
}

void NodeIdList::Add(NodeId id) {
  std::vector<NodeId> longer(begin(), end());
  longer.push_back(id);
  *this = NodeIdList(longer);
}

NodeIdList NodeIdList::Without(NodeId id) const {
  std::vector<NodeId> kept;
  std::copy_if(begin(), end(), std::back_inserter(kept), [id](NodeId n) { return n != id; });
  return NodeIdList(kept);
}

std::string ToString(const NodeIdList& ids) {
  std::string text = "[";
  for (const NodeId id : ids) {
    if (text.size() > 1) text += ", ";
    text += ToString(id);
  }
  return text + "]";
}

}  // namespace weir::metadata
