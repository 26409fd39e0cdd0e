// Fuzz targets of broker/wire: request frames, responses, record batches, codecs.
#include "broker/wire/batch_validation.h"
#include "broker/wire/codec.h"
#include "broker/wire/compression.h"
#include "broker/wire/messages/all.h"
#include "broker/wire/print.h"
#include "broker/wire/random_message.h"
#include "broker/wire/record_batch_builder.h"
#include "broker/wire/record_reader.h"
#include "tests/fuzz/targets.h"

namespace weir::fuzz {
namespace {

using namespace weir::wire;

constexpr size_t kDecompressedBytesMax = 1024 * 1024;

// A message that decodes also prints, and encodes to bytes that decode to the same message.
template <Message M>
void CheckMessage(const SharedBytes& body, int16_t version) {
  const Result<M> message = Decode<M>(body, version);
  if (!message) return;
  WEIR_CHECK(Print(*message, version, 1'000).size() <= 1'010);
  const SharedBytes encoded = EncodeBody(version, *message).Flatten();
  const Result<M> again = Decode<M>(encoded, version);
  WEIR_CHECK(again.has_value(), "what we encode we can decode");
  // NaN differs from itself, so equality is of bytes.
  WEIR_CHECK(EncodeBody(version, *again).Flatten().view() == encoded.view());
}

template <class List>
void DispatchByKey(ApiKey key, int16_t version, const SharedBytes& body) {
  List::ForEach([&]<class M>() {
    if (M::kInfo.api_key == key) CheckMessage<M>(body, version);
  });
}

void RunRequestFrame(std::string_view input) {
  const Result<RequestEnvelope> envelope = DecodeRequestHeader(SharedBytes::Copy(input));
  if (!envelope) return;
  DispatchByKey<AllRequests>(envelope->api->key, envelope->version(), envelope->body);
}

std::vector<std::string> RequestFrameSeeds(Prng& prng) {
  std::vector<std::string> seeds;
  AllRequests::ForEach([&]<class M>() {
    for (int16_t v = M::kInfo.versions.first; v <= M::kInfo.versions.last; ++v) {
      TextStore texts;
      const SharedBytes frame =
          EncodeRequest(v, 7, "fuzz", RandomMessage<M>(prng, texts, v)).Flatten();
      seeds.emplace_back(frame.view().substr(kFrameSizeBytes));
    }
  });
  return seeds;
}

// Four bytes of key and version, then the message.
void RunResponse(std::string_view input) {
  if (input.size() < 4) return;
  const ApiKey key = static_cast<ApiKey>(LoadBigEndian<int16_t>(input.data()));
  const int16_t version = LoadBigEndian<int16_t>(input.data() + 2);
  DispatchByKey<AllResponses>(key, version, SharedBytes::Copy(input.substr(4)));
}

std::vector<std::string> ResponseSeeds(Prng& prng) {
  std::vector<std::string> seeds;
  AllResponses::ForEach([&]<class M>() {
    for (int16_t v = M::kInfo.versions.first; v <= M::kInfo.versions.last; ++v) {
      std::string seed(4, '\0');
      StoreBigEndian(seed.data(), static_cast<int16_t>(M::kInfo.api_key));
      StoreBigEndian(seed.data() + 2, v);
      TextStore texts;
      seed += EncodeBody(v, RandomMessage<M>(prng, texts, v)).Flatten().view();
      seeds.push_back(std::move(seed));
    }
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
