// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/limits.h"
#include "detect/sigma/matcher.h"

namespace ekshume::detect::sigma {
namespace {

enum class Encoding : uint8_t { kBase64, kBase64Offset, kUtf16Le, kUtf16Be, kUtf16 };

// The modifiers of one key, sorted out.
struct Plan {
  bool any_before = false, any_after = false;
  bool cased = false, windash = false, expand = false, exists = false;
  bool regex = false, regex_i = false, regex_m = false, regex_s = false;
  bool network = false, field_ref = false;
  std::optional<Comparison> comparison;
  TimePart part = TimePart::kNone;
  std::vector<Encoding> encodings;  // in the order in which they are applied
};

Error Refuse(std::string message) { return Fail(ErrorCode::kUnsupported, std::move(message)); }

constexpr std::pair<std::string_view, Encoding> kEncodings[] = {
    {"base64", Encoding::kBase64},   {"base64offset", Encoding::kBase64Offset},
    {"utf16le", Encoding::kUtf16Le}, {"wide", Encoding::kUtf16Le},
    {"utf16be", Encoding::kUtf16Be}, {"utf16", Encoding::kUtf16}};
constexpr std::pair<std::string_view, Comparison> kComparisons[] = {
    {"lt", Comparison::kLess},
    {"lte", Comparison::kLessOrEqual},
    {"gt", Comparison::kGreater},
    {"gte", Comparison::kGreaterOrEqual}};
constexpr std::pair<std::string_view, TimePart> kTimeParts[] = {
    {"minute", TimePart::kMinute}, {"hour", TimePart::kHour},   {"day", TimePart::kDay},
    {"week", TimePart::kWeek},     {"month", TimePart::kMonth}, {"year", TimePart::kYear}};
constexpr std::pair<std::string_view, bool Plan::*> kFlags[] = {
    {"cased", &Plan::cased},       {"windash", &Plan::windash}, {"expand", &Plan::expand},
    {"exists", &Plan::exists},     {"re", &Plan::regex},        {"cidr", &Plan::network},
    {"fieldref", &Plan::field_ref}};
// Of `re`, behind it.
constexpr std::pair<std::string_view, bool Plan::*> kRegexFlags[] = {
    {"i", &Plan::regex_i}, {"m", &Plan::regex_m}, {"s", &Plan::regex_s}};

template <typename Table>
const auto* Find(const Table& table, std::string_view name) {
  const auto* found = std::ranges::find(table, name, [](const auto& row) { return row.first; });
  return found == std::end(table) ? nullptr : found;
}

Result<Plan> MakePlan(const std::vector<std::string>& modifiers, ItemMatchers& item) {
  Plan plan;
  for (const std::string& name : modifiers) {
    if (name == "all") {
      item.all = true;
    } else if (name == "neq") {
      item.negate = true;
    } else if (name == "contains" || name == "startswith" || name == "endswith") {
      plan.any_before |= name != "startswith";
      plan.any_after |= name != "endswith";
    } else if (const auto* encoding = Find(kEncodings, name)) {
      if (plan.any_before || plan.any_after || plan.windash) {
        return Refuse(fmt::format("the modifier {} cannot stand behind wildcards", name));
      }
      plan.encodings.push_back(encoding->second);
    } else if (const auto* comparison = Find(kComparisons, name)) {
      plan.comparison = comparison->second;
    } else if (const auto* part = Find(kTimeParts, name)) {
      plan.part = part->second;
    } else if (const auto* flag = Find(kFlags, name)) {
      plan.*flag->second = true;
    } else if (const auto* regex_flag = Find(kRegexFlags, name); regex_flag && plan.regex) {
      plan.*regex_flag->second = true;
    } else {
      return Refuse(fmt::format("unknown modifier {}", name.empty() ? "(empty)" : name));
    }
  }
  const bool is_number = plan.comparison || plan.part != TimePart::kNone;
  const bool has_wildcards = plan.any_before || plan.any_after;
  const int ways = int{is_number} + int{plan.regex} + int{plan.network} + int{plan.exists} +
                   int{plan.field_ref} + int{!plan.encodings.empty() || plan.windash};
  if (ways > 1 || (has_wildcards && (is_number || plan.network || plan.exists))) {
    return Refuse("modifiers that make no sense together");
  }
  return plan;
}

// Every text that `text` stands for: `%name%` replaced by each of its values.
Result<std::vector<std::string>> Expand(const std::string& text, const Placeholders& placeholders) {
  std::vector<std::string> done = {""};
  bool any = false;
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find('%', at);
    const size_t close = open == std::string::npos ? std::string::npos : text.find('%', open + 1);
    const bool is_name = close != std::string::npos && close > open + 1;
    const std::string before = text.substr(at, is_name ? open - at : std::string::npos);
    for (std::string& one : done) one += before;
    if (!is_name) break;
    const std::string name = text.substr(open + 1, close - open - 1);
    const auto found = placeholders.find(name);
    if (found == placeholders.end()) {
      return Refuse(
          fmt::format("the placeholder %{}% has no value (--placeholder {}=...)", name, name));
    }
    any = true;
    std::vector<std::string> next;
    for (const std::string& one : done) {
      for (const std::string& value : found->second) next.push_back(one + value);
      if (next.size() > limits::kMaxRulePatterns)
        return Fail(ErrorCode::kLimit, "kMaxRulePatterns");
    }
    done = std::move(next);
    at = close + 1;
  }
  if (!any) return Refuse(fmt::format("expand without a placeholder in {}", text));
  return done;
}

// What is the same of the encoded value whatever stands before and behind it, for the three
// positions that it can begin at.
std::vector<std::string> Base64Offsets(std::string_view bytes) {
  constexpr size_t kStart[] = {0, 2, 3};
  constexpr size_t kEnd[] = {0, 3, 2};
  std::vector<std::string> variants;
  for (size_t offset = 0; offset < 3; ++offset) {
    const std::string whole =
        EncodeBase64(ByteView::Of(std::string(offset, ' ') + std::string(bytes)));
    const size_t cut = kStart[offset] + kEnd[(bytes.size() + offset) % 3];
    if (whole.size() > cut) {
      variants.push_back(whole.substr(kStart[offset], whole.size() - cut));
    }
  }
  return variants;
}

// Code points of UTF-8; a byte that is none stands for itself.
std::u32string CodePoints(std::string_view text) {
  std::u32string points;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<uint8_t>(text[i]);
    const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    char32_t point = length == 1 ? first : first & (0xFFU >> (length + 1));
    size_t taken = 1;
    while (taken < length && i + taken < text.size() &&
           (static_cast<uint8_t>(text[i + taken]) & 0xC0U) == 0x80U) {
      point = point << 6 | (static_cast<uint8_t>(text[i + taken]) & 0x3FU);
      ++taken;
    }
    points += taken == length ? point : first;
    i += taken;
  }
  return points;
}

std::string Utf16(std::string_view text, Encoding encoding) {
  std::string out = encoding == Encoding::kUtf16 ? "\xFF\xFE" : "";
  const auto put = [&](uint32_t unit) {
    const auto low = static_cast<char>(unit & 0xFFU);
    const auto high = static_cast<char>(unit >> 8 & 0xFFU);
    out += encoding == Encoding::kUtf16Be ? high : low;
    out += encoding == Encoding::kUtf16Be ? low : high;
  };
  for (const char32_t point : CodePoints(text)) {
    if (point < 0x10000) {
      put(point);
    } else {
      put(0xD800U | ((point - 0x10000U) >> 10 & 0x3FFU));
      put(0xDC00U | ((point - 0x10000U) & 0x3FFU));
    }
  }
  return out;
}

Result<std::vector<Pattern>> Encode(const Pattern& pattern,
                                    const std::vector<Encoding>& encodings) {
  if (!pattern.is_literal()) return Refuse("a text with wildcards cannot be encoded");
  std::vector<std::string> texts = {pattern.literal()};
  for (const Encoding encoding : encodings) {
    std::vector<std::string> next;
    for (const std::string& text : texts) {
      if (encoding == Encoding::kBase64) {
        next.push_back(EncodeBase64(ByteView::Of(text)));
      } else if (encoding == Encoding::kBase64Offset) {
        std::ranges::move(Base64Offsets(text), std::back_inserter(next));
      } else {
        next.push_back(Utf16(text, encoding));
      }
    }
    texts = std::move(next);
    if (texts.size() > limits::kMaxRulePatterns) return Fail(ErrorCode::kLimit, "kMaxRulePatterns");
  }
  std::vector<Pattern> patterns;
  for (const std::string& text : texts) {
    if (text.empty()) return Fail(ErrorCode::kInvalidArgument, "a text too short to be encoded");
    patterns.push_back(Pattern::Literal(text));
  }
  return patterns;
}

Result<double> NumberOf(const Scalar& value) {
  double number = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto [last, error] = std::from_chars(value.text.data(), end, number);
  if (error != std::errc() || last != end || !std::isfinite(number)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no number", value.text));
  }
  return number;
}

Result<Matcher> RegexMatcher(const std::string& text, const Plan& plan) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(limits::kMaxRuleRegexBytes);
  options.set_dot_nl(plan.regex_s);
  options.set_case_sensitive(!plan.regex_i);
  Matcher matcher;
  matcher.kind = Matcher::Kind::kRegex;
  const auto regex = std::make_shared<const re2::RE2>(plan.regex_m ? "(?m)" + text : text, options);
  if (!regex->ok()) {
    const bool is_large = regex->error_code() == re2::RE2::ErrorPatternTooLarge ||
                          regex->error_code() == re2::RE2::ErrorRepeatSize;
    constexpr size_t kShown = 80;  // an expression may be as long as a file of rules
    const auto shortened = [](const std::string& whole) {
      return whole.size() <= kShown ? whole : whole.substr(0, kShown) + "...";
    };
    return Fail(is_large ? ErrorCode::kLimit : ErrorCode::kInvalidArgument,
                fmt::format("regular expression {}: {}{}", shortened(text),
                            shortened(regex->error()), is_large ? " (kMaxRuleRegexBytes)" : ""));
  }
  matcher.regex = regex;
  return matcher;
}

Result<std::vector<Matcher>> TextMatchers(const Pattern& text, const Plan& plan, bool is_keyword) {
  std::vector<Pattern> patterns = {text};
  if (!plan.encodings.empty()) patterns = EKSHUME_TRY(Encode(text, plan.encodings));
  std::vector<Matcher> matchers;
  for (Pattern& pattern : patterns) {
    if (plan.windash) pattern.AnyDash();
    if (plan.any_before || is_keyword) pattern.AnyBefore();
    if (plan.any_after || is_keyword) pattern.AnyAfter();
    if (plan.cased) pattern.SetCased();
    pattern.Finish();
    Matcher& matcher = matchers.emplace_back();
    matcher.cased = plan.cased;
    matcher.pattern = std::move(pattern);
  }
  return matchers;
}

Result<Matcher> OtherMatcher(const Scalar& value, const Plan& plan, ItemMatchers& item) {
  Matcher matcher;
  matcher.cased = plan.cased;
  if (plan.exists) {
    const std::string word = AsciiLower(value.text);
    if (word != "true" && word != "false" && word != "yes" && word != "no") {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("exists takes true or false, not {}", value.text));
    }
    matcher.kind = Matcher::Kind::kExists;
    matcher.exists = word == "true" || word == "yes";
  } else if (plan.network) {
    const std::optional<Network> network = Network::Parse(value.text);
    if (!network) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no network", value.text));
    }
    matcher.kind = Matcher::Kind::kNetwork;
    matcher.network = *network;
  } else if (plan.field_ref) {
    matcher.kind = Matcher::Kind::kFieldRef;
    matcher.other_field = static_cast<uint32_t>(item.other_fields.size());
    matcher.any_before = plan.any_before;
    matcher.any_after = plan.any_after;
    item.other_fields.push_back(value.text);
  } else {
    matcher.kind = Matcher::Kind::kNumber;
    matcher.comparison = plan.comparison.value_or(Comparison::kEqual);
    matcher.part = plan.part;
    matcher.number = EKSHUME_TRY(NumberOf(value));
  }
  return matcher;
}

Result<void> AddValue(const Scalar& value, const Plan& plan, bool is_keyword,
                      const Placeholders& placeholders, ItemMatchers& item) {
  if (value.is_null) {
    Matcher& matcher = item.matchers.emplace_back();
    matcher.kind = Matcher::Kind::kNull;
    if (is_keyword) return Refuse("a keyword that is null");
    return {};
  }
  if (plan.exists || plan.network || plan.field_ref || plan.comparison ||
      plan.part != TimePart::kNone) {
    if (is_keyword) return Refuse("a modifier that needs a field");
    item.matchers.push_back(EKSHUME_TRY(OtherMatcher(value, plan, item)));
    return {};
  }
  std::vector<std::string> texts = {value.text};
  if (plan.expand) texts = EKSHUME_TRY(Expand(value.text, placeholders));
  for (const std::string& text : texts) {
    if (plan.regex) {
      item.matchers.push_back(EKSHUME_TRY(RegexMatcher(text, plan)));
    } else {
      std::ranges::move(EKSHUME_TRY(TextMatchers(Pattern::Parse(text), plan, is_keyword)),
                        std::back_inserter(item.matchers));
    }
  }
  return {};
}

}  // namespace

Result<ItemMatchers> CompileItem(const std::vector<std::string>& modifiers,
                                 const std::vector<Scalar>& values, bool is_keyword,
                                 const Placeholders& placeholders) {
  ItemMatchers item;
  const Plan plan = EKSHUME_TRY(MakePlan(modifiers, item));
  for (const Scalar& value : values) {
    const size_t before = item.matchers.size();
    EKSHUME_TRY(AddValue(value, plan, is_keyword, placeholders, item));
    for (size_t i = before; i < item.matchers.size(); ++i) item.matchers[i].value = item.values;
    ++item.values;
    if (item.matchers.size() > limits::kMaxRulePatterns) {
      return Fail(ErrorCode::kLimit, "kMaxRulePatterns");
    }
  }
  return item;
}

}  // namespace ekshume::detect::sigma
