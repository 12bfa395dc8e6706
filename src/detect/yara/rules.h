// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/problem.h"

// YARA rules through libyara 4.2: https://yara.readthedocs.io
namespace ekshume::detect::yara {

// One file of rules.
struct Source {
  std::string path;
  std::string text;
  std::string folder;  // what `include` may read from: this folder and those below it
};

// Compiled rules of some files. Immutable; any thread may make a Scanner of them. Each file is a
// namespace of its own: rules of one file do not see those of another, except by `include`.
class Rules {
 public:
  // Loads files and all .yar and .yara files below folders, in order of their paths. A file that
  // does not compile is in refused(), and so is one with an `include` of what lies outside the
  // folder that was named (the file's own folder where a file was named), with a binary of
  // compiled rules, or with more than limits::kMaxYaraFileBytes. kNotFound or kIo when a path
  // cannot be read, or holds no rules file.
  static Result<std::unique_ptr<Rules>> Load(const std::vector<std::string>& paths);
  // The same of texts.
  static std::unique_ptr<Rules> Compile(std::vector<Source> sources);
  ~Rules();

  size_t rule_count() const;
  size_t file_count() const;  // those that compiled
  const std::vector<Problem>& refused() const;
  const std::vector<Problem>& doubtful() const;

 private:
  friend class Scanner;
  struct State;
  explicit Rules(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace ekshume::detect::yara
