// message_rows.h: the templates behind message_table.h.
// Thread rule: pure functions.
#pragma once

#include <vector>

#include "broker/wire/codec.h"
#include "broker/wire/messages/all.h"
#include "broker/wire/print.h"
#include "broker/wire/random_message.h"
#include "tests/fuzz/message_table.h"

namespace weir::wire {

inline constexpr size_t kPrintBytesMax = 100'000;

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
Result<SharedBytes> RandomBytes(Prng& prng, int16_t version) {
  TextStore texts;
  const M message = RandomMessage<M>(prng, texts, version);
  SharedBytes bytes = EncodeBody(version, message).Flatten();
  const Result<M> decoded = Decode<M>(bytes, version);
  if (!decoded) return tl::unexpected(decoded.error());
  if (*decoded == message) return bytes;
  return Fail(ErrorCode::kUnknownServerError,
              Print(message, version) + "\ncame back as\n" + Print(*decoded, version));
}

template <class List>
void AppendRows(MessageRole role, std::vector<MessageRow>& rows) {
  List::ForEach([&]<class M>() {
    rows.push_back({M::kInfo, role, Check<M>, Transcode<M>, RandomBytes<M>});
  });
}

// In a file of its own, so that two processors can compile the table.
void AppendResponses(std::vector<MessageRow>& rows);

}  // namespace weir::wire
