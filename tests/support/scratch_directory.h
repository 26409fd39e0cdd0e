// ScratchDirectory: a new empty directory that goes with the object.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/base/check.h"

namespace weir::test {

class ScratchDirectory {
 public:
  ScratchDirectory() : path_(::testing::TempDir() + "weir-XXXXXX") {
    WEIR_CHECK(::mkdtemp(path_.data()) != nullptr, path_.c_str());
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace weir::test
