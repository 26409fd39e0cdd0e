#include "broker/coordinator/liveness_reporter.h"

#include <utility>

namespace weir::coordinator {
namespace {

// What a lost report said is still news after this long, to the next controller.
constexpr Duration kReportTimeout = std::chrono::seconds(3);

}  // namespace

void LivenessReporter::Heard(const HeardMembers& members) {
  heard_.Merge(members);
  SendWhenDue();
}

void LivenessReporter::SendWhenDue() {
  if (under_way_ || heard_.empty()) return;
  const MonoTime now = thread_->Now();
  const bool urgent = (heard_.has_lost() || left_over_) && delivered_;
  if (!last_sent_ || urgent || now - *last_sent_ >= kReportInterval) return Send();
  if (std::exchange(scheduled_, true)) return;
  thread_->PostAt(*last_sent_ + kReportInterval, [this] {
    scheduled_ = false;
    SendWhenDue();
  });
}

void LivenessReporter::Send() {
  under_way_ = true;
  last_sent_ = thread_->Now();
  sent_ = heard_.Take(kReportBytesTarget);
  left_over_ = !heard_.empty();
  controllers_.ReportLiveness(
      sent_.Report(*last_sent_), kReportTimeout,
      [this](Result<group::v1::LivenessReply> reply) { OnDone(reply.has_value()); });
}

void LivenessReporter::OnDone(bool delivered) {
  under_way_ = false;
  delivered_ = delivered;
  const HeardMembers sent = std::exchange(sent_, {});
  if (!delivered) heard_.Merge(sent);
  SendWhenDue();
}

}  // namespace weir::coordinator
