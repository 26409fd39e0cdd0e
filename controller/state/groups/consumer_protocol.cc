#include "controller/state/groups/consumer_protocol.h"

#include <algorithm>
#include <type_traits>

namespace weir::state {
namespace {

constexpr int16_t kVersionMax = 3;

// Big-endian fields; after a field that is not there, ok() is false and all else is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }

  template <class Int>
  Int Get() {
    const std::string_view raw = Take(sizeof(Int));
    std::make_unsigned_t<Int> value = 0;
    for (const char byte : raw) {
      value = static_cast<std::make_unsigned_t<Int>>((value << 8) | static_cast<uint8_t>(byte));
    }
    return static_cast<Int>(value);
  }
  std::string GetString() {
    const auto size = Get<int16_t>();
    if (size < 0) ok_ = false;
    return std::string(size < 0 ? std::string_view() : Take(static_cast<size_t>(size)));
  }
  // -1: null, which is empty here.
  std::string GetNullableString() {
    const auto size = Get<int16_t>();
    return std::string(size < 0 ? std::string_view() : Take(static_cast<size_t>(size)));
  }
  // Whether there were any.
  bool SkipBytes() {
    const auto size = Get<int32_t>();
    return size > 0 && !Take(static_cast<size_t>(size)).empty();
  }
  // How many elements follow, each of at least so many bytes.
  size_t GetCount(size_t bytes_min) {
    const auto count = Get<int32_t>();
    if (count >= 0 && static_cast<size_t>(count) <= rest_.size() / bytes_min) {
      return static_cast<size_t>(count);
    }
    ok_ = false;
    return 0;
  }
  PartitionsByName GetPartitions() {
    PartitionsByName partitions;
    for (size_t topics = GetCount(6); ok_ && topics > 0; --topics) {
      std::vector<int32_t>& numbers = partitions[GetString()];
      for (size_t count = GetCount(4); ok_ && count > 0; --count) {
        numbers.push_back(Get<int32_t>());
      }
    }
    return partitions;
  }

 private:
  std::string_view Take(size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

template <class Int>
void Put(Int value, std::string* out) {
  for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(static_cast<std::make_unsigned_t<Int>>(value) >> shift));
  }
}

}  // namespace

std::optional<ClassicSubscription> ParseClassicSubscription(std::string_view bytes) {
  Reader reader(bytes);
  ClassicSubscription subscription;
  subscription.version = std::min(reader.Get<int16_t>(), kVersionMax);
  if (subscription.version < 0) return std::nullopt;
  for (size_t count = reader.GetCount(2); reader.ok() && count > 0; --count) {
    subscription.topics.push_back(reader.GetString());
  }
  reader.SkipBytes();
  if (subscription.version >= 1) subscription.owned = reader.GetPartitions();
  if (subscription.version >= 2) reader.Get<int32_t>();
  if (subscription.version >= 3) subscription.rack_id = reader.GetNullableString();
  if (!reader.ok()) return std::nullopt;
  return subscription;
}

std::optional<ClassicAssignment> ParseClassicAssignment(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.Get<int16_t>() < 0) return std::nullopt;
  ClassicAssignment assignment;
  assignment.partitions = reader.GetPartitions();
  assignment.has_user_data = reader.SkipBytes();
  if (!reader.ok()) return std::nullopt;
  return assignment;
}

std::string SerializeClassicAssignment(int16_t version, const PartitionsByName& partitions) {
  std::string out;
  Put(version, &out);
  Put(static_cast<int32_t>(partitions.size()), &out);
  for (const auto& [topic, numbers] : partitions) {
    Put(static_cast<int16_t>(topic.size()), &out);
    out += topic;
    Put(static_cast<int32_t>(numbers.size()), &out);
    for (const int32_t number : numbers) Put(number, &out);
  }
  // No user data.
  Put(int32_t{-1}, &out);
  return out;
}

}  // namespace weir::state
