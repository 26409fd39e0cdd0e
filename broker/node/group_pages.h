// The broker's pages about consumer groups: /groups, and the lag on /metrics.
// Thread rule: start-up on the main thread; pages are rendered on the listener's threads, which
// wait for the shards.
#pragma once

#include "broker/coordinator/group_lags.h"
#include "common/runtime/http_pages.h"
#include "proto/group_report.pb.h"

namespace weir::node {

// `lags` outlives the pages.
void AddGroupPages(coordinator::GroupLags& lags, runtime::HttpPages& pages);

// Text that is no UTF-8, as ids of groups may be, has '?' for what is none.
group::v1::GroupOffsetsReport ToProto(const coordinator::GroupLagReport& report);

}  // namespace weir::node
