// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

// The language in which events are searched: that of Timesketch and Kibana (Apache Lucene's query
// string), with the columns of schema/event.yaml as fields. docs/search.md is its specification.
// A text becomes a tree, and the tree a condition of SQL. Nothing here touches a database; all
// functions may be called by any thread.
namespace ekshume::event {

// Why a text is no query.
struct QueryError {
  std::string message;  // a sentence, without a final full stop
  size_t offset = 0;    // of the byte in the text where it goes wrong; at most the text's size
};

// One demand on one or several columns: a row fits when any of them does.
struct Term {
  enum class Match : uint8_t {
    kExists,       // it has a value
    kEquals,       // the whole value is `text`
    kContains,     // `text` is somewhere in it
    kGlob,         // the whole value fits the pattern `text`
    kGlobInside,   // a part of it fits the pattern `text`
    kWord,         // one of its words is `text` (as a pattern)
    kRegex,        // the regular expression `text` (RE2) matches a part of it
    kNetwork,      // the IPv4 address is one that the regular expression `text` (RE2) describes
    kNumber,       // a number, or nanoseconds since 1970, from `low` to `high`, both included
    kNumberGlob,   // its decimal digits fit the pattern `text`
    kAlphabetical  // between the texts `first` and `last`
  };
  struct Bound {
    std::string text;
    bool included = true;
  };

  Match match = Match::kContains;
  std::string_view field;                 // its canonical name; empty for words without a field
  std::vector<std::string_view> columns;  // names from event::Columns()
  bool is_time = false;                   // kNumber: the columns are times
  // In patterns `*` and `?` stand for any text and any character, `\` makes the next one plain.
  // All comparisons of texts ignore case.
  std::string text;
  std::optional<int64_t> low;
  std::optional<int64_t> high;
  std::optional<Bound> first;
  std::optional<Bound> last;
};

// A parsed query. Nesting is bounded by limits::kMaxQueryDepth, the number of terms by
// limits::kMaxQueryTerms.
struct Query {
  enum class Kind : uint8_t { kAll, kAnd, kOr, kNot, kTerm };
  Kind kind = Kind::kAll;
  std::vector<Query> children;  // kAnd, kOr: two or more; kNot: one
  Term term;                    // kTerm
};

// `now` is what relative times count from. The empty text finds every event.
std::expected<Query, QueryError> ParseQuery(std::string_view text, Timestamp now);

// The error as lines for people: the message, the query (the part around the error when it is
// long), and below it a caret. Safe to print.
std::string DescribeQueryError(std::string_view text, const QueryError& error);

struct ColumnValue {
  std::string column;
  std::string value;
};

// What is known of a column: its values that contain `small`, an ASCII text in small letters, in
// either case. Nothing when not all of its values are known, or these are too many for a list.
using ValuesContaining = std::function<std::optional<std::vector<std::string>>(
    std::string_view column, std::string_view small)>;

struct SqlOptions {
  // Asked for each `field:value` (no wildcards) on a text field: further values, in any columns,
  // that are to count as equal, such as the other names of an actor. The field is a column or an
  // alias for several columns ("actor"). Unknown columns are left out.
  std::function<std::vector<ColumnValue>(std::string_view field, std::string_view value)> also;
  // A function of the database, f(text, small): whether the text holds `small`, an ASCII text in
  // small letters, in either case. Without one it is contains(lower(text), small).
  std::string contains;
  ValuesContaining containing;
};

// The condition, to stand behind WHERE in DuckDB's SQL, over a table with the columns of an event.
// Null, as there, means that a row does not fit. All texts of the query are quoted literals in it.
std::string ToSql(const Query& query, const SqlOptions& options = {});

}  // namespace ekshume::event
