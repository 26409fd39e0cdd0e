// GroupHandlers: a broker in the test's process, asked by one client about groups.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "broker/wire/messages/all.h"
#include "tests/unit/broker/handlers/broker_fixture.h"

namespace weir::handlers {

class GroupHandlers : public BrokerFixture {
 protected:
  void SetUp() override {
    BrokerFixture::SetUp();
    client_ = std::make_unique<BrokerClient>(port_);
  }
  template <class Response, class Request>
  Response Ask(int16_t version, const Request& request) {
    const auto answer = client_->Ask<Response>(version, request);
    EXPECT_TRUE(answer.has_value()) << Request::kInfo.name << " v" << version;
    return answer.value_or(Response{});
  }
  static int32_t Number(ErrorCode error) { return static_cast<int32_t>(error); }

  // A stable group of generation 4 with the members "m" and, static, "s".
  void AppendGroup(const std::string& group_id) {
    metadata::v1::MetadataBatch batch;
    metadata::v1::GroupRecord* group = batch.add_records()->mutable_group();
    group->set_group_id(group_id);
    group->set_type(metadata::v1::GROUP_TYPE_CLASSIC);
    group->set_state(metadata::v1::GROUP_STATE_STABLE);
    group->set_generation(4);
    group->set_protocol_type("consumer");
    for (const auto& [member_id, instance_id] : {std::pair{"m", ""}, std::pair{"s", "i"}}) {
      metadata::v1::GroupMemberRecord* member = batch.add_records()->mutable_group_member();
      member->set_group_id(group_id);
      member->set_member_id(member_id);
      member->set_instance_id(instance_id);
      member->set_session_timeout_ms(10'000);
    }
    controllers_->Append(std::move(batch));
    WaitUntil([&] { return Listed().contains(group_id); });
  }
  std::set<std::string> Listed() {
    std::set<std::string> ids;
    for (const auto& group : Ask<wire::ListGroupsResponse>(5, wire::ListGroupsRequest{}).groups) {
      ids.insert(group.group_id);
    }
    return ids;
  }
  // Asks something between two looks, so that the broker gets its turn.
  void WaitUntil(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "condition never held";
      Ask<wire::ApiVersionsResponse>(0, wire::ApiVersionsRequest{});
    }
  }

  std::unique_ptr<BrokerClient> client_;
};

}  // namespace weir::handlers
