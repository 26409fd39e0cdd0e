// message_table.h: all messages of broker/wire behind one type, for tests and fuzz targets that
// treat them alike. Every template of every message is instantiated here and nowhere else in the
// tests: it takes minutes under sanitizers. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "broker/wire/describe.h"
#include "common/base/bytes.h"
#include "common/base/prng.h"
#include "common/base/result.h"

namespace weir::wire {

enum class MessageRole : uint8_t { kStructure, kRequest, kResponse };

// What became of bytes that were decoded, printed and encoded again.
struct Transcoded {
  std::string text;
  SharedBytes bytes;
};

struct MessageRow {
  MessageInfo info;
  MessageRole role;
  // Decodes and forgets. Errors: as Decode of codec.h.
  Status (*check)(const SharedBytes& body, int16_t version);
  // Errors: as Decode of codec.h.
  Result<Transcoded> (*transcode)(const SharedBytes& body, int16_t version);
  // Bytes of a random message. Errors: kUnknownServerError with both texts when they do not decode
  // to that very message. REQUIRES: a version of the message.
  Result<SharedBytes> (*random)(Prng& prng, int16_t version);
};

std::span<const MessageRow> AllMessages();

// The request or response of an API; null when the protocol has none.
const MessageRow* FindMessage(ApiKey key, MessageRole role);

// The message of that name, e.g. "FetchRequest"; null when there is none.
const MessageRow* FindMessage(std::string_view name);

}  // namespace weir::wire
