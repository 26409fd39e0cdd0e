// Bytes written by an independent encoder (tests/data/wire/golden): what we decode is what was
// given to it, and what we encode is what it wrote, byte for byte.
#include <gtest/gtest.h>

#include <fstream>

#include "broker/wire/batch_validation.h"
#include "broker/wire/codec.h"
#include "broker/wire/compression.h"
#include "broker/wire/messages/api_versions.h"
#include "broker/wire/messages/fetch.h"
#include "broker/wire/messages/metadata.h"
#include "broker/wire/messages/produce.h"
#include "broker/wire/record_reader.h"
#include "tests/fuzz/message_table.h"

namespace weir::wire {
namespace {

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

struct Golden {
  std::string name;
  std::string bytes;
  std::string text;
};

// Three lines each: name, bytes in hex, text.
std::vector<Golden> ReadGoldens(const std::string& name) {
  std::ifstream file(std::string(WEIR_SOURCE_DIR) + "/tests/data/wire/golden/" + name);
  EXPECT_TRUE(file.is_open()) << name;
  std::vector<Golden> goldens;
  Golden golden;
  std::string hex;
  while (std::getline(file, golden.name)) {
    if (golden.name.starts_with('#')) continue;
    std::getline(file, hex);
    std::getline(file, golden.text);
    golden.bytes = FromHex(hex);
    goldens.push_back(golden);
  }
  return goldens;
}

// Splits "FetchRequest v4" into the message and its version.
std::pair<const MessageRow*, int16_t> Named(const std::string& name) {
  const size_t space = name.find(" v");
  return {FindMessage(name.substr(0, space)),
          static_cast<int16_t>(std::stoi(name.substr(space + 2)))};
}

TEST(WireGolden, X48_MessagesOfAnIndependentEncoder) {
  const std::vector<Golden> goldens = ReadGoldens("messages.txt");
  EXPECT_GT(goldens.size(), 400u);
  for (const Golden& golden : goldens) {
    const auto [row, version] = Named(golden.name);
    ASSERT_NE(row, nullptr) << golden.name;
    const Result<Transcoded> message = row->transcode(SharedBytes::Copy(golden.bytes), version);
    ASSERT_TRUE(message) << golden.name << ": " << message.error().message;
    EXPECT_EQ(message->text, golden.text) << golden.name;
    EXPECT_EQ(ToHex(message->bytes.view()), ToHex(golden.bytes)) << golden.name;
  }
}

std::string Nullable(std::optional<std::string_view> text) {
  return text ? std::string(*text) : std::string("null");
}

TEST(WireGolden, RequestHeadersOfAnIndependentEncoder) {
  for (const Golden& golden : ReadGoldens("frames.txt")) {
    const auto [row, version] = Named(golden.name);
    if (row->role != MessageRole::kRequest) continue;
    const SharedBytes whole = SharedBytes::Copy(golden.bytes);
    EXPECT_EQ(LoadBigEndian<int32_t>(whole.data()), static_cast<int32_t>(whole.size() - 4));
    const Result<RequestEnvelope> envelope = DecodeRequestHeader(whole.Slice(4, whole.size() - 4));
    ASSERT_TRUE(envelope) << golden.name << ": " << envelope.error().message;
    EXPECT_EQ(envelope->api->key, row->info.api_key);
    EXPECT_EQ(envelope->version(), version);
    EXPECT_EQ("correlation_id=" + std::to_string(envelope->correlation_id()) +
                  " client_id=" + Nullable(envelope->header.client_id),
              golden.text);
    const Status body = row->check(envelope->body, version);
    EXPECT_TRUE(body) << golden.name << ": " << body.error().message;
  }
}

// The golden response, decoded and framed again.
template <Message M>
void ExpectSameFrame(const Golden& golden, int16_t version) {
  int32_t correlation_id = 0;
  const SharedBytes whole = SharedBytes::Copy(golden.bytes);
  const Result<M> message =
      DecodeResponse<M>(whole.Slice(4, whole.size() - 4), version, &correlation_id);
  ASSERT_TRUE(message) << golden.name << ": " << message.error().message;
  EXPECT_EQ("correlation_id=" + std::to_string(correlation_id), golden.text);
  EXPECT_EQ(ToHex(EncodeResponse(version, correlation_id, *message).Flatten().view()),
            ToHex(golden.bytes))
      << golden.name;
}

TEST(WireGolden, ResponseFramesOfAnIndependentEncoder) {
  size_t checked = 0;
  for (const Golden& golden : ReadGoldens("frames.txt")) {
    const auto [row, version] = Named(golden.name);
    const std::string_view name = row->info.name;
    if (name == "ApiVersionsResponse") ExpectSameFrame<ApiVersionsResponse>(golden, version);
    if (name == "MetadataResponse") ExpectSameFrame<MetadataResponse>(golden, version);
    if (name == "ProduceResponse") ExpectSameFrame<ProduceResponse>(golden, version);
    if (name == "FetchResponse") ExpectSameFrame<FetchResponse>(golden, version);
    checked += row->role == MessageRole::kResponse;
  }
  EXPECT_GE(checked, 8u);
}

// Renders a batch as the golden file does.
std::string PrintBatch(const RecordBatchView& batch) {
  std::string text = "producer_id=" + std::to_string(batch.producer_id()) +
                     " epoch=" + std::to_string(batch.producer_epoch()) +
                     " sequence=" + std::to_string(batch.base_sequence()) +
                     " transactional=" + std::to_string(batch.is_transactional()) +
                     " max_timestamp=" + std::to_string(batch.max_timestamp_ms());
  Result<std::string> section =
      Decompress(batch.compression(), batch.records_section(), limits::kDecompressedBytesMax);
  EXPECT_TRUE(section) << section.error().message;
  if (!section) return text;
  RecordReader reader(*section);
  Record record;
  while (reader.Next(record).value_or(false)) {
    text += " | " + std::to_string(batch.base_offset() + record.offset_delta) + " " +
            std::to_string(batch.base_timestamp_ms() + record.timestamp_delta_ms) + " " +
            Nullable(record.key) + " " + Nullable(record.value);
    for (const RecordHeader& header : record.headers) {
      text += " " + std::string(header.key) + "=" + Nullable(header.value);
    }
  }
  return text;
}

TEST(WireGolden, BatchesOfAnIndependentEncoder) {
  const std::vector<Golden> goldens = ReadGoldens("record_batches.txt");
  EXPECT_GE(goldens.size(), 5u);
  for (const Golden& golden : goldens) {
    ProduceRules rules{.produce_version = 9};
    Result<RecordBatchView> batch = ValidateProduced(golden.bytes, rules);
    ASSERT_TRUE(batch) << golden.name << ": " << batch.error().message;
    EXPECT_EQ(CompressionName(batch->compression()), golden.name);
    const Status walked = ValidateRecords(*batch, rules);
    EXPECT_TRUE(walked) << golden.name << ": " << walked.error().message;
    EXPECT_EQ(PrintBatch(*batch), golden.text) << golden.name;
  }
}

}  // namespace
}  // namespace weir::wire
