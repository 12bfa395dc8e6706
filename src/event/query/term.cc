// SPDX-License-Identifier: Apache-2.0
#include "event/query/term.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>
#include <limits>

#include "event/query/network.h"
#include "event/query/pattern.h"
#include "event/query/time_expression.h"

namespace ekshume::event {
namespace {

using Match = Term::Match;
using Kind = Value::Kind;

constexpr int64_t kSmallest = std::numeric_limits<int64_t>::min();
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

std::unexpected<QueryError> Wrong(std::string message, const Value& value) {
  return std::unexpected(QueryError{std::move(message), value.offset});
}

Term TermOf(const Field& field, Match match) {
  Term term;
  term.match = match;
  term.field = field.name;
  term.columns = field.columns;
  return term;
}

// A range that holds nothing.
void MakeEmpty(Term& term) {
  term.low = 1;
  term.high = 0;
}

TermResult WithRegex(Term term, const Value& value) {
  // As DuckDB will read it.
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_case_sensitive(false);
  const re2::RE2 compiled(value.text, options);
  if (!compiled.ok()) {
    return Wrong(fmt::format("no valid regular expression: {}", compiled.error()), value);
  }
  term.match = Match::kRegex;
  term.text = value.text;
  return term;
}

std::expected<int64_t, QueryError> NumberOf(const Field& field, const Value& value) {
  int64_t number = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto [parsed, error] = std::from_chars(value.text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    return Wrong("this number is too large (64 bits)", value);
  }
  if (error != std::errc() || parsed != end) {
    return Wrong(fmt::format("{} is a number", field.name), value);
  }
  return number;
}

std::expected<TimeSpan, QueryError> SpanOf(const Value& value, Timestamp now) {
  const auto span = ParseTimeExpression(value.text, now);
  if (!span) return Wrong(span.error(), value);
  return *span;
}

// The numbers or nanoseconds that a value of the field means, both included.
struct Numbers {
  int64_t first;
  int64_t last;
};
std::expected<Numbers, QueryError> NumbersOf(const Field& field, const Value& value,
                                             Timestamp now) {
  if (field.kind == FieldKind::kTime) {
    const auto span = SpanOf(value, now);
    if (!span) return std::unexpected(span.error());
    return Numbers{span->begin, span->end - 1};
  }
  const auto number = NumberOf(field, value);
  if (!number) return std::unexpected(number.error());
  return Numbers{*number, *number};
}

TermResult NumberTerm(const Field& field, const Value& value, Timestamp now) {
  if (value.kind == Kind::kRegex) {
    return Wrong("regular expressions are for texts; use a range here", value);
  }
  Term term = TermOf(field, Match::kNumber);
  term.is_time = field.kind == FieldKind::kTime;
  if (value.has_wildcard) {
    if (term.is_time) return Wrong("write part of a date (2026-01) instead of wildcards", value);
    term.match = Match::kNumberGlob;
    term.text = value.pattern;
    return term;
  }
  const auto numbers = NumbersOf(field, value, now);
  if (!numbers) return std::unexpected(numbers.error());
  term.low = numbers->first;
  term.high = numbers->last;
  return term;
}

TermResult TextTerm(const Field& field, const Value& value) {
  Term term = TermOf(field, Match::kEquals);
  if (value.kind == Kind::kRegex) return WithRegex(std::move(term), value);
  // Empty texts are stored as null.
  if (value.text.empty()) return Wrong("an empty text is searched with _missing_:FIELD", value);
  const bool is_sentence = field.kind == FieldKind::kSentence;
  if (field.kind == FieldKind::kWords) {
    term.match = Match::kWord;
    term.text = value.kind == Kind::kWord ? value.pattern : PlainPattern(value.text);
  } else if (value.has_wildcard) {
    term.match = is_sentence ? Match::kGlobInside : Match::kGlob;
    term.text = value.pattern;
  } else if (field.kind == FieldKind::kAddress && LooksLikeNetwork(value.text)) {
    auto regex = NetworkRegex(value.text);
    if (!regex) return Wrong(regex.error(), value);
    term.match = Match::kNetwork;
    term.text = std::move(*regex);
  } else {
    term.match = is_sentence ? Match::kContains : Match::kEquals;
    term.text = value.text;
  }
  return term;
}

bool IsNumeric(const Field& field) {
  return field.kind == FieldKind::kNumber || field.kind == FieldKind::kTime;
}

TermResult NumberRange(const Field& field, const std::optional<RangeEnd>& low,
                       const std::optional<RangeEnd>& high, Timestamp now) {
  Term term = TermOf(field, Match::kNumber);
  term.is_time = field.kind == FieldKind::kTime;
  bool is_empty = false;
  if (low) {
    const auto numbers = NumbersOf(field, low->value, now);
    if (!numbers) return std::unexpected(numbers.error());
    is_empty = !low->included && numbers->last == kLargest;
    term.low = low->included ? numbers->first : is_empty ? kLargest : numbers->last + 1;
  }
  if (high) {
    const auto numbers = NumbersOf(field, high->value, now);
    if (!numbers) return std::unexpected(numbers.error());
    is_empty = is_empty || (!high->included && numbers->first == kSmallest);
    term.high = high->included ? numbers->last : is_empty ? kSmallest : numbers->first - 1;
  }
  if (is_empty) MakeEmpty(term);
  return term;
}

TermResult AddressRange(const Field& field, const std::optional<RangeEnd>& low,
                        const std::optional<RangeEnd>& high) {
  int64_t first = 0;
  int64_t last = std::numeric_limits<uint32_t>::max();
  const std::string expected = "a range of addresses is one of IPv4: [10.0.0.1 TO 10.0.0.9]";
  if (low) {
    const auto address = ParseIpv4(low->value.text);
    if (!address) return Wrong(expected, low->value);
    first = int64_t{*address} + (low->included ? 0 : 1);
  }
  if (high) {
    const auto address = ParseIpv4(high->value.text);
    if (!address) return Wrong(expected, high->value);
    last = int64_t{*address} - (high->included ? 0 : 1);
  }
  Term term = TermOf(field, Match::kNetwork);
  // What fits nothing, as no address holds a blank.
  term.text = first > last
                  ? " "
                  : AddressRangeRegex(static_cast<uint32_t>(first), static_cast<uint32_t>(last));
  return term;
}

}  // namespace

TermResult MakeTerm(const Field* field, const Value& value, Timestamp now) {
  if (field == nullptr) {
    Term term;
    term.columns.assign(FreeTextColumns().begin(), FreeTextColumns().end());
    if (value.kind == Kind::kRegex || value.text.find_first_of("0123456789") != std::string::npos) {
      term.columns.insert(term.columns.end(), IdentifierColumns().begin(),
                          IdentifierColumns().end());
    }
    if (value.kind == Kind::kRegex) return WithRegex(std::move(term), value);
    if (value.text.empty()) return Wrong("there is nothing between these quotes", value);
    term.match = value.has_wildcard ? Match::kGlobInside : Match::kContains;
    term.text = value.has_wildcard ? value.pattern : value.text;
    return term;
  }
  if (value.has_wildcard && IsOnlyWildcards(value.pattern) && value.text.contains('*')) {
    return MakeExists(*field);
  }
  return IsNumeric(*field) ? NumberTerm(*field, value, now) : TextTerm(*field, value);
}

TermResult MakeRange(const Field& field, const std::optional<RangeEnd>& low,
                     const std::optional<RangeEnd>& high, Timestamp now) {
  if (!low && !high) return MakeExists(field);
  if (IsNumeric(field)) return NumberRange(field, low, high, now);
  if (field.kind == FieldKind::kAddress) return AddressRange(field, low, high);
  Term term = TermOf(field, Match::kAlphabetical);
  if (low) term.first = {low->value.text, low->included};
  if (high) term.last = {high->value.text, high->included};
  return term;
}

TermResult MakeComparison(const Field& field, std::string_view comparison, const Value& value,
                          Timestamp now) {
  const RangeEnd end{value, comparison.ends_with('=')};
  return comparison.starts_with('>') ? MakeRange(field, end, std::nullopt, now)
                                     : MakeRange(field, std::nullopt, end, now);
}

Term MakeExists(const Field& field) { return TermOf(field, Match::kExists); }

}  // namespace ekshume::event
