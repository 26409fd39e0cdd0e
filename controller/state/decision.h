// Decision: what a control returns. A control looks at a const image and a request, and answers
// with the records that would carry the request out and the reply that becomes true once they are
// committed (STYLE section 6).
//
// Laws:
//  1. A control changes nothing: the same context and request give the same decision.
//  2. The records fit the image they were decided on: Apply skips none of them.
//  3. The records of one decision are one batch, at most limits::kMetadataBatchBytesMax bytes.
//  4. validate_only: no records, the reply as if.
// Thread rule: plain values; a context lives for one call.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/limits.h"
#include "common/base/prng.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/metadata/effective_config.h"
#include "common/metadata/image.h"
#include "proto/admin.pb.h"
#include "proto/record.pb.h"

namespace weir::state {

using metadata::MetadataImage;
using MetadataRecord = metadata::v1::MetadataRecord;
using Records = std::vector<MetadataRecord>;

// The controller's own configuration, as far as decisions depend on it.
struct Defaults {
  int32_t num_partitions = 1;
  // What -1 in requests stands for.
  int32_t default_replication_factor = 1;
  int32_t partitions_per_topic_max = limits::kPartitionsPerTopicMax;
  int32_t partitions_per_request_max = static_cast<int32_t>(limits::kPartitionsPerRequestMax);
  int64_t producer_id_block_size = limits::kProducerIdBlockSize;
  // Kafka-named settings in the controller's configuration (log.retention.ms, ...).
  metadata::StaticConfig static_config;
};

struct DecisionContext {
  const MetadataImage& image;
  WallTime now;
  // Never null.
  Prng* prng;
  const Defaults& defaults;
};

template <class Reply>
struct Decision {
  Records records;
  Reply reply;
};

// The image as it will be after these records.
MetadataImage Preview(const MetadataImage& image, const Records& records);

// Refuses what one batch cannot hold. Errors: kPolicyViolation naming size and limit.
Status CheckBatchSize(const Records& records);

// The batch to append. `serialized_reply` is kept for retries when the cause has a request id.
// Errors: as CheckBatchSize.
Result<metadata::v1::MetadataBatch> MakeBatch(Records records, metadata::v1::Cause cause,
                                              std::string serialized_reply);

// The serialized first answer to that request, if it has been carried out already. Errors:
// kInvalidRequest when the id was used with another method. An empty id never matches.
Result<std::optional<std::string>> FirstAnswer(const MetadataImage& image,
                                               std::string_view request_id,
                                               std::string_view method);

// Fills the protocol's view of an error; code 0 for a default-constructed message is success.
void SetError(const Error& error, admin::v1::AdminError* out);

}  // namespace weir::state
