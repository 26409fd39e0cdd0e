// The rows of all responses.
#include "tests/fuzz/message_rows.h"

namespace weir::wire {

void AppendResponses(std::vector<MessageRow>& rows) {
  AppendRows<AllResponses>(MessageRole::kResponse, rows);
}

}  // namespace weir::wire
