// SPDX-License-Identifier: Apache-2.0
#include "event/query/scanner.h"

#include <array>

namespace ekshume::event {
namespace {

constexpr std::string_view kNoBreakSpace = "\xC2\xA0";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '@';
}

std::unexpected<QueryError> Wrong(std::string message, size_t offset) {
  return std::unexpected(QueryError{std::move(message), offset});
}

// Quotes that word processors make of plain ones.
bool StartsWithTypographicQuote(std::string_view text) {
  constexpr std::array<std::string_view, 5> kQuotes = {"\xE2\x80\x9C", "\xE2\x80\x9D",
                                                       "\xE2\x80\x9E", "\xC2\xAB", "\xC2\xBB"};
  for (const std::string_view quote : kQuotes) {
    if (text.starts_with(quote)) return true;
  }
  return false;
}

}  // namespace

void Scanner::SkipBlanks() {
  while (!AtEnd()) {
    if (IsBlank(Peek())) {
      ++at_;
    } else if (Rest().starts_with(kNoBreakSpace)) {
      at_ += kNoBreakSpace.size();
    } else {
      return;
    }
  }
}

bool Scanner::AtDelimiter(size_t ahead) const {
  if (at_ + ahead >= text_.size()) return true;
  const char c = text_[at_ + ahead];
  return IsBlank(c) || c == '(' || c == ')' || text_.substr(at_ + ahead).starts_with(kNoBreakSpace);
}

bool Scanner::TakeOperator(std::string_view word) {
  if (!Rest().starts_with(word)) return false;
  const bool is_symbol = word.front() == '&' || word.front() == '|';
  if (!is_symbol && !AtDelimiter(word.size())) return false;
  at_ += word.size();
  return true;
}

std::string_view Scanner::TakeFieldName(bool (*is_known)(std::string_view)) {
  size_t length = 0;
  while (IsNameCharacter(Peek(length))) ++length;
  const std::string_view name = text_.substr(at_, length);
  if (name.empty() || (name.front() >= '0' && name.front() <= '9') || name.front() == '.') {
    return {};
  }
  const char next = Peek(length);
  if (next == '<' || next == '>') {
    if (!is_known(name)) return {};
    at_ += length;
    return name;
  }
  if (next != ':') return {};
  const std::string_view behind = text_.substr(at_ + length + 1);
  // Addresses, locations, ARNs and the names of Kubernetes' own users are pasted as they are.
  const bool is_pasted =
      is_known(name) ? name == "arn" && behind.starts_with("aws")
                     : behind.starts_with(':') || behind.starts_with("//") || name == "system";
  if (is_pasted) return {};
  at_ += length + 1;
  return name;
}

std::expected<Value, QueryError> Scanner::TakeValue(bool in_range) {
  if (AtEnd()) return Wrong("something to search for is missing here", at_);
  if (StartsWithTypographicQuote(Rest())) return Wrong("this quote is not a plain \"", at_);
  if (Peek() == '"') return Quoted(in_range);
  if (Peek() == '/' && !in_range) {
    if (const size_t length = RegexLength(); length > 0) {
      Value value{.kind = Value::Kind::kRegex, .offset = at_};
      value.text = text_.substr(at_ + 1, length);
      at_ += length + 2;
      return value;
    }
  }
  return Word(in_range);
}

// A slash begins a regular expression when the next one that is not escaped ends a word: so paths
// need no quotes. 0 when it does not.
size_t Scanner::RegexLength() const {
  for (size_t i = 1; at_ + i < text_.size(); ++i) {
    if (Peek(i) == '\\') {
      ++i;
    } else if (Peek(i) == '/') {
      return AtDelimiter(i + 1) && i > 1 ? i - 1 : 0;
    }
  }
  return 0;
}

std::expected<Value, QueryError> Scanner::Quoted(bool in_range) {
  Value value{.kind = Value::Kind::kQuoted, .offset = at_};
  for (++at_; !AtEnd(); ++at_) {
    if (Peek() == '"') {
      ++at_;
      if (!AtDelimiter() && !(in_range && (Peek() == ']' || Peek() == '}'))) {
        return Wrong("a blank is missing behind the quote", at_);
      }
      return value;
    }
    if (Peek() == '\\') {
      ++at_;
      if (AtEnd()) break;
    }
    value.text += Peek();
  }
  return Wrong("this quote is not closed", value.offset);
}

std::expected<Value, QueryError> Scanner::Word(bool in_range) {
  Value value{.kind = Value::Kind::kWord, .offset = at_};
  while (!AtDelimiter() && !(in_range && (Peek() == ']' || Peek() == '}'))) {
    const char c = Peek();
    if (c == '"') return Wrong("a quote inside a word: write \\\" for the character", at_);
    ++at_;
    if (c == '*' || c == '?') {
      value.has_wildcard = true;
      value.text += c;
      value.pattern += c;
      continue;
    }
    char plain = c;
    if (c == '\\') {
      if (AtEnd()) return Wrong("a backslash at the end: write \\\\ for the character", at_ - 1);
      plain = Peek();
      ++at_;
    }
    if (plain == '\\' || plain == '*' || plain == '?') value.pattern += '\\';
    value.text += plain;
    value.pattern += plain;
  }
  if (value.offset == at_) return Wrong("something to search for is missing here", at_);
  return value;
}

}  // namespace ekshume::event
