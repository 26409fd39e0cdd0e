#include "controller/state/groups/subscription_bytes.h"

#include <string>

namespace weir::state {
namespace {

// Beside what it says.
constexpr size_t kMemberBytes = 128;

}  // namespace

size_t SubscriptionBytes(const metadata::GroupSubscription* said) {
  if (said == nullptr) return kMemberBytes;
  size_t bytes = kMemberBytes + said->client_id.size() + said->client_host.size() +
                 said->rack_id.size() + said->topic_regex.size() + said->server_assignor.size();
  for (const std::string& name : said->topic_names) bytes += name.size();
  for (const metadata::GroupProtocol& protocol : said->protocols) {
    bytes += protocol.name.size() + protocol.metadata.size();
  }
  return bytes;
}

}  // namespace weir::state
