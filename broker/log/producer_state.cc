#include "broker/log/producer_state.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "broker/wire/reader.h"

namespace weir::log {
namespace {

constexpr char kRowVersion = 1;

template <class Integer>
void Put(std::string& to, Integer value) {
  char raw[sizeof value];
  wire::StoreBigEndian(raw, value);
  to.append(raw, sizeof value);
}

int32_t SequenceAfter(int32_t sequence) {
  return sequence == std::numeric_limits<int32_t>::max() ? 0 : sequence + 1;
}

// Sequences wrap: the nearer way round tells which comes first.
bool IsAfter(int32_t sequence, int32_t other) {
  const uint32_t distance = (static_cast<uint32_t>(sequence) - static_cast<uint32_t>(other)) &
                            static_cast<uint32_t>(std::numeric_limits<int32_t>::max());
  return distance > 0 && distance < (1u << 30);
}

std::string Describe(const wire::RecordBatchView& batch) {
  return "producer " + std::to_string(batch.producer_id()) + " epoch " +
         std::to_string(batch.producer_epoch()) + " sequence " +
         std::to_string(batch.base_sequence());
}

}  // namespace

const ProducerBatch* ProducerStates::Producer::Find(const wire::RecordBatchView& batch) const {
  if (ProducerEpoch(batch.producer_epoch()) != epoch) return nullptr;
  const size_t known = std::min<size_t>(count, limits::kProducerBatchesRemembered);
  for (size_t i = count - known; i < count; ++i) {
    if (batches[i].first_sequence == batch.base_sequence() &&
        batches[i].last_sequence == batch.last_sequence()) {
      return &batches[i];
    }
  }
  return nullptr;
}

void ProducerStates::Producer::Remember(const ProducerBatch& batch) {
  if (count == batches.size()) {
    std::move(batches.begin() + 1, batches.end(), batches.begin());
    --count;
  }
  batches[count++] = batch;
}

Result<ProducerStates::Verdict> ProducerStates::Check(const wire::RecordBatchView& batch,
                                                      WallTime now) const {
  const ProducerId id(batch.producer_id());
  const Producer* known = nullptr;
  if (producers_) {
    const auto found = producers_->find(id);
    if (found != producers_->end()) known = &found->second;
  }
  std::optional<int32_t> expected;
  if (known != nullptr) {
    if (const ProducerBatch* same = known->Find(batch)) return Verdict{.duplicate_of = *same};
    const ProducerEpoch epoch(batch.producer_epoch());
    if (epoch < known->epoch) {
      return Fail(ErrorCode::kInvalidProducerEpoch,
                  Describe(batch) + ": epoch " + ToString(known->epoch) + " has taken over");
    }
    // A new epoch begins with 0.
    if (epoch > known->epoch) expected = 0;
    if (epoch == known->epoch && known->count > 0) {
      expected = SequenceAfter(known->batches[known->count - 1].last_sequence);
    }
    if (expected == batch.base_sequence()) return Verdict{};
  }
  if (refusals_) {
    const auto refused = refusals_->find(id);
    if (refused != refusals_->end() && refused->second.IsBefore(batch, now)) {
      return Fail(refused->second.error, Describe(batch) + ": sequence " +
                                             std::to_string(refused->second.first_sequence) +
                                             " was refused and comes first");
    }
  }
  if (!expected) return Verdict{};
  return Fail(ErrorCode::kOutOfOrderSequenceNumber,
              Describe(batch) + ": sequence " + std::to_string(*expected) + " comes next");
}

bool ProducerStates::Refusal::IsBefore(const wire::RecordBatchView& batch, WallTime now) const {
  return ProducerEpoch(batch.producer_epoch()) == epoch &&
         now - at < kRefusalLasts / std::chrono::milliseconds(1) &&
         IsAfter(batch.base_sequence(), first_sequence);
}

void ProducerStates::Refuse(const wire::RecordBatchView& batch, ErrorCode error, WallTime now) {
  if (!refusals_) refusals_ = std::make_unique<Refusals>();
  const ProducerId id(batch.producer_id());
  const auto found = refusals_->find(id);
  if (found != refusals_->end() && found->second.IsBefore(batch, now)) {
    found->second.error = error;
    return;
  }
  if (found == refusals_->end() && refusals_->size() >= kRefusedMax) {
    refusals_->clear();
  }
  refusals_->insert_or_assign(
      id, Refusal{ProducerEpoch(batch.producer_epoch()), batch.base_sequence(), error, now});
}

void ProducerStates::Append(const wire::RecordBatchView& batch, WallTime now) {
  if (refusals_ && refusals_->erase(ProducerId(batch.producer_id())) > 0 && refusals_->empty()) {
    refusals_.reset();
  }
  if (!producers_) producers_ = std::make_unique<Table>();
  Producer& producer = (*producers_)[ProducerId(batch.producer_id())];
  const ProducerEpoch epoch(batch.producer_epoch());
  if (epoch != producer.epoch) {
    producer.epoch = epoch;
    producer.count = 0;
  }
  producer.last_used = std::max(producer.last_used, now);
  producer.Remember({.first_sequence = batch.base_sequence(),
                     .last_sequence = batch.last_sequence(),
                     .base_offset = Offset(batch.base_offset()),
                     .last_offset = Offset(batch.last_offset()),
                     .timestamp_max_ms = batch.max_timestamp_ms()});
}

void ProducerStates::TruncateFrom(Offset log_end_offset) {
  if (!producers_) return;
  for (auto& [id, producer] : *producers_) {
    while (producer.count > 0 &&
           producer.batches[producer.count - 1].last_offset >= log_end_offset) {
      --producer.count;
    }
  }
  std::erase_if(*producers_, [](const auto& entry) { return entry.second.count == 0; });
  if (producers_->empty()) producers_.reset();
}

void ProducerStates::Expire(WallTime now, int64_t expiration_ms) {
  if (!producers_) return;
  std::erase_if(*producers_,
                [&](const auto& entry) { return now - entry.second.last_used >= expiration_ms; });
  if (producers_->empty()) producers_.reset();
}

std::string ProducerStates::Encode(Offset offset) const {
  std::string bytes(1, kRowVersion);
  Put(bytes, offset.value());
  Put(bytes, static_cast<uint32_t>(size()));
  if (!producers_) return bytes;
  // In order of id, so that equal states have equal rows.
  std::map<ProducerId, const Producer*> sorted;
  for (const auto& [id, producer] : *producers_) sorted[id] = &producer;
  for (const auto& [id, producer] : sorted) {
    Put(bytes, id.value());
    Put(bytes, producer->epoch.value());
    Put(bytes, producer->count);
    for (size_t i = 0; i < producer->count; ++i) {
      const ProducerBatch& batch = producer->batches[i];
      Put(bytes, batch.first_sequence);
      Put(bytes, batch.last_sequence);
      Put(bytes, batch.base_offset.value());
      Put(bytes, batch.last_offset.value());
      Put(bytes, batch.timestamp_max_ms);
    }
  }
  return bytes;
}

Result<ProducerStates::Decoded> ProducerStates::Decode(std::string_view bytes, WallTime now) {
  wire::Reader reader(bytes);
  Decoded decoded;
  if (reader.Fixed<char>() != kRowVersion) reader.Fail("unknown version");
  decoded.offset = Offset(reader.Fixed<int64_t>());
  const auto producers = reader.Fixed<uint32_t>();
  if (producers > 0) decoded.states.producers_ = std::make_unique<Table>();
  for (uint32_t i = 0; i < producers && !reader.failed(); ++i) {
    Producer& producer = (*decoded.states.producers_)[ProducerId(reader.Fixed<int64_t>())];
    producer.epoch = ProducerEpoch(reader.Fixed<int16_t>());
    producer.last_used = now;
    const auto count = reader.Fixed<uint8_t>();
    if (count > producer.batches.size()) reader.Fail("too many batches");
    for (uint8_t b = 0; b < count && !reader.failed(); ++b) {
      ProducerBatch batch;
      batch.first_sequence = reader.Fixed<int32_t>();
      batch.last_sequence = reader.Fixed<int32_t>();
      batch.base_offset = Offset(reader.Fixed<int64_t>());
      batch.last_offset = Offset(reader.Fixed<int64_t>());
      batch.timestamp_max_ms = reader.Fixed<int64_t>();
      producer.Remember(batch);
    }
  }
  if (reader.remaining() > 0) reader.Fail("bytes left over");
  if (reader.failed()) {
    return Fail(ErrorCode::kKafkaStorageError,
                std::string("the store holds a damaged producers row: ") + reader.reason());
  }
  return decoded;
}

}  // namespace weir::log
