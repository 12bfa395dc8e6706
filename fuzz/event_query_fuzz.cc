// SPDX-License-Identifier: Apache-2.0
#include "event/query/query.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_view.h"
#include "event/event.h"

namespace {

using namespace ekshume::event;

// Ends the program unless the condition is made of columns, the words and signs that ToSql() uses,
// and closed literals: so nothing of the query can be SQL.
void CheckSql(std::string_view sql) {
  static const std::set<std::string, std::less<>> kWords = [] {
    std::set<std::string, std::less<>> words = {"true",
                                                "false",
                                                "IS",
                                                "NOT",
                                                "TRUE",
                                                "NULL",
                                                "AND",
                                                "OR",
                                                "LIKE",
                                                "ESCAPE",
                                                "BETWEEN",
                                                "IN",
                                                "CAST",
                                                "AS",
                                                "VARCHAR",
                                                "TIMESTAMP_NS",
                                                "lower",
                                                "contains",
                                                "suffix",
                                                "starts_with",
                                                "regexp_matches",
                                                "regexp_full_match"};
    for (const Column& column : Columns()) words.emplace(column.name);
    return words;
  }();
  int open = 0;
  for (size_t i = 0; i < sql.size();) {
    const auto c = static_cast<unsigned char>(sql[i]);
    if (c == '\'') {
      const size_t close = sql.find('\'', i + 1);
      if (close == std::string_view::npos) std::abort();
      i = close + 1;  // a doubled quote begins the next piece of the literal
    } else if (std::isalpha(c) != 0 || c == '_') {
      size_t end = i;
      while (end < sql.size() &&
             (std::isalnum(static_cast<unsigned char>(sql[end])) != 0 || sql[end] == '_'))
        ++end;
      if (!kWords.contains(sql.substr(i, end - i))) std::abort();
      i = end;
    } else {
      if (!std::string_view("()=<>|,- 0123456789").contains(static_cast<char>(c))) std::abort();
      if (sql.substr(i, 2) == "--") std::abort();
      open += c == '(' ? 1 : c == ')' ? -1 : 0;
      if (open < 0) std::abort();
      ++i;
    }
  }
  if (open != 0) std::abort();
}

}  // namespace

// The input is what somebody types into the search field.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = ekshume::ByteView(std::as_bytes(std::span(data, size))).AsText();
  const auto query = ParseQuery(text, {1773100860, 0});
  if (!query) {
    if (query.error().offset > text.size()) std::abort();
    if (DescribeQueryError(text, query.error()).empty()) std::abort();
    return 0;
  }
  CheckSql(ToSql(*query));
  SqlOptions options;
  options.also = [](std::string_view field, std::string_view value) {
    return std::vector<ColumnValue>{{"user_name", std::string(value)},
                                    {std::string(value), std::string(field)}};
  };
  CheckSql(ToSql(*query, options));
  return 0;
}
