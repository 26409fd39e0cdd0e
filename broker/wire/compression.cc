// Bindings of zlib, snappy, lz4 and zstd.
#include "broker/wire/compression.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "common/base/check.h"

namespace weir::wire {
namespace {

constexpr std::string_view kNames[] = {"none", "gzip", "snappy", "lz4", "zstd"};
constexpr size_t kOutputStepBytes = 64 * 1024;
constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to ask for the gzip wrapper

// Xerial framing: this magic, two int32 versions, then blocks of int32 size and raw snappy.
constexpr std::string_view kXerialMagic("\x82SNAPPY\0", 8);
constexpr size_t kXerialHeaderBytes = 16;
constexpr size_t kXerialBlockBytes = 32 * 1024;

tl::unexpected<Error> Corrupt(const char* codec) {
  return Fail(ErrorCode::kCorruptMessage, std::string("records are not valid ") + codec);
}

tl::unexpected<Error> TooLarge(size_t bytes_max) {
  return Fail(ErrorCode::kMessageTooLarge,
              "records decompress to more than " + std::to_string(bytes_max) + " bytes");
}

// Output that grows by steps. It may hold one byte more than its bound, which tells "full" from
// "too much".
class BoundedOutput {
 public:
  explicit BoundedOutput(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Room for at least one byte; false past the bound.
  bool MakeRoom() {
    if (used_ < text_.size()) return true;
    if (text_.size() > bytes_max_) return false;
    text_.resize(std::min(bytes_max_ + 1, std::max(kOutputStepBytes, text_.size() * 2)));
    return true;
  }
  char* at() { return text_.data() + used_; }
  size_t room() const { return text_.size() - used_; }
  void Advance(size_t bytes) { used_ += bytes; }
  Result<std::string> Take() {
    if (used_ > bytes_max_) return TooLarge(bytes_max_);
    text_.resize(used_);
    return std::move(text_);
  }

 private:
  const size_t bytes_max_;
  std::string text_;
  size_t used_ = 0;
};

Result<std::string> GzipDecompress(std::string_view bytes, size_t bytes_max) {
  z_stream stream{};
  WEIR_CHECK(inflateInit2(&stream, kGzipWindowBits) == Z_OK);
  std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  BoundedOutput output(bytes_max);
  while (true) {
    if (!output.MakeRoom()) return TooLarge(bytes_max);
    stream.next_out = reinterpret_cast<Bytef*>(output.at());
    stream.avail_out = static_cast<uInt>(output.room());
    const size_t room = output.room();
    const int outcome = inflate(&stream, Z_NO_FLUSH);
    output.Advance(room - stream.avail_out);
    if (outcome == Z_STREAM_END) {
      if (stream.avail_in == 0) return output.Take();
      if (inflateReset(&stream) != Z_OK) return Corrupt("gzip");
    } else if (outcome != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
      return Corrupt("gzip");
    }
  }
}

std::string GzipCompress(std::string_view bytes) {
  z_stream stream{};
  WEIR_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, 8,
                          Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  WEIR_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// Appends one raw snappy block to `output`.
Status AppendSnappyBlock(std::string_view block, size_t bytes_max, std::string& output) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) return Corrupt("snappy");
  if (size > bytes_max - output.size()) return TooLarge(bytes_max);
  // The size is a claim: it is proved before memory is given to it.
  if (!snappy::IsValidCompressedBuffer(block.data(), block.size())) return Corrupt("snappy");
  const size_t begin = output.size();
  output.resize(begin + size);
  if (!snappy::RawUncompress(block.data(), block.size(), output.data() + begin)) {
    return Corrupt("snappy");
  }
  return {};
}

Result<std::string> SnappyDecompress(std::string_view bytes, size_t bytes_max) {
  std::string output;
  if (!bytes.starts_with(kXerialMagic)) {
    WEIR_RETURN_IF_ERROR(AppendSnappyBlock(bytes, bytes_max, output));
    return output;
  }
  Reader reader(bytes);
  reader.Take(kXerialHeaderBytes);
  while (reader.remaining() > 0) {
    const int32_t size = reader.Fixed<int32_t>();
    if (size < 0) return Corrupt("snappy");
    const std::string_view block = reader.Take(static_cast<size_t>(size));
    if (reader.failed()) return Corrupt("snappy");
    WEIR_RETURN_IF_ERROR(AppendSnappyBlock(block, bytes_max, output));
  }
  if (reader.failed()) return Corrupt("snappy");
  return output;
}

std::string SnappyCompress(std::string_view bytes) {
  std::string packed(kXerialMagic);
  const auto append_int32 = [&](size_t value) {
    char raw[4];
    StoreBigEndian(raw, static_cast<int32_t>(value));
    packed.append(raw, sizeof raw);
  };
  append_int32(1);
  append_int32(1);
  std::string block;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kXerialBlockBytes))) {
    snappy::Compress(bytes.data(), std::min(bytes.size(), kXerialBlockBytes), &block);
    append_int32(block.size());
    packed += block;
  }
  return packed;
}

Result<std::string> Lz4Decompress(std::string_view bytes, size_t bytes_max) {
  LZ4F_dctx* context = nullptr;
  WEIR_CHECK(!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
  std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> end(context,
                                                                   LZ4F_freeDecompressionContext);
  BoundedOutput output(bytes_max);
  size_t wanted = 1;
  while (wanted != 0 || !bytes.empty()) {
    if (!output.MakeRoom()) return TooLarge(bytes_max);
    size_t consumed = bytes.size();
    size_t produced = output.room();
    wanted = LZ4F_decompress(context, output.at(), &produced, bytes.data(), &consumed, nullptr);
    if (LZ4F_isError(wanted)) return Corrupt("lz4");
    if (consumed == 0 && produced == 0 && wanted != 0) return Corrupt("lz4");
    bytes.remove_prefix(consumed);
    output.Advance(produced);
  }
  return output.Take();
}

std::string Lz4Compress(std::string_view bytes) {
  // Independent blocks without content size, as the Java client writes them and expects them.
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  std::string packed(LZ4F_compressFrameBound(bytes.size(), &preferences), '\0');
  const size_t size =
      LZ4F_compressFrame(packed.data(), packed.size(), bytes.data(), bytes.size(), &preferences);
  WEIR_CHECK(!LZ4F_isError(size));
  packed.resize(size);
  return packed;
}

Result<std::string> ZstdDecompress(std::string_view bytes, size_t bytes_max) {
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  WEIR_CHECK(context != nullptr);
  // Encoders claim a window by level, up to 8 MiB at the usual ones, whatever the size of the data;
  // beyond that no frame needs one larger than the output that it may have.
  const int window_log = std::clamp(static_cast<int>(std::bit_width(bytes_max)), 23, 27);
  WEIR_CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log)));
  BoundedOutput output(bytes_max);
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  size_t wanted = 1;
  while (wanted != 0 || input.pos < input.size) {
    if (!output.MakeRoom()) return TooLarge(bytes_max);
    ZSTD_outBuffer out{output.at(), output.room(), 0};
    const size_t input_before = input.pos;
    wanted = ZSTD_decompressStream(context.get(), &out, &input);
    if (ZSTD_getErrorCode(wanted) == ZSTD_error_frameParameter_windowTooLarge) {
      return TooLarge(bytes_max);
    }
    if (ZSTD_isError(wanted)) return Corrupt("zstd");
    if (wanted != 0 && out.pos == 0 && input.pos == input_before) return Corrupt("zstd");
    output.Advance(out.pos);
  }
  return output.Take();
}

std::string ZstdCompress(std::string_view bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size =
      ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), ZSTD_CLEVEL_DEFAULT);
  WEIR_CHECK(!ZSTD_isError(size));
  packed.resize(size);
  return packed;
}

}  // namespace

std::string_view CompressionName(CompressionType type) { return kNames[static_cast<int>(type)]; }

Result<CompressionType> ParseCompression(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<CompressionType>(i);
  }
  return Fail(ErrorCode::kInvalidConfig, "no codec is called \"" + std::string(name) +
                                             "\"; there are none, gzip, snappy, lz4, zstd");
}

Result<std::string> Decompress(CompressionType type, std::string_view bytes, size_t bytes_max) {
  switch (type) {
    case CompressionType::kNone:
      if (bytes.size() > bytes_max) return TooLarge(bytes_max);
      return std::string(bytes);
    case CompressionType::kGzip:
      return GzipDecompress(bytes, bytes_max);
    case CompressionType::kSnappy:
      return SnappyDecompress(bytes, bytes_max);
    case CompressionType::kLz4:
      return Lz4Decompress(bytes, bytes_max);
    case CompressionType::kZstd:
      return ZstdDecompress(bytes, bytes_max);
  }
  WEIR_UNREACHABLE("a codec outside the enum");
}

std::string Compress(CompressionType type, std::string_view bytes) {
  switch (type) {
    case CompressionType::kNone:
      return std::string(bytes);
    case CompressionType::kGzip:
      return GzipCompress(bytes);
    case CompressionType::kSnappy:
      return SnappyCompress(bytes);
    case CompressionType::kLz4:
      return Lz4Compress(bytes);
    case CompressionType::kZstd:
      return ZstdCompress(bytes);
  }
  WEIR_UNREACHABLE("a codec outside the enum");
}

}  // namespace weir::wire
