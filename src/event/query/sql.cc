// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/ascii.h"
#include "event/event.h"
#include "event/query/pattern.h"
#include "event/query/query.h"

namespace ekshume::event {
namespace {

using Match = Term::Match;

// A quoted literal. Standard SQL: only the quote itself is special. A NUL would end the statement.
std::string Literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    if (c != '\0') out += c;
  }
  return out + '\'';
}

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The literal in small letters. What is not ASCII is left to the database, which folds the column.
std::string LowerLiteral(std::string_view text) {
  return IsAscii(text) ? Literal(AsciiLower(text)) : fmt::format("lower({})", Literal(text));
}

// The column's value as text. `id` is a UUID.
std::string TextOf(std::string_view column) {
  return column == "id" ? "CAST(id AS VARCHAR)" : std::string(column);
}

bool HasCase(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

// The column in small letters, where letters are looked for: lower() costs as much as the search.
std::string Folded(std::string_view column, std::string_view looked_for) {
  return HasCase(looked_for) ? fmt::format("lower({})", TextOf(column)) : TextOf(column);
}

// The canonical form of what reads as a UUID; else empty.
std::string AsUuid(std::string_view text) {
  std::string out;
  for (const char c : AsciiLower(text)) {
    if (c == '-') continue;
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return {};
    out += c;
    if (out.size() == 8 || out.size() == 13 || out.size() == 18 || out.size() == 23) out += '-';
  }
  return out.size() == 36 ? out : std::string();
}

std::string ContainsSql(std::string_view column, std::string_view text, const SqlOptions& options) {
  if (options.containing && IsAscii(text)) {
    if (const auto values = options.containing(column, AsciiLower(text))) {
      std::string list;
      for (const std::string& value : *values) {
        list += fmt::format("{}{}", list.empty() ? "" : ", ", Literal(value));
      }
      return list.empty() ? "false" : fmt::format("{} IN ({})", column, list);
    }
  }
  if (!options.contains.empty() && HasCase(text) && IsAscii(text)) {
    return fmt::format("{}({}, {})", options.contains, TextOf(column), LowerLiteral(text));
  }
  return fmt::format("contains({}, {})", Folded(column, text), LowerLiteral(text));
}

// A pattern over a whole value or (inside) a part of it.
std::string GlobSql(std::string_view column, std::string_view pattern, bool inside,
                    const SqlOptions& options) {
  std::string whole(pattern);
  if (inside) whole = '*' + whole + '*';
  const SimplePattern simple = Simplify(whole);
  const std::string value = Folded(column, pattern);
  if (simple.is_simple) {
    if (!simple.begins && !simple.ends) return ContainsSql(column, simple.text, options);
    if (simple.begins && simple.ends)
      return fmt::format("{} = {}", value, LowerLiteral(simple.text));
    return fmt::format("{}({}, {})", simple.begins ? "starts_with" : "suffix", value,
                       LowerLiteral(simple.text));
  }
  // Without ESCAPE, DuckDB has a faster LIKE. Few values hold even a part of the pattern.
  const std::string like = LikePattern(whole);
  const std::string fits = fmt::format("{} LIKE {}{}", value, LowerLiteral(like),
                                       like.contains('\\') ? " ESCAPE '\\'" : "");
  const std::string part = LongestText(whole);
  return part.empty() ? fits : fmt::format("({} AND {})", ContainsSql(column, part, options), fits);
}

std::string WordSql(std::string_view column, std::string_view pattern) {
  const SimplePattern simple = Simplify(pattern);
  if (simple.is_simple && simple.begins && simple.ends) {
    return fmt::format("contains(' ' || {} || ' ', {})", Folded(column, pattern),
                       LowerLiteral(' ' + simple.text + ' '));
  }
  return fmt::format("regexp_matches({}, {}, 'is')", column,
                     Literal("(?:^| )" + RegexOfPattern(pattern, "[^ ]") + "(?: |$)"));
}

// A number, or a time as DuckDB's own literal.
std::string NumberLiteral(int64_t value, bool is_time) {
  if (!is_time) {
    // The smallest number has no literal of its own.
    return value == std::numeric_limits<int64_t>::min() ? "(-9223372036854775807 - 1)"
                                                        : std::to_string(value);
  }
  std::string text = FormatTimestamp(TimestampFromNanoseconds(value));
  text.pop_back();
  return fmt::format("TIMESTAMP_NS '{}'", text);
}

std::string NumberSql(std::string_view column, const Term& term) {
  if (term.low && term.high) {
    if (*term.low > *term.high) return "false";
    if (*term.low == *term.high) {
      return fmt::format("{} = {}", column, NumberLiteral(*term.low, term.is_time));
    }
    return fmt::format("{} BETWEEN {} AND {}", column, NumberLiteral(*term.low, term.is_time),
                       NumberLiteral(*term.high, term.is_time));
  }
  const bool has_low = term.low.has_value();
  return fmt::format("{} {} {}", column, has_low ? ">=" : "<=",
                     NumberLiteral(has_low ? *term.low : term.high.value_or(0), term.is_time));
}

std::string AlphabeticalSql(std::string_view column, const Term& term) {
  std::string sql;
  const std::string value = fmt::format("lower({})", TextOf(column));
  if (term.first) {
    sql = fmt::format("{} {} {}", value, term.first->included ? ">=" : ">",
                      LowerLiteral(term.first->text));
  }
  if (term.last) {
    if (!sql.empty()) sql += " AND ";
    sql += fmt::format("{} {} {}", value, term.last->included ? "<=" : "<",
                       LowerLiteral(term.last->text));
  }
  return '(' + sql + ')';
}

std::string EqualsSql(std::string_view column, const std::vector<std::string>& values) {
  if (column == "id") {
    std::string list;
    for (const std::string& value : values) {
      const std::string uuid = AsUuid(value);
      if (!uuid.empty()) list += fmt::format("{}{}", list.empty() ? "" : ", ", Literal(uuid));
    }
    return list.empty() ? "false" : fmt::format("id IN ({})", list);
  }
  bool has_case = false;
  std::string list;
  for (const std::string& value : values) {
    has_case = has_case || HasCase(value);
    list += fmt::format("{}{}", list.empty() ? "" : ", ", LowerLiteral(value));
  }
  const std::string folded = has_case ? fmt::format("lower({})", column) : std::string(column);
  return values.size() == 1 ? fmt::format("{} = {}", folded, list)
                            : fmt::format("{} IN ({})", folded, list);
}

// What the term demands of one of its columns.
std::string ColumnSql(std::string_view column, const Term& term, const SqlOptions& options) {
  switch (term.match) {
    case Match::kExists: return fmt::format("{} IS NOT NULL", column);
    case Match::kEquals: return EqualsSql(column, {term.text});
    case Match::kContains: return ContainsSql(column, term.text, options);
    case Match::kGlob: return GlobSql(column, term.text, false, options);
    case Match::kGlobInside: return GlobSql(column, term.text, true, options);
    case Match::kWord: return WordSql(column, term.text);
    case Match::kRegex:
      return fmt::format("regexp_matches({}, {}, 'is')", TextOf(column), Literal(term.text));
    case Match::kNetwork:
      return fmt::format("regexp_full_match({}, {})", column, Literal(term.text));
    case Match::kNumber: return NumberSql(column, term);
    case Match::kNumberGlob:
      return GlobSql(fmt::format("CAST({} AS VARCHAR)", column), term.text, false, options);
    case Match::kAlphabetical: return AlphabeticalSql(column, term);
  }
  return "false";
}

// From so many texts on (indicators), regular expressions are faster than looking for each: one
// takes as long for a hundred texts as for eight. Above some kilobytes RE2 falls back to a search
// that is a hundred times as slow, so there are several then.
constexpr size_t kManyTexts = 8;
constexpr size_t kRegexBytes = 4096;

std::string ContainsAnySql(std::string_view column, const std::vector<const Term*>& terms) {
  std::string sql;
  std::string regex;
  const auto finish = [&] {
    sql += fmt::format("{}regexp_matches({}, {})", sql.empty() ? "" : " OR ", Folded(column, regex),
                       LowerLiteral(regex));
    regex.clear();
  };
  for (const Term* term : terms) {
    if (!regex.empty() && regex.size() + term->text.size() > kRegexBytes) finish();
    if (!regex.empty()) regex += '|';
    regex += RegexOfText(term->text);
  }
  finish();
  return sql;
}

// Writes a tree as SQL. Conditions are those of SQL's three-valued logic, where null stands for
// "does not fit"; NOT turns it into true.
class Writer {
 public:
  explicit Writer(const SqlOptions& options) : options_(options) {}

  // NOLINTNEXTLINE(misc-no-recursion): ParseQuery bounds the depth by kMaxQueryDepth
  std::string Write(const Query& query) const {
    switch (query.kind) {
      case Query::Kind::kAll: return "true";
      case Query::Kind::kTerm: return Alternatives({&query.term});
      case Query::Kind::kNot: return fmt::format("({} IS NOT TRUE)", Write(query.children.front()));
      case Query::Kind::kAnd: {
        std::string sql;
        for (const Query& child : query.children) {
          sql += (sql.empty() ? "(" : " AND ") + Write(child);
        }
        return sql + ')';
      }
      case Query::Kind::kOr: break;
    }
    // Texts that are sought in the same columns go into one condition.
    std::vector<std::vector<const Term*>> lists;
    std::string sql;
    for (const Query& child : query.children) {
      if (child.kind != Query::Kind::kTerm ||
          (child.term.match != Match::kEquals && child.term.match != Match::kContains)) {
        sql += (sql.empty() ? "" : " OR ") + Write(child);
        continue;
      }
      const auto same = std::ranges::find_if(lists, [&](const auto& list) {
        return list.front()->match == child.term.match &&
               list.front()->columns == child.term.columns;
      });
      if (same == lists.end()) {
        lists.push_back({&child.term});
      } else {
        same->push_back(&child.term);
      }
    }
    for (const auto& list : lists) sql += (sql.empty() ? "" : " OR ") + Alternatives(list);
    return '(' + sql + ')';
  }

 private:
  // One term, or several kEquals or kContains of the same columns.
  std::string Alternatives(const std::vector<const Term*>& terms) const {
    const std::vector<std::string_view>& columns = terms.front()->columns;
    std::vector<std::string> parts;
    if (terms.front()->match == Match::kEquals) {
      AddEquals(terms, parts);
    } else if (terms.size() >= kManyTexts) {
      for (const std::string_view column : columns) parts.push_back(ContainsAnySql(column, terms));
    } else {
      for (const std::string_view column : columns) {
        for (const Term* term : terms) parts.push_back(ColumnSql(column, *term, options_));
      }
    }
    if (parts.empty()) return "false";
    std::string sql;
    for (const std::string& part : parts) sql += (sql.empty() ? "" : " OR ") + part;
    return '(' + sql + ')';
  }

  void AddEquals(const std::vector<const Term*>& terms, std::vector<std::string>& parts) const {
    struct Wanted {
      std::string_view column;
      std::vector<std::string> values;
    };
    std::vector<Wanted> wanted;
    const auto add = [&](std::string_view column, const std::string& value) {
      auto found = std::ranges::find(wanted, column, &Wanted::column);
      if (found == wanted.end()) found = wanted.insert(wanted.end(), Wanted{column, {}});
      found->values.push_back(value);
    };
    for (const Term* term : terms) {
      for (const std::string_view column : term->columns) add(column, term->text);
      if (!options_.also) continue;
      for (const ColumnValue& also : options_.also(term->field, term->text)) {
        const Column* column = FindColumn(also.column);
        if (column != nullptr && column->type == ColumnType::kText) add(column->name, also.value);
      }
    }
    for (const Wanted& one : wanted) parts.push_back(EqualsSql(one.column, one.values));
  }

  const SqlOptions& options_;
};

}  // namespace

std::string ToSql(const Query& query, const SqlOptions& options) {
  return Writer(options).Write(query);
}

}  // namespace ekshume::event
