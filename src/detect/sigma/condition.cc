// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "base/limits.h"
#include "detect/sigma/pattern.h"
#include "detect/sigma/value.h"

namespace ekshume::detect::sigma {
namespace {

using Kind = ConditionNode::Kind;

std::vector<std::string_view> Tokens(std::string_view text) {
  std::vector<std::string_view> tokens;
  constexpr std::string_view kBlank = " \t\r\n";
  for (size_t i = 0; i < text.size();) {
    if (kBlank.contains(text[i])) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    if (text[i] != '(' && text[i] != ')') {
      end = std::min(text.find_first_of(" \t\r\n()", i), text.size());
    }
    tokens.push_back(text.substr(i, end - i));
    i = end;
  }
  return tokens;
}

class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& names)
      : tokens_(Tokens(text)), names_(names) {}

  Result<Condition> Run() {
    if (tokens_.empty()) return Wrong("an empty condition");
    if (std::ranges::find(tokens_, "|") != tokens_.end()) {
      return Fail(ErrorCode::kUnsupported,
                  "a condition with | is of the aggregations that Sigma has given up; "
                  "correlations replace them");
    }
    condition_.root = EKSHUME_TRY(Or(0));
    if (at_ < tokens_.size()) {
      return Wrong(fmt::format("condition: {} is not expected", tokens_[at_]));
    }
    return std::move(condition_);
  }

 private:
  static Error Wrong(std::string message) {
    return Fail(ErrorCode::kInvalidArgument, std::move(message));
  }

  std::string Peek(size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? AsciiLower(tokens_[at_ + ahead]) : std::string();
  }

  bool Take(std::string_view word) {
    if (Peek() != word) return false;
    ++at_;
    return true;
  }

  uint32_t Add(ConditionNode node) {
    condition_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(condition_.nodes.size() - 1);
  }

  uint32_t AtLeast(size_t count, std::vector<uint32_t> children) {
    if (children.size() == 1 && count == 1) return children.front();
    return Add({Kind::kAtLeast, 0, static_cast<uint32_t>(count), std::move(children)});
  }

  // NOLINTBEGIN(misc-no-recursion): no deeper than kMaxRuleDepth
  Result<uint32_t> Or(int depth) {
    std::vector<uint32_t> children = {EKSHUME_TRY(And(depth))};
    while (Take("or")) children.push_back(EKSHUME_TRY(And(depth)));
    return AtLeast(1, std::move(children));
  }

  Result<uint32_t> And(int depth) {
    std::vector<uint32_t> children = {EKSHUME_TRY(Not(depth))};
    while (Take("and")) children.push_back(EKSHUME_TRY(Not(depth)));
    const size_t count = children.size();
    return AtLeast(count, std::move(children));
  }

  Result<uint32_t> Not(int depth) {
    if (depth > limits::kMaxRuleDepth) return Fail(ErrorCode::kLimit, "condition: kMaxRuleDepth");
    if (Take("not")) {
      const uint32_t child = EKSHUME_TRY(Not(depth + 1));
      return Add({Kind::kNot, 0, 0, {child}});
    }
    if (Take("(")) {
      const uint32_t inner = EKSHUME_TRY(Or(depth + 1));
      if (!Take(")")) return Wrong("condition: a parenthesis is not closed");
      return inner;
    }
    if (Peek(1) == "of") return Quantity();
    return Name();
  }
  // NOLINTEND(misc-no-recursion)

  Result<uint32_t> Name() {
    if (at_ == tokens_.size()) return Wrong("condition: ends where a name is expected");
    const std::string_view word = tokens_[at_++];
    const auto found = std::ranges::find(names_, word);
    if (found == names_.end()) {
      return Wrong(fmt::format("condition: there is no search identifier {}", word));
    }
    return Add({Kind::kSearch, static_cast<uint32_t>(found - names_.begin()), 0, {}});
  }

  // "1 of selection_*", "all of them"
  Result<uint32_t> Quantity() {
    const std::string quantity = Peek();
    at_ += 2;
    if (at_ == tokens_.size()) return Wrong("condition: ends where a pattern is expected");
    const std::string_view word = tokens_[at_++];
    std::vector<uint32_t> children;
    Pattern pattern = Pattern::Parse(word);
    pattern.SetCased();
    pattern.Finish();
    for (size_t i = 0; i < names_.size(); ++i) {
      const bool fits = AsciiLower(word) == "them" ? !names_[i].starts_with('_')
                                                   : pattern.Matches(names_[i], names_[i]);
      if (fits) children.push_back(Add({Kind::kSearch, static_cast<uint32_t>(i), 0, {}}));
    }
    if (children.empty()) {
      return Wrong(fmt::format("condition: no search identifier fits {}", word));
    }
    size_t count = children.size();
    if (quantity == "any") count = 1;
    if (quantity != "all" && quantity != "any") {
      const char* const end = quantity.data() + quantity.size();
      const auto [last, error] = std::from_chars(quantity.data(), end, count);
      if (error != std::errc() || last != end || count == 0) {
        return Wrong(fmt::format("condition: {} of is not known", quantity));
      }
    }
    return AtLeast(count, std::move(children));
  }

  const std::vector<std::string_view> tokens_;
  const std::vector<std::string>& names_;
  size_t at_ = 0;
  Condition condition_;
};

}  // namespace

Result<Condition> ParseCondition(std::string_view text, const std::vector<std::string>& names) {
  return Parser(text, names).Run();
}

}  // namespace ekshume::detect::sigma
