// compression.h: the four codecs of record batches, and of PushTelemetry.
//
// Laws:
//  1. Decompression never yields more than it was allowed: a ratio bomb ends with an error after
//     `bytes_max` bytes of output, not with that much memory more.
//  2. Snappy is read raw and in the xerial framing of the Java clients, and written in the
//     latter, which all clients read. lz4 is the frame format; gzip may hold several members.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "broker/wire/record_batch.h"
#include "common/base/result.h"

namespace weir::wire {

// "none", "gzip", "snappy", "lz4", "zstd": the words of compression.type.
std::string_view CompressionName(CompressionType type);
// The codec of that name. Errors: kInvalidConfig.
Result<CompressionType> ParseCompression(std::string_view name);

// Errors: kCorruptMessage for bytes that the codec cannot read; kMessageTooLarge past `bytes_max`.
Result<std::string> Decompress(CompressionType type, std::string_view bytes, size_t bytes_max);

// At the codec's default level. Compression of our own bytes does not fail.
std::string Compress(CompressionType type, std::string_view bytes);

}  // namespace weir::wire
