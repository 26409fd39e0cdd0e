// Compares every message of the code with the protocol's facts in tests/data/wire_*.txt: a field
// that is missing, misplaced, of another type, version, tag or default fails here, with both lines
// shown.
#include "broker/wire/signature.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "broker/wire/messages/all.h"

namespace weir::wire {
namespace {

std::vector<std::string> ReadLines(const std::string& name) {
  std::ifstream file(std::string(WEIR_SOURCE_DIR) + "/tests/data/" + name);
  EXPECT_TRUE(file.is_open()) << name;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

template <class Function>
void ForEachMessage(Function function) {
  AllStructures::ForEach(function);
  AllRequests::ForEach(function);
  AllResponses::ForEach(function);
}

TEST(WireSignature, EveryMessageAndVersionIsTheProtocols) {
  std::vector<std::string> expected = ReadLines("wire_signatures.txt");
  std::set<std::string> actual;
  ForEachMessage([&]<class M>() {
    for (int16_t v = M::kInfo.versions.first; v <= M::kInfo.versions.last; ++v) {
      actual.insert(Signature<M>(v));
    }
  });
  EXPECT_GT(expected.size(), 500u);
  for (const std::string& line : expected) EXPECT_EQ(actual.erase(line), 1u) << "missing " << line;
  for (const std::string& line : actual) ADD_FAILURE() << "not in the protocol: " << line;
}

// Lists what differs from zero, empty and false in a default-constructed message, by path.
class DefaultsVisitor {
 public:
  DefaultsVisitor(std::string path, std::map<std::string, std::string>& defaults)
      : path_(std::move(path)), defaults_(defaults) {}

  template <class T>
  void operator()(const char* name, const T& field, const FieldSpec& spec) {
    Visit(name, field);
    if (!spec.IsTagged()) return;
    if constexpr (kIsOptional<T>) {
      EXPECT_FALSE(field.has_value()) << path_ << name;
    } else {
      EXPECT_TRUE(field == T{}) << path_ << name;
    }
  }
  template <class T, class Default>
  void operator()(const char* name, const T& field, const FieldSpec& spec, const Default& value) {
    Visit(name, field);
    EXPECT_TRUE(spec.IsTagged()) << path_ << name;
    EXPECT_EQ(field, value) << path_ << name;
  }

 private:
  template <class T>
  void Visit(const char* name, const T& field) {
    const std::string path = path_ + "." + name;
    if constexpr (kIsOptional<T>) {
      if (!field) defaults_[path] = "null";
    } else if constexpr (std::integral<T>) {
      if (field != 0) defaults_[path] = std::to_string(field);
    }
    Descend<T>(path);
  }
  template <class T>
  void Descend(const std::string& path) {
    if constexpr (kIsOptional<T> || kIsArray<T>) {
      Descend<typename T::value_type>(path);
    } else if constexpr (Described<T>) {
      const T object{};
      DefaultsVisitor inner(path, defaults_);
      T::Describe(inner, object);
    }
  }

  std::string path_;
  std::map<std::string, std::string>& defaults_;
};

TEST(WireSignature, EveryDefaultIsTheProtocols) {
  std::map<std::string, std::string> expected;
  for (const std::string& line : ReadLines("wire_defaults.txt")) {
    const size_t middle = line.find(" = ");
    std::string value = line.substr(middle + 3);
    if (value == "true") value = "1";
    if (value != "null") value = std::to_string(std::strtoll(value.c_str(), nullptr, 0));
    expected[line.substr(0, middle)] = value;
  }
  std::map<std::string, std::string> actual;
  ForEachMessage([&]<class M>() {
    const M message{};
    DefaultsVisitor visit(M::kInfo.name, actual);
    M::Describe(visit, message);
  });
  EXPECT_EQ(actual, expected);
}

TEST(WireSignature, ApiFactsAgreeWithMessages) {
  ForEachMessage([]<class M>() {
    if (M::kInfo.api_key == ApiKey::kNone) return;
    const ApiFacts* facts = FindApi(static_cast<int16_t>(M::kInfo.api_key));
    ASSERT_NE(facts, nullptr);
    EXPECT_EQ(facts->versions, M::kInfo.versions) << M::kInfo.name;
    const int16_t flexible_from = std::max(facts->flexible_from, facts->versions.first);
    EXPECT_EQ(flexible_from, M::kInfo.flexible_from) << M::kInfo.name;
    EXPECT_TRUE(std::string(M::kInfo.name).starts_with(facts->name));
  });
}

TEST(WireSignature, EveryApiOfABrokerListenerHasItsMessages) {
  std::set<ApiKey> requests, responses;
  AllRequests::ForEach([&]<class M>() { requests.insert(M::kInfo.api_key); });
  AllResponses::ForEach([&]<class M>() { responses.insert(M::kInfo.api_key); });
  for (const ApiFacts& facts : AllApis()) {
    if (facts.broker_range.empty()) continue;
    EXPECT_TRUE(requests.contains(facts.key)) << facts.name;
    EXPECT_TRUE(responses.contains(facts.key)) << facts.name;
  }
}

}  // namespace
}  // namespace weir::wire
