#include "controller/ctl/record_format.h"

#include <charconv>

#include <nlohmann/json.hpp>

namespace weir::ctl {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

std::string ToHex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    hex += kHexDigits[static_cast<uint8_t>(c) >> 4];
    hex += kHexDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

std::string ToBase64(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0);
    for (size_t i = 0; i < 4; ++i)
      text += at + i <= bytes.size() ? kAlphabet[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

bool IsUtf8(std::string_view bytes) {
  // nlohmann checks while it prints; "strict" reports instead of replacing.
  try {
    static_cast<void>(nlohmann::json(bytes).dump());
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::optional<RecordField> FieldOf(char letter) {
  if (letter == 't') return RecordField::kTopic;
  if (letter == 'p') return RecordField::kPartition;
  if (letter == 'o') return RecordField::kOffset;
  if (letter == 'T') return RecordField::kTimestamp;
  if (letter == 'k') return RecordField::kKey;
  if (letter == 'v') return RecordField::kValue;
  if (letter == 'h') return RecordField::kHeaders;
  return std::nullopt;
}

// Cuts a template into parts from left to right.
class TemplateParser {
 public:
  explicit TemplateParser(std::string_view text) : rest_(text) {}

  Result<RecordTemplate> Parse() {
    while (!rest_.empty()) {
      const char c = Next();
      if (c == '\\') {
        WEIR_RETURN_IF_ERROR(ParseEscape());
      } else if (c == '%') {
        WEIR_RETURN_IF_ERROR(ParseField());
      } else {
        Literal(c);
      }
    }
    return std::move(template_);
  }

 private:
  char Next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void Literal(char c) {
    (template_.parts.empty() ? template_.text_before : template_.parts.back().text_after) += c;
  }

  Status ParseEscape() {
    if (rest_.empty()) return Fail(ErrorCode::kInvalidRequest, "a lone \\ ends the format");
    const char c = Next();
    if (c == 'x') return ParseHexEscape();
    constexpr std::string_view kLetters = "ntr0\\";
    constexpr std::string_view kBytes("\n\t\r\0\\", 5);
    const size_t index = kLetters.find(c);
    if (index == std::string_view::npos)
      return Fail(ErrorCode::kInvalidRequest,
                  std::string("format: unknown escape \\") + c + "; there are n t r 0 \\ xNN");
    Literal(kBytes[index]);
    return {};
  }

  Status ParseHexEscape() {
    uint8_t byte = 0;
    const std::string_view digits = rest_.substr(0, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (error != std::errc() || end != digits.data() + 2)
      return Fail(ErrorCode::kInvalidRequest, "format: \\x needs two hexadecimal digits");
    rest_.remove_prefix(2);
    Literal(static_cast<char>(byte));
    return {};
  }

  Status ParseField() {
    if (rest_.empty()) return Fail(ErrorCode::kInvalidRequest, "a lone % ends the format");
    const char letter = Next();
    if (letter == '%') {
      Literal('%');
      return {};
    }
    const auto field = FieldOf(letter);
    if (!field)
      return Fail(ErrorCode::kInvalidRequest, std::string("format: unknown field %") + letter +
                                                  "; there are %t %p %o %T %k %v %h %%");
    TemplatePart part{*field, FieldEncoding::kPlain, {}};
    if (*field == RecordField::kKey || *field == RecordField::kValue) ParseEncoding(part);
    template_.parts.push_back(std::move(part));
    return {};
  }

  void ParseEncoding(TemplatePart& part) {
    constexpr std::string_view kHex = "{hex}";
    constexpr std::string_view kBase64 = "{base64}";
    if (rest_.starts_with(kHex)) {
      part.encoding = FieldEncoding::kHex;
      rest_.remove_prefix(kHex.size());
    } else if (rest_.starts_with(kBase64)) {
      part.encoding = FieldEncoding::kBase64;
      rest_.remove_prefix(kBase64.size());
    }
  }

  std::string_view rest_;
  RecordTemplate template_;
};

std::string Encode(const std::optional<std::string>& bytes, FieldEncoding encoding) {
  const std::string& plain = bytes ? *bytes : std::string();
  switch (encoding) {
    case FieldEncoding::kPlain:
      return plain;
    case FieldEncoding::kHex:
      return ToHex(plain);
    case FieldEncoding::kBase64:
      return ToBase64(plain);
  }
  return plain;
}

std::string PrintHeaders(const std::vector<RecordHeader>& headers) {
  std::string text;
  for (const RecordHeader& header : headers) {
    text += (text.empty() ? "" : ",") + header.key;
    if (header.value) text += "=" + *header.value;
  }
  return text;
}

std::string PrintField(const TemplatePart& part, const Record& record) {
  switch (part.field) {
    case RecordField::kTopic:
      return record.topic;
    case RecordField::kPartition:
      return std::to_string(record.partition);
    case RecordField::kOffset:
      return std::to_string(record.offset);
    case RecordField::kTimestamp:
      return std::to_string(record.timestamp_ms);
    case RecordField::kKey:
      return Encode(record.key, part.encoding);
    case RecordField::kValue:
      return Encode(record.value, part.encoding);
    case RecordField::kHeaders:
      return PrintHeaders(record.headers);
  }
  return {};
}

void AddBytes(nlohmann::ordered_json& json, const std::string& name,
              const std::optional<std::string>& bytes) {
  if (!bytes)
    json[name] = nullptr;
  else if (IsUtf8(*bytes))
    json[name] = *bytes;
  else
    json[name + "_base64"] = ToBase64(*bytes);
}

void ReadHeaders(std::string_view text, std::vector<RecordHeader>& headers) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    headers.push_back(ParseHeader(text.substr(0, comma)));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
}

Status ReadField(RecordField field, std::string_view text, Record& record) {
  if (field == RecordField::kKey) record.key = std::string(text);
  if (field == RecordField::kValue) record.value = std::string(text);
  if (field == RecordField::kHeaders) ReadHeaders(text, record.headers);
  if (field == RecordField::kPartition) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), record.partition);
    if (error != std::errc() || end != text.data() + text.size() || record.partition < 0)
      return Fail(ErrorCode::kInvalidRequest, "\"" + std::string(text) + "\" is no partition");
  }
  return {};
}

}  // namespace

Result<RecordTemplate> RecordTemplate::Parse(std::string_view text) {
  return TemplateParser(text).Parse();
}

std::string PrintRecord(const RecordTemplate& format, const Record& record) {
  std::string text = format.text_before;
  for (const TemplatePart& part : format.parts) text += PrintField(part, record) + part.text_after;
  return text;
}

std::string RecordToJson(const Record& record) {
  nlohmann::ordered_json json = {{"topic", record.topic},
                                 {"partition", record.partition},
                                 {"offset", record.offset},
                                 {"timestamp", record.timestamp_ms}};
  AddBytes(json, "key", record.key);
  AddBytes(json, "value", record.value);
  auto headers = nlohmann::ordered_json::array();
  for (const RecordHeader& header : record.headers) {
    nlohmann::ordered_json entry;
    AddBytes(entry, "key", header.key);
    AddBytes(entry, "value", header.value);
    headers.push_back(std::move(entry));
  }
  json["headers"] = std::move(headers);
  return json.dump();
}

Result<RecordReader> RecordReader::Make(RecordTemplate format) {
  if (format.parts.empty())
    return Fail(ErrorCode::kInvalidRequest, "the format names no field; e.g. '%k %v\\n'");
  std::string& last = format.parts.back().text_after;
  if (last.ends_with('\n')) last.pop_back();
  for (size_t i = 0; i < format.parts.size(); ++i) {
    const TemplatePart& part = format.parts[i];
    const bool readable = part.field == RecordField::kKey || part.field == RecordField::kValue ||
                          part.field == RecordField::kHeaders ||
                          part.field == RecordField::kPartition;
    if (!readable || part.encoding != FieldEncoding::kPlain)
      return Fail(ErrorCode::kInvalidRequest, "input can give %k, %v, %h and %p only");
    if (part.text_after.empty() && i + 1 < format.parts.size())
      return Fail(ErrorCode::kInvalidRequest, "two fields need some text between them");
  }
  return RecordReader(std::move(format));
}

Status RecordReader::Read(std::string_view line, Record& record) const {
  const auto mismatch = [line] {
    return Fail(ErrorCode::kInvalidRequest,
                "line \"" + std::string(line.substr(0, 80)) + "\" does not match the format");
  };
  if (!line.starts_with(format_.text_before)) return mismatch();
  line.remove_prefix(format_.text_before.size());
  for (size_t i = 0; i < format_.parts.size(); ++i) {
    const TemplatePart& part = format_.parts[i];
    const bool last = i + 1 == format_.parts.size();
    if (last && !line.ends_with(part.text_after)) return mismatch();
    const size_t end = last ? line.size() - part.text_after.size() : line.find(part.text_after);
    if (end == std::string_view::npos) return mismatch();
    WEIR_RETURN_IF_ERROR(ReadField(part.field, line.substr(0, end), record));
    line.remove_prefix(end + part.text_after.size());
  }
  return {};
}

RecordHeader ParseHeader(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {std::string(text), std::nullopt};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace weir::ctl
