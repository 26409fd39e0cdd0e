// Bytes written by an independent encoder (tests/data/wire/golden): what we decode is what was
// given to it, and what we encode is what it wrote, byte for byte.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "broker/wire/batch_validation.h"
#include "broker/wire/codec.h"
#include "broker/wire/compression.h"
#include "broker/wire/messages/all.h"
#include "broker/wire/print.h"
#include "broker/wire/record_reader.h"

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

TEST(WireGolden, X48_MessagesOfAnIndependentEncoder) {
  std::map<std::string, Golden> goldens;
  for (Golden& golden : ReadGoldens("messages.txt")) goldens[golden.name] = std::move(golden);
  size_t checked = 0;
  const auto check = [&]<class M>() {
    for (int16_t v = M::kInfo.versions.first; v <= M::kInfo.versions.last; ++v) {
      const auto found = goldens.find(std::string(M::kInfo.name) + " v" + std::to_string(v));
      if (found == goldens.end()) continue;
      const Golden& golden = found->second;
      const SharedBytes body = SharedBytes::Copy(golden.bytes);
      Result<M> message = Decode<M>(body, v);
      ASSERT_TRUE(message) << golden.name << ": " << message.error().message;
      EXPECT_EQ(Print(*message, v, 100'000), golden.text) << golden.name;
      EXPECT_EQ(ToHex(EncodeBody(v, *message).Flatten().view()), ToHex(golden.bytes))
          << golden.name;
      ++checked;
    }
  };
  AllRequests::ForEach(check);
  AllResponses::ForEach(check);
  EXPECT_EQ(checked, goldens.size());
  EXPECT_GT(checked, 300u);
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
  const auto nullable = [](std::optional<std::string_view> bytes) {
    return bytes ? std::string(*bytes) : std::string("null");
  };
  while (reader.Next(record).value_or(false)) {
    text += " | " + std::to_string(batch.base_offset() + record.offset_delta) + " " +
            std::to_string(batch.base_timestamp_ms() + record.timestamp_delta_ms) + " " +
            nullable(record.key) + " " + nullable(record.value);
    for (const RecordHeader& header : record.headers) {
      text += " " + std::string(header.key) + "=" + nullable(header.value);
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
