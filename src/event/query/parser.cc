// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/text.h"
#include "event/query/query.h"
#include "event/query/scanner.h"
#include "event/query/term.h"
#include "event/query/time_expression.h"

namespace ekshume::event {
namespace {

using QueryResult = std::expected<Query, QueryError>;

std::unexpected<QueryError> Wrong(std::string message, size_t offset) {
  return std::unexpected(QueryError{std::move(message), offset});
}

Query TermQuery(Term term) { return {.kind = Query::Kind::kTerm, .term = std::move(term)}; }

Query NotQuery(Query query) {
  Query negated{.kind = Query::Kind::kNot};
  negated.children.push_back(std::move(query));
  return negated;
}

// Of one child the child itself.
Query Joined(Query::Kind kind, std::vector<Query> children) {
  if (children.size() == 1) return std::move(children.front());
  return {.kind = kind, .children = std::move(children)};
}

bool IsFieldName(std::string_view name) { return FindField(name).has_value(); }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

// Recursive descent, one function for each rule:
//   alternatives = all ("OR" all)*
//   all          = negated ("AND"? negated)*
//   negated      = ("NOT" | "-" | "+")* one
//   one          = "(" alternatives ")" | name ":" behind | value
//   behind       = "(" alternatives ")" | range | comparison | value
// Behind a field and a parenthesis (`field` is not null) names are values too.
class Parser {
 public:
  Parser(std::string_view text, Timestamp now) : scanner_(text), now_(now) {}

  QueryResult Parse() {
    scanner_.SkipBlanks();
    if (scanner_.AtEnd()) return Query{};
    QueryResult query = Alternatives(nullptr, 0);
    if (!query) return query;
    if (!scanner_.AtEnd()) return Wrong("this parenthesis closes nothing", scanner_.offset());
    return query;
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxQueryDepth
  QueryResult Alternatives(const Field* field, int depth) {
    std::vector<Query> children;
    do {
      QueryResult child = All(field, depth);
      if (!child) return child;
      children.push_back(std::move(*child));
    } while (TakeOr());
    return Joined(Query::Kind::kOr, std::move(children));
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxQueryDepth
  QueryResult All(const Field* field, int depth) {
    std::vector<Query> children;
    while (true) {
      QueryResult child = Negated(field, depth);
      if (!child) return child;
      children.push_back(std::move(*child));
      scanner_.SkipBlanks();
      const bool has_and = TakeAnd();
      if (!has_and && (scanner_.AtEnd() || scanner_.Peek() == ')' || AtOr())) break;
    }
    return Joined(Query::Kind::kAnd, std::move(children));
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxQueryDepth
  QueryResult Negated(const Field* field, int depth) {
    bool is_negated = false;
    while (true) {
      scanner_.SkipBlanks();
      if (scanner_.TakeOperator("NOT")) {
        is_negated = !is_negated;
        continue;
      }
      const char c = scanner_.Peek();
      // A flag of a command (--privileged) is text.
      const bool is_flag = c == '-' && scanner_.Peek(1) == '-';
      if ((c != '-' && c != '+' && c != '!') || is_flag) break;
      if (scanner_.AtDelimiter(1) && scanner_.Peek(1) != '(') {
        return Wrong(fmt::format("{} stands before a word; in quotes it is text", c),
                     scanner_.offset());
      }
      if (c != '+') is_negated = !is_negated;
      scanner_.Skip(1);
    }
    QueryResult query = One(field, depth);
    if (!query || !is_negated) return query;
    return NotQuery(std::move(*query));
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxQueryDepth
  QueryResult One(const Field* field, int depth) {
    const size_t start = scanner_.offset();
    if (scanner_.Peek() == '(') return Group(field, depth);
    if (AtOr() || AtAnd()) {
      return Wrong("there is nothing before this operator", start);
    }
    if (scanner_.Peek() == ')') return Wrong("something to search for is missing here", start);
    if (field != nullptr) return BehindField(*field, depth, true);
    if (scanner_.Rest().starts_with("*:*")) {
      scanner_.Skip(3);
      return Query{};
    }
    const std::string_view name = scanner_.TakeFieldName(IsFieldName);
    if (!name.empty()) return Named(name, start, depth);
    const auto value = TakeValue();
    if (!value) return std::unexpected(value.error());
    if (value->has_wildcard && value->text.find_first_not_of('*') == std::string::npos) {
      return Query{};
    }
    return Counted(MakeTerm(nullptr, *value, now_), start);
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxQueryDepth
  QueryResult Group(const Field* field, int depth) {
    const size_t start = scanner_.offset();
    if (depth >= limits::kMaxQueryDepth) {
      return Wrong(fmt::format("more than {} parentheses in each other", limits::kMaxQueryDepth),
                   start);
    }
    scanner_.Skip(1);
    QueryResult query = Alternatives(field, depth + 1);
    if (!query) return query;
    if (scanner_.Peek() != ')') return Wrong("this parenthesis is not closed", start);
    scanner_.Skip(1);
    return query;
  }

  // What follows `name:`.
  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxQueryDepth
  QueryResult Named(std::string_view name, size_t start, int depth) {
    scanner_.SkipBlanks();
    if (scanner_.AtEnd() || scanner_.Peek() == ')' || AtOr() || AtAnd()) {
      return Wrong(fmt::format("a value is missing behind {}", name), scanner_.offset());
    }
    if (name == "_exists_" || name == "_missing_") return Exists(name == "_missing_");
    if (name == "last") return Last(start);
    const auto field = FindField(name);
    if (!field) return Wrong(field.error(), start);
    return BehindField(*field, depth, false);
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxQueryDepth
  QueryResult BehindField(const Field& field, int depth, bool in_group) {
    const size_t start = scanner_.offset();
    if (scanner_.Peek() == '(') return Group(&field, depth);
    if (scanner_.Peek() == '[' || scanner_.Peek() == '{') return Counted(Range(field), start);
    for (const std::string_view comparison : {">=", "<=", ">", "<"}) {
      if (!scanner_.Rest().starts_with(comparison)) continue;
      scanner_.Skip(comparison.size());
      scanner_.SkipBlanks();
      const auto value = scanner_.TakeValue(false);
      if (!value) return std::unexpected(value.error());
      return Counted(MakeComparison(field, comparison, *value, now_), start);
    }
    const auto value = in_group ? TakeValue() : scanner_.TakeValue(false);
    if (!value) return std::unexpected(value.error());
    return Counted(MakeTerm(&field, *value, now_), start);
  }

  TermResult Range(const Field& field) {
    const size_t start = scanner_.offset();
    const bool low_included = scanner_.Peek() == '[';
    scanner_.Skip(1);
    const auto low = RangeValue();
    if (!low) return std::unexpected(low.error());
    scanner_.SkipBlanks();
    if (!scanner_.TakeOperator("TO")) return Wrong("TO is missing here", scanner_.offset());
    const auto high = RangeValue();
    if (!high) return std::unexpected(high.error());
    scanner_.SkipBlanks();
    const char close = scanner_.Peek();
    if (close != ']' && close != '}') return Wrong("this range is not closed", start);
    scanner_.Skip(1);
    if (!scanner_.AtDelimiter()) {
      return Wrong("a blank is missing behind the range", scanner_.offset());
    }
    const auto end = [](const std::optional<Value>& value,
                        bool included) -> std::optional<RangeEnd> {
      if (!value) return std::nullopt;
      return RangeEnd{*value, included};
    };
    return MakeRange(field, end(*low, low_included), end(*high, close == ']'), now_);
  }

  // Nothing for a `*`.
  std::expected<std::optional<Value>, QueryError> RangeValue() {
    scanner_.SkipBlanks();
    auto value = scanner_.TakeValue(true);
    if (!value) return std::unexpected(value.error());
    if (value->has_wildcard && value->text == "*") return std::nullopt;
    return std::move(*value);
  }

  QueryResult Exists(bool is_missing) {
    const auto name = scanner_.TakeValue(false);
    if (!name) return std::unexpected(name.error());
    const auto field = FindField(name->text);
    if (!field) return Wrong(field.error(), name->offset);
    QueryResult query = Counted(MakeExists(*field), name->offset);
    if (!query || !is_missing) return query;
    return NotQuery(std::move(*query));
  }

  QueryResult Last(size_t start) {
    const auto value = scanner_.TakeValue(false);
    if (!value) return std::unexpected(value.error());
    const auto span = ParseLast(value->text, now_);
    if (!span) return Wrong(span.error(), value->offset);
    Term term;
    term.match = Term::Match::kNumber;
    term.field = "time";
    term.columns = {"time"};
    term.is_time = true;
    term.low = span->begin;
    term.high = span->end - 1;
    return Counted(std::move(term), start);
  }

  // A value that is no operator. A small `or` would be taken for a word, and the query find
  // nothing.
  std::expected<Value, QueryError> TakeValue() {
    auto value = scanner_.TakeValue(false);
    const bool is_escaped = value && scanner_.offset() - value->offset != value->text.size();
    if (!value || value->kind != Value::Kind::kWord || is_escaped) return value;
    for (const std::string_view word : {"AND", "OR", "NOT"}) {
      if (EqualsIgnoringCase(value->text, word)) {
        return Wrong(
            fmt::format("write {} for the operator, \"{}\" for the word", word, value->text),
            value->offset);
      }
    }
    return value;
  }

  QueryResult Counted(TermResult term, size_t offset) {
    if (!term) return std::unexpected(term.error());
    if (++terms_ > limits::kMaxQueryTerms) {
      return Wrong(fmt::format("more than {} terms", limits::kMaxQueryTerms), offset);
    }
    return TermQuery(std::move(*term));
  }

  bool TakeOr() { return scanner_.TakeOperator("OR") || scanner_.TakeOperator("||"); }
  bool TakeAnd() { return scanner_.TakeOperator("AND") || scanner_.TakeOperator("&&"); }
  bool AtOr() const { return Parser(*this).TakeOr(); }
  bool AtAnd() const { return Parser(*this).TakeAnd(); }

  Scanner scanner_;
  Timestamp now_;
  size_t terms_ = 0;
};

}  // namespace

std::expected<Query, QueryError> ParseQuery(std::string_view text, Timestamp now) {
  if (text.size() > limits::kMaxQueryBytes) {
    return Wrong(fmt::format("the query is longer than {}", HumanBytes(limits::kMaxQueryBytes)),
                 limits::kMaxQueryBytes);
  }
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    return Wrong("there is a NUL character in the query", zero);
  }
  if (!IsUtf8(text)) {
    size_t valid = 0;
    for (size_t i = 1; i <= text.size(); ++i) {
      if (IsUtf8(text.substr(valid, i - valid))) valid = i;
      if (i - valid >= 4) break;
    }
    return Wrong("this is not UTF-8", valid);
  }
  return Parser(text, now).Parse();
}

std::string DescribeQueryError(std::string_view text, const QueryError& error) {
  // So many bytes are shown on each side of the error.
  constexpr size_t kContext = 60;
  const size_t offset = std::min(error.offset, text.size());
  const auto is_inside_character = [&](size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80;
  };
  size_t begin = offset > kContext ? offset - kContext : 0;
  while (begin < offset && is_inside_character(begin)) ++begin;
  size_t end = std::min(text.size(), offset + kContext);
  while (end > offset && is_inside_character(end)) --end;
  const std::string before =
      (begin > 0 ? "..." : "") + EscapeForTerminal(text.substr(begin, offset - begin));
  const std::string after =
      EscapeForTerminal(text.substr(offset, end - offset)) + (end < text.size() ? "..." : "");
  const auto columns = std::ranges::count_if(
      before, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
  return fmt::format("{}\n  {}{}\n  {:>{}}", error.message, before, after, '^', columns + 1);
}

}  // namespace ekshume::event
