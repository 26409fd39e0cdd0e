// Every limit of Weir with its unit and its reason (D11). A limit that outside input can reach
// answers with an error code; one that only we can break is CHECKed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::limits {

// ---- Kafka connections ----------------------------------------------------------------

// Kafka's sasl.server.max.receive.size: nobody needs more before authentication.
inline constexpr size_t kFrameBytesMaxBeforeAuth = 512 * 1024;
// Kafka's socket.request.max.bytes.
inline constexpr size_t kFrameBytesMax = 100 * 1024 * 1024;
// Requests being worked on per connection; past it the socket is not read. Java pipelines 5.
inline constexpr size_t kRequestsInFlightPerConnectionMax = 128;
// Bytes of requests and responses held for one connection before its socket is not read.
inline constexpr size_t kBytesInFlightPerConnectionMax = 16 * 1024 * 1024;
// The same over all connections of a broker: bounds memory whatever the number of clients.
inline constexpr size_t kBytesInFlightMax = 256 * 1024 * 1024;
inline constexpr size_t kConnectionsMax = 20'000;
inline constexpr size_t kConnectionsPerAddressMax = 10'000;
// Kafka's connections.max.idle.ms.
inline constexpr int64_t kConnectionIdleMsMax = 10 * 60 * 1000;
// Client id, topic name and similar in a Kafka string: the wire's int16.
inline constexpr size_t kTopicNameBytesMax = 249;
// Tagged fields per struct; the protocol defines fewer than ten anywhere.
inline constexpr size_t kTaggedFieldsMax = 1'000;

// ---- Partition data -------------------------------------------------------------------

// Kafka's default max.message.bytes: 1 MiB + 12 bytes of log overhead.
inline constexpr int32_t kBatchBytesDefault = 1'048'588;
// What one record batch may decompress to: 64 times the default batch, room for repetitive logs.
inline constexpr size_t kDecompressedBytesMax = 64 * 1024 * 1024;
// What one partition got in one tick becomes one RocksDB value up to this size.
inline constexpr size_t kLogEntryBytesTarget = 256 * 1024;
// The producer's last batches that are recognised when sent again (KIP-98).
inline constexpr size_t kProducerBatchesRemembered = 5;

// ---- Metadata -------------------------------------------------------------------------

// One atomic change: 10,000 partitions take about 0.5 MiB. Checked before append, so that apply
// never meets more.
inline constexpr size_t kMetadataBatchBytesMax = 8 * 1024 * 1024;
inline constexpr int32_t kPartitionsPerTopicMax = 100'000;
inline constexpr size_t kPartitionsPerRequestMax = 10'000;
// First answers kept for retried request ids.
inline constexpr size_t kCompletedRequestsMax = 1'024;
// And no more than so many bytes of them, for answers about thousands of topics.
inline constexpr size_t kCompletedReplyBytesMax = 16 * 1024 * 1024;
// A metadata snapshot is taken after so many bytes of log, or so much time.
inline constexpr size_t kSnapshotAfterLogBytes = 20 * 1024 * 1024;
inline constexpr int64_t kSnapshotAfterMs = 60 * 60 * 1000;
// Producer ids handed to a broker at a time (Kafka's block size).
inline constexpr int64_t kProducerIdBlockSize = 1'000;

// ---- Groups ---------------------------------------------------------------------------

// Members of one group, whatever group.max.size says: one batch can remove them all.
inline constexpr size_t kGroupMembersMax = 50'000;
// One JoinGroup: an assignor's own data about thousands of partitions takes some 100 KiB.
inline constexpr size_t kGroupMemberBytesMax = 1024 * 1024;
// What a group's members say, all together: the leader hears it in one message.
inline constexpr size_t kGroupSubscriptionBytesMax = 8 * 1024 * 1024;
// Groups of a cluster, empty ones too: about 1 KiB of memory each on every node.
inline constexpr size_t kGroupsMax = 200'000;
// A subscription's regular expression: names are 249 bytes, and alternatives are few.
inline constexpr size_t kTopicPatternBytesMax = 8 * 1024;
// What one compiled expression may take.
inline constexpr int64_t kTopicPatternMemoryBytesMax = 1024 * 1024;
// Different ones in one group: each new topic is compared with all.
inline constexpr size_t kTopicPatternsPerGroupMax = 100;
// What a group, a member or an instance is called: each is kept in several places.
inline constexpr size_t kGroupNameBytesMax = 1024;
// Member ids handed out to clients that have not joined with them (KIP-394): some 100,000.
inline constexpr size_t kGroupPendingIdBytesMax = 64 * 1024 * 1024;

// ---- Raft -----------------------------------------------------------------------------

inline constexpr size_t kAppendBytesMax = 1024 * 1024;
inline constexpr size_t kAppendsInFlightMax = 64;
inline constexpr size_t kSnapshotChunkBytes = 512 * 1024;
inline constexpr size_t kUncommittedBytesMax = 64 * 1024 * 1024;

// ---- gRPC -----------------------------------------------------------------------------

inline constexpr size_t kRpcMessageBytesMax = 16 * 1024 * 1024;
inline constexpr int kRpcStreamsPerConnectionMax = 1'000;

}  // namespace weir::limits
