// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/sigma/pattern.h"
#include "detect/sigma/value.h"

namespace re2 {
class RE2;
}

// What one value of a rule asks of a field, after its modifiers (specification 2.1, appendix
// "Modifiers").
namespace ekshume::detect::sigma {

enum class Comparison : uint8_t { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
enum class TimePart : uint8_t { kNone, kMinute, kHour, kDay, kWeek, kMonth, kYear };

// 10.0.0.0/8, fd00::/8; an address without a slash is a network of one.
struct Network {
  std::array<uint8_t, 16> address{};
  bool is_version_6 = false;
  int bits = 0;

  static std::optional<Network> Parse(std::string_view text);
  bool Contains(std::string_view address) const;
};

struct Matcher {
  enum class Kind : uint8_t {
    kPattern,
    kRegex,
    kNetwork,
    kNull,      // missing or null
    kExists,    // there, whatever it holds; or not
    kNumber,    // compared as a number, or a part of a time
    kFieldRef,  // compared with another field of the record
  };
  Kind kind = Kind::kPattern;
  Pattern pattern;
  std::shared_ptr<const re2::RE2> regex;
  Network network;
  bool exists = true;
  Comparison comparison = Comparison::kEqual;
  TimePart part = TimePart::kNone;
  double number = 0;
  uint32_t other_field = 0;                    // kFieldRef: index into Detection::fields
  bool any_before = false, any_after = false;  // kFieldRef with contains, startswith, endswith
  bool cased = false;
  uint32_t value = 0;  // which value of the rule it was made of; one may give several variants

  // Whether one value fits: for the kinds kPattern, kRegex, kNetwork and kNumber. Null fits none.
  bool Fits(const Value& found) const;
  // kFieldRef: whether a value fits one of the other field's.
  bool FitsField(const Value& found, const Value& other) const;
};

// A value as YAML has it.
struct Scalar {
  std::string text;
  bool is_null = false;
  size_t line = 0;
};

// The values that `%name%` stands for (modifier expand).
using Placeholders = std::map<std::string, std::vector<std::string>, std::less<>>;

// What a key of a selection says: `CommandLine|contains|all`.
struct ItemMatchers {
  std::vector<Matcher> matchers;
  std::vector<std::string> other_fields;  // of kFieldRef matchers, which name them by index
  uint32_t values = 0;                    // how many Matcher::value there are
  bool all = false;                       // of every value a matcher must fit, not of one
  bool negate = false;                    // neq
};

// Compiles the values with their modifiers. `is_keyword`: without a field, so that each text is
// looked for anywhere. kUnsupported for an unknown modifier or a combination without a meaning,
// kInvalidArgument for a value that the modifier cannot take, kLimit (kMaxRulePatterns,
// kMaxRuleRegexBytes).
Result<ItemMatchers> CompileItem(const std::vector<std::string>& modifiers,
                                 const std::vector<Scalar>& values, bool is_keyword,
                                 const Placeholders& placeholders);

}  // namespace ekshume::detect::sigma
