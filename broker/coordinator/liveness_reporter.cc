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
  if (scheduled_ || under_way_ || heard_.empty()) return;
  const MonoTime now = thread_->Now();
  if (!last_sent_ || now - *last_sent_ >= kReportInterval) return Send();
  scheduled_ = true;
  thread_->PostAt(*last_sent_ + kReportInterval, [this] {
    scheduled_ = false;
    Send();
  });
}

void LivenessReporter::Send() {
  under_way_ = true;
  last_sent_ = thread_->Now();
  sent_ = std::exchange(heard_, {});
  controllers_.ReportLiveness(
      sent_.Report(*last_sent_), kReportTimeout,
      [this](Result<group::v1::LivenessReply> reply) { OnDone(reply.has_value()); });
}

void LivenessReporter::OnDone(bool delivered) {
  under_way_ = false;
  const HeardMembers sent = std::exchange(sent_, {});
  if (!delivered) heard_.Merge(sent);
  SendWhenDue();
}

}  // namespace weir::coordinator
