// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "event/query/query.h"

namespace ekshume::event {

// A word, a quoted text or a regular expression, as the user wrote it.
struct Value {
  enum class Kind : uint8_t { kWord, kQuoted, kRegex };
  Kind kind = Kind::kWord;
  std::string text;           // without quotes and escapes
  std::string pattern;        // the same with wildcards (event/query/pattern.h)
  bool has_wildcard = false;  // `pattern` has some
  size_t offset = 0;          // where it begins
};

// Reads the smallest parts of a query from left to right. The text must outlive it.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  size_t offset() const { return at_; }
  void Rewind(size_t offset) { at_ = offset; }
  bool AtEnd() const { return at_ >= text_.size(); }
  // The character here; NUL at the end.
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  std::string_view Rest() const { return text_.substr(at_); }
  void Skip(size_t count) { at_ += count; }
  void SkipBlanks();
  // True at a blank, a parenthesis or the end: here a word is over.
  bool AtDelimiter(size_t ahead = 0) const;

  // Eats `word` when it stands here on its own.
  bool TakeOperator(std::string_view word);

  // The name before a colon or, for `is_known` ones, before a comparison (< or >), which is left
  // to be read; empty when there is none here, and then nothing was read.
  std::string_view TakeFieldName(bool (*is_known)(std::string_view));

  // Reads a value. With `in_range` it also ends before `]` and `}`, and is no regular expression.
  std::expected<Value, QueryError> TakeValue(bool in_range);

 private:
  std::expected<Value, QueryError> Quoted(bool in_range);
  std::expected<Value, QueryError> Word(bool in_range);
  size_t RegexLength() const;

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace ekshume::event
