// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "detect/sigma/load.h"

// The tests that belong to rules: files of JSON lines, each with records and whether the rule fires
// on them (docs/detect.md, "rules test").
namespace ekshume::casefile {

// How the tests of one file of rules went. They are of the last rule or correlation in it.
struct RuleTests {
  enum class Verdict : uint8_t { kPassed, kFailed, kUntested, kNoRule };
  Verdict verdict = Verdict::kUntested;
  std::string title;  // of the rule
  std::string id;
  std::string file;   // of the rule; of the tests where there is none
  std::string tests;  // the file of tests; empty when there is none
  size_t passed = 0;
  size_t failed = 0;
  std::vector<std::string> reasons;  // "line 3: ..." for each test that failed
};

// "passed"
std::string_view VerdictName(RuleTests::Verdict verdict);

// Runs the tests of every file of `set`, which was loaded from `paths`, in memory: records are read
// as `investigate` reads logs. In order of the files; then tests below `paths` that belong to no
// rule. A file of tests that cannot be read, or is none, fails for that reason.
std::vector<RuleTests> TestRules(detect::sigma::RuleSet set, const std::vector<std::string>& paths);

}  // namespace ekshume::casefile
