// Tables and JSON.
#include "controller/ctl/output.h"

#include <gtest/gtest.h>

#include "proto/admin.pb.h"

namespace weir::ctl {
namespace {

TEST(Table, ColumnsLineUpAndTheLastIsNotPadded) {
  Table table({"NAME", "N", "ID"});
  table.AddRow({"a-long-name", "1", "x"});
  table.AddRow({"é", "22", "yy"});
  EXPECT_EQ(table.ToText(),
            "NAME         N   ID\n"
            "a-long-name  1   x\n"
            "é            22  yy\n");
}

TEST(Table, IsEmptyWithoutRows) {
  Table table({"A"});
  EXPECT_TRUE(table.empty());
  table.AddRow({"1"});
  EXPECT_FALSE(table.empty());
}

TEST(Json, KeepsFieldNamesAndPrintsZeroes) {
  admin::v1::PartitionDescription partition;
  partition.add_replica_ids(1);
  const std::string json = ToJson(partition);
  EXPECT_NE(json.find("\"leader_id\": 0"), std::string::npos) << json;
  EXPECT_NE(json.find("\"isr_ids\": []"), std::string::npos) << json;
  EXPECT_EQ(json.find("leaderId"), std::string::npos) << json;
}

TEST(Ids, AnEmptyListIsADash) {
  google::protobuf::RepeatedField<int32_t> ids;
  EXPECT_EQ(JoinIds(ids), "-");
  ids.Add(3);
  ids.Add(1);
  EXPECT_EQ(JoinIds(ids), "3,1");
}

}  // namespace
}  // namespace weir::ctl
