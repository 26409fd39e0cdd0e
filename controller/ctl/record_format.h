// Templates like '%k %v\n': how consume prints a record and how produce reads one.
//
//   %t topic  %p partition  %o offset  %T timestamp (ms since 1970)  %k key  %v value
//   %h headers as k=v,k=v   %% a percent sign    {hex} or {base64} may follow %k and %v
//   \n \t \r \0 \\ and \xNN in the text between
//
// Null prints as nothing. Thread rule: immutable after Parse.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "controller/ctl/record.h"

namespace weir::ctl {

enum class RecordField { kTopic, kPartition, kOffset, kTimestamp, kKey, kValue, kHeaders };
enum class FieldEncoding { kPlain, kHex, kBase64 };

// A field and the text up to the next one.
struct TemplatePart {
  RecordField field = RecordField::kValue;
  FieldEncoding encoding = FieldEncoding::kPlain;
  std::string text_after;
};

struct RecordTemplate {
  std::string text_before;
  std::vector<TemplatePart> parts;

  // Errors: kInvalidRequest naming the unknown field or escape.
  static Result<RecordTemplate> Parse(std::string_view text);
};

std::string PrintRecord(const RecordTemplate& format, const Record& record);

// One line of JSON without its newline. Bytes that are not UTF-8 appear as key_base64 and
// value_base64 instead of key and value.
std::string RecordToJson(const Record& record);

// Reads records from lines. The template's fields are found by the text between them, the last one
// takes the rest; a final newline of the template is the line's own.
class RecordReader {
 public:
  // Errors: kInvalidRequest when a field cannot be read from input (%o, %t, an encoding), when two
  // fields have nothing between them, or when there is none.
  static Result<RecordReader> Make(RecordTemplate format);

  // Fills key, value, partition and headers of `record`. Errors: kInvalidRequest when the line does
  // not have the template's form.
  Status Read(std::string_view line, Record& record) const;

 private:
  explicit RecordReader(RecordTemplate format) : format_(std::move(format)) {}

  RecordTemplate format_;
};

// "k=v" or "k" (null value).
RecordHeader ParseHeader(std::string_view text);

}  // namespace weir::ctl
