// The table: one row for each message of messages/all.h.
#include "broker/wire/message_table.h"

#include <vector>

#include "broker/wire/codec.h"
#include "broker/wire/messages/all.h"
#include "broker/wire/print.h"
#include "broker/wire/random_message.h"
#include "broker/wire/signature.h"

namespace weir::wire {
namespace {

constexpr size_t kPrintBytesMax = 100'000;

template <Message M>
Status Check(const SharedBytes& body, int16_t version) {
  const Result<M> message = Decode<M>(body, version);
  if (!message) return tl::unexpected(message.error());
  return {};
}

template <Message M>
Result<Transcoded> Transcode(const SharedBytes& body, int16_t version) {
  const Result<M> message = Decode<M>(body, version);
  if (!message) return tl::unexpected(message.error());
  return Transcoded{Print(*message, version, kPrintBytesMax),
                    EncodeBody(version, *message).Flatten()};
}

template <Message M>
SharedBytes Random(Prng& prng, int16_t version) {
  TextStore texts;
  const M message = RandomMessage<M>(prng, texts, version);
  SharedBytes bytes = EncodeBody(version, message).Flatten();
  const Result<M> decoded = Decode<M>(bytes, version);
  WEIR_CHECK(decoded.has_value(), M::kInfo.name);
  WEIR_CHECK(*decoded == message, M::kInfo.name);
  return bytes;
}

std::vector<MessageRow> MakeTable() {
  std::vector<MessageRow> rows;
  const auto add = [&]<class M>(MessageRole role) {
    rows.push_back({M::kInfo, role, Check<M>, Transcode<M>, Random<M>, Signature<M>});
  };
  AllStructures::ForEach([&]<class M>() { add.operator()<M>(MessageRole::kStructure); });
  AllRequests::ForEach([&]<class M>() { add.operator()<M>(MessageRole::kRequest); });
  AllResponses::ForEach([&]<class M>() { add.operator()<M>(MessageRole::kResponse); });
  return rows;
}

}  // namespace

std::span<const MessageRow> AllMessages() {
  static const std::vector<MessageRow> kRows = MakeTable();
  return kRows;
}

const MessageRow* FindMessage(ApiKey key, MessageRole role) {
  for (const MessageRow& row : AllMessages()) {
    if (row.info.api_key == key && row.role == role) return &row;
  }
  return nullptr;
}

const MessageRow* FindMessage(std::string_view name) {
  for (const MessageRow& row : AllMessages()) {
    if (name == row.info.name) return &row;
  }
  return nullptr;
}

}  // namespace weir::wire
