// Templates of records: printing, JSON, and reading lines.
#include "controller/ctl/record_format.h"

#include <gtest/gtest.h>

namespace weir::ctl {
namespace {

Record Sample() {
  Record record;
  record.topic = "orders";
  record.partition = 3;
  record.offset = 41;
  record.timestamp_ms = 1700000000000;
  record.key = "k1";
  record.value = "a b";
  record.headers = {{"h", "1"}, {"empty", ""}, {"null", std::nullopt}};
  return record;
}

std::string Printed(const std::string& format, const Record& record) {
  const auto parsed = RecordTemplate::Parse(format);
  EXPECT_TRUE(parsed.has_value()) << format;
  return parsed ? PrintRecord(*parsed, record) : "";
}

TEST(RecordTemplate, PrintsEveryField) {
  EXPECT_EQ(Printed("%t %p %o %T %k %v %h\\n", Sample()),
            "orders 3 41 1700000000000 k1 a b h=1,empty=,null\n");
}

TEST(RecordTemplate, EscapesAndPercentSigns) {
  EXPECT_EQ(Printed("100%%\\t%k\\\\\\x41\\0", Sample()), std::string("100%\tk1\\A\0", 10));
}

TEST(RecordTemplate, EncodesBytes) {
  Record record = Sample();
  record.value = std::string("\x00\xff\x10", 3);
  EXPECT_EQ(Printed("%v{hex}", record), "00ff10");
  EXPECT_EQ(Printed("%v{base64}", record), "AP8Q");
  record.value = "ab";
  EXPECT_EQ(Printed("%v{base64}", record), "YWI=");
  record.value = "a";
  EXPECT_EQ(Printed("%v{base64}", record), "YQ==");
}

TEST(RecordTemplate, NullPrintsAsNothing) {
  Record record = Sample();
  record.key.reset();
  EXPECT_EQ(Printed("[%k]", record), "[]");
}

TEST(RecordTemplate, RefusesWhatItDoesNotKnow) {
  for (const char* format : {"%q", "%", "\\", "\\q", "\\x1", "\\xzz"})
    EXPECT_FALSE(RecordTemplate::Parse(format).has_value()) << format;
}

TEST(RecordJson, KeepsNullsAndHeaders) {
  Record record = Sample();
  record.key.reset();
  record.headers = {{"h", "1"}, {"n", std::nullopt}};
  EXPECT_EQ(RecordToJson(record),
            R"({"topic":"orders","partition":3,"offset":41,"timestamp":1700000000000,"key":null,)"
            R"("value":"a b","headers":[{"key":"h","value":"1"},{"key":"n","value":null}]})");
}

TEST(RecordJson, BytesBeyondUtf8BecomeBase64) {
  Record record = Sample();
  record.value = std::string("\xff\xfe", 2);
  EXPECT_NE(RecordToJson(record).find(R"("value_base64":"//4=")"), std::string::npos);
}

class RecordReading : public testing::Test {
 protected:
  static Status Read(const std::string& format, const std::string& line, Record& record) {
    const auto parsed = RecordTemplate::Parse(format);
    const auto reader = RecordReader::Make(*parsed);
    EXPECT_TRUE(reader.has_value()) << format;
    return reader->Read(line, record);
  }
};

TEST_F(RecordReading, AWholeLineIsTheValue) {
  Record record;
  ASSERT_TRUE(Read("%v\\n", "hello world", record));
  EXPECT_EQ(record.value, "hello world");
  EXPECT_EQ(record.key, std::nullopt);
}

TEST_F(RecordReading, TextBetweenFieldsPartsThem) {
  Record record;
  ASSERT_TRUE(Read("%k %v\\n", "key the rest", record));
  EXPECT_EQ(record.key, "key");
  EXPECT_EQ(record.value, "the rest");
}

TEST_F(RecordReading, HeadersAndPartition) {
  Record record;
  ASSERT_TRUE(Read("%p|%h|%v;\\n", "2|a=1,b|x;", record));
  EXPECT_EQ(record.partition, 2);
  EXPECT_EQ(record.headers, (std::vector<RecordHeader>{{"a", "1"}, {"b", std::nullopt}}));
  EXPECT_EQ(record.value, "x");
}

TEST_F(RecordReading, ALineOfAnotherFormIsRefused) {
  Record record;
  EXPECT_FALSE(Read("%k %v\\n", "nokey", record));
  EXPECT_FALSE(Read("(%v)\\n", "x)", record));
  EXPECT_FALSE(Read("(%v)\\n", "(x", record));
  EXPECT_FALSE(Read("(%v)\\n", "(", record));
  EXPECT_FALSE(Read("%p %v\\n", "one x", record));
}

TEST_F(RecordReading, SomeTemplatesCannotBeRead) {
  for (const char* format : {"%o %v", "%k%v", "text", "%v{hex}", "%T %v"})
    EXPECT_FALSE(RecordReader::Make(*RecordTemplate::Parse(format)).has_value()) << format;
}

}  // namespace
}  // namespace weir::ctl
