// Fuzz targets of broker/wire: request frames, responses, record batches, codecs.
#include "broker/wire/batch_validation.h"
#include "broker/wire/codec.h"
#include "broker/wire/compression.h"
#include "broker/wire/record_batch_builder.h"
#include "broker/wire/record_reader.h"
#include "tests/fuzz/message_table.h"
#include "tests/fuzz/targets.h"

namespace weir::fuzz {
namespace {

using namespace weir::wire;

constexpr size_t kDecompressedBytesMax = 1024 * 1024;

// What decodes also prints, and encodes to bytes that decode to the same message: the same bytes
// again.
void CheckMessage(ApiKey key, MessageRole role, int16_t version, const SharedBytes& body) {
  const MessageRow* row = FindMessage(key, role);
  if (row == nullptr) return;
  const Result<Transcoded> once = row->transcode(body, version);
  if (!once) return;
  const Result<Transcoded> twice = row->transcode(once->bytes, version);
  WEIR_CHECK(twice.has_value(), "what we encode we can decode");
  WEIR_CHECK(twice->bytes.view() == once->bytes.view());
  WEIR_CHECK(twice->text == once->text);
}

// Calls use(row, version, bytes) with a random message of every version.
template <class Use>
void ForRandomMessages(MessageRole role, Prng& prng, Use use) {
  for (const MessageRow& row : AllMessages()) {
    if (row.role != role) continue;
    for (int16_t v = row.info.versions.first; v <= row.info.versions.last; ++v) {
      const Result<SharedBytes> bytes = row.random(prng, v);
      WEIR_CHECK(bytes.has_value(), row.info.name);
      use(row, v, bytes->view());
    }
  }
}

void RunRequestFrame(std::string_view input) {
  const Result<RequestEnvelope> envelope = DecodeRequestHeader(SharedBytes::Copy(input));
  if (!envelope) return;
  CheckMessage(envelope->api->key, MessageRole::kRequest, envelope->version(), envelope->body);
}

std::vector<std::string> RequestFrameSeeds(Prng& prng) {
  std::vector<std::string> seeds;
  ForRandomMessages(MessageRole::kRequest, prng,
                    [&](const MessageRow& row, int16_t version, std::string_view bytes) {
                      const int16_t key = static_cast<int16_t>(row.info.api_key);
                      const RequestHeader header{.request_api_key = key,
                                                 .request_api_version = version,
                                                 .correlation_id = 7,
                                                 .client_id = "fuzz"};
                      const int16_t header_version = RequestHeaderVersion(*FindApi(key), version);
                      std::string seed(EncodeBody(header_version, header).Flatten().view());
                      seeds.push_back(seed.append(bytes));
                    });
  return seeds;
}

// Four bytes of key and version, then the message.
void RunResponse(std::string_view input) {
  if (input.size() < 4) return;
  const ApiKey key = static_cast<ApiKey>(LoadBigEndian<int16_t>(input.data()));
  const int16_t version = LoadBigEndian<int16_t>(input.data() + 2);
  CheckMessage(key, MessageRole::kResponse, version, SharedBytes::Copy(input.substr(4)));
}

std::vector<std::string> ResponseSeeds(Prng& prng) {
  std::vector<std::string> seeds;
  ForRandomMessages(MessageRole::kResponse, prng,
                    [&](const MessageRow& row, int16_t version, std::string_view bytes) {
                      std::string seed(4, '\0');
                      StoreBigEndian(seed.data(), static_cast<int16_t>(row.info.api_key));
                      StoreBigEndian(seed.data() + 2, version);
                      seeds.push_back(seed.append(bytes));
                    });
  return seeds;
}

// Walks what can be walked; patches keep a valid batch valid.
void RunRecordBatch(std::string_view input) {
  BatchIterator batches(input);
  while (true) {
    Result<std::optional<RecordBatchView>> batch = batches.Next();
    if (!batch || !batch->has_value()) break;
    WEIR_CHECK((*batch)->size() <= input.size());
    (void)(*batch)->Verify();
  }
  ProduceRules rules{.produce_version = 9, .decompressed_bytes_max = kDecompressedBytesMax};
  const Result<RecordBatchView> produced = ValidateProduced(input, rules);
  if (!produced) return;
  WEIR_CHECK(produced->size() == input.size());
  rules.keys_required = true;
  (void)ValidateRecords(*produced, rules);
  std::string patched(input);
  SetBaseOffset(patched.data(), 1'000);
  SetPartitionLeaderEpoch(patched.data(), 3);
  SetLogAppendTime(patched.data(), 5);
  const Result<RecordBatchView> stored = RecordBatchView::Parse(patched);
  WEIR_CHECK(stored.has_value());
  WEIR_CHECK(stored->Verify().has_value(), "an accepted batch can be stored");
}

std::vector<std::string> RecordBatchSeeds(Prng& prng) {
  std::vector<std::string> seeds;
  for (int codec = 0; codec <= 4; ++codec) {
    for (int records = 1; records < 5; ++records) {
      RecordBatchBuilder builder({.compression = static_cast<CompressionType>(codec),
                                  .producer_id = static_cast<int64_t>(prng.Below(100)),
                                  .producer_epoch = 0,
                                  .base_sequence = 0});
      for (int i = 0; i < records; ++i) {
        const RecordHeader header{"name", "value"};
        builder.Add(1'000 + i, "key", std::string(prng.Below(60), 'v'), {&header, 1});
      }
      seeds.emplace_back(builder.Build().view());
    }
  }
  return seeds;
}

// A batch whose checksum is made right, so that mutations reach what lies behind it.
void RunChecksummedBatch(std::string_view input) {
  std::string batch(input);
  if (batch.size() >= kBatchHeaderBytes) {
    StoreBigEndian(batch.data() + 8, static_cast<int32_t>(batch.size() - kBatchOverheadBytes));
    batch[16] = kBatchMagic;
    const Result<RecordBatchView> parsed = RecordBatchView::Parse(batch);
    WEIR_CHECK(parsed.has_value());
    StoreBigEndian(batch.data() + 17, parsed->ComputeCrc());
  }
  RunRecordBatch(batch);
}

// Records of a batch as they stand.
void RunRecords(std::string_view input) {
  RecordReader reader(input);
  Record record;
  for (size_t count = 0; reader.Next(record).value_or(false); ++count) {
    WEIR_CHECK(count <= input.size() / kRecordBytesMin);
  }
}

std::vector<std::string> RecordsSeeds(Prng& prng) {
  std::vector<std::string> seeds;
  for (const std::string& batch : RecordBatchSeeds(prng)) {
    const Result<RecordBatchView> view = RecordBatchView::Parse(batch);
    seeds.push_back(*Decompress(view->compression(), view->records_section(), 1'000'000));
  }
  return seeds;
}

// The first byte chooses the codec.
void RunCodecs(std::string_view input) {
  if (input.empty()) return;
  const auto type = static_cast<CompressionType>(static_cast<uint8_t>(input[0]) % 5);
  const Result<std::string> output = Decompress(type, input.substr(1), kDecompressedBytesMax);
  if (!output) return;
  WEIR_CHECK(output->size() <= kDecompressedBytesMax);
  const Result<std::string> again = Decompress(type, Compress(type, *output), output->size());
  WEIR_CHECK(again.has_value());
  WEIR_CHECK(*again == *output);
}

std::vector<std::string> CodecsSeeds(Prng& prng) {
  std::vector<std::string> seeds;
  for (int codec = 0; codec <= 4; ++codec) {
    for (const size_t size : {0, 10, 1'000, 40'000}) {
      std::string text(size, 'a');
      for (size_t i = 0; i < size; i += 1 + prng.Below(20))
        text[i] = static_cast<char>(prng.Next());
      seeds.push_back(static_cast<char>(codec) +
                      Compress(static_cast<CompressionType>(codec), text));
    }
  }
  return seeds;
}

constexpr Target kTargets[] = {
    {"request_frame", RunRequestFrame, RequestFrameSeeds},
    {"response", RunResponse, ResponseSeeds},
    {"record_batch", RunRecordBatch, RecordBatchSeeds},
    {"checksummed_batch", RunChecksummedBatch, RecordBatchSeeds},
    {"records", RunRecords, RecordsSeeds},
    {"codecs", RunCodecs, CodecsSeeds},
};

}  // namespace

std::span<const Target> AllTargets() { return kTargets; }

}  // namespace weir::fuzz
