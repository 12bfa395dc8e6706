// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/pattern.h"

#include <array>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "detect/sigma/value.h"

namespace ekshume::detect::sigma {
namespace {

// Hyphen, slash, en dash, em dash, horizontal bar (specification 2.1, modifier windash).
constexpr std::array<std::string_view, 5> kDashes = {"-", "/", "\xE2\x80\x93", "\xE2\x80\x94",
                                                     "\xE2\x80\x95"};

std::optional<size_t> DashAt(std::string_view text) {
  for (const std::string_view dash : kDashes) {
    if (text.starts_with(dash)) return dash.size();
  }
  return std::nullopt;
}

// Bytes of the character at the beginning of a text that is not empty.
size_t CharacterSize(std::string_view text) {
  size_t size = 1;
  while (size < text.size() && size < 4 && (static_cast<uint8_t>(text[size]) & 0xC0U) == 0x80U &&
         static_cast<uint8_t>(text[0]) >= 0xC0U) {
    ++size;
  }
  return size;
}

// How many bytes of `text` the part takes; none when it does not fit.
std::optional<size_t> Fits(const Pattern::Part& part, std::string_view text) {
  switch (part.kind) {
    case Pattern::PartKind::kText:
      if (!text.starts_with(part.text)) return std::nullopt;
      return part.text.size();
    case Pattern::PartKind::kOne:
      if (text.empty()) return std::nullopt;
      return CharacterSize(text);
    case Pattern::PartKind::kDash: return DashAt(text);
    case Pattern::PartKind::kMany: break;
  }
  return 0;
}

}  // namespace

Pattern Pattern::Parse(std::string_view text) {
  Pattern pattern;
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) pattern.parts_.push_back({PartKind::kText, std::exchange(word, {})});
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\\' && (next == '*' || next == '?' || next == '\\')) {
      word += next;
      ++i;
    } else if (c == '*') {
      flush();
      pattern.AnyAfter();
    } else if (c == '?') {
      flush();
      pattern.parts_.push_back({PartKind::kOne, {}});
    } else {
      word += c;
    }
  }
  flush();
  return pattern;
}

Pattern Pattern::Literal(std::string_view text) {
  Pattern pattern;
  if (!text.empty()) pattern.parts_.push_back({PartKind::kText, std::string(text)});
  return pattern;
}

bool Pattern::is_literal() const {
  for (const Part& part : parts_) {
    if (part.kind != PartKind::kText) return false;
  }
  return true;
}

std::string Pattern::literal() const {
  std::string text;
  for (const Part& part : parts_) text += part.text;
  return text;
}

void Pattern::AnyBefore() {
  if (parts_.empty() || parts_.front().kind != PartKind::kMany) {
    parts_.insert(parts_.begin(), {PartKind::kMany, {}});
  }
}

void Pattern::AnyAfter() {
  if (parts_.empty() || parts_.back().kind != PartKind::kMany) {
    parts_.push_back({PartKind::kMany, {}});
  }
}

void Pattern::AnyDash() {
  std::vector<Part> parts;
  for (Part& part : parts_) {
    if (part.kind != PartKind::kText) {
      parts.push_back(std::move(part));
      continue;
    }
    std::string word;
    const std::string_view text = part.text;
    for (size_t i = 0; i < text.size();) {
      const std::optional<size_t> dash = DashAt(text.substr(i));
      if (!dash) {
        word += text[i++];
        continue;
      }
      if (!word.empty()) parts.push_back({PartKind::kText, std::exchange(word, {})});
      parts.push_back({PartKind::kDash, {}});
      i += *dash;
    }
    if (!word.empty()) parts.push_back({PartKind::kText, std::move(word)});
  }
  parts_ = std::move(parts);
}

void Pattern::Finish() {
  if (!cased_) {
    for (Part& part : parts_) part.text = AsciiLower(part.text);
  }
  const auto many = [&](size_t index) { return parts_[index].kind == PartKind::kMany; };
  const auto text = [&](size_t index) { return parts_[index].kind == PartKind::kText; };
  shape_ = Shape::kGeneral;
  if (parts_.empty()) {
    shape_ = Shape::kExact;
  } else if (parts_.size() == 1 && many(0)) {
    shape_ = Shape::kAny;
  } else if (parts_.size() == 1 && text(0)) {
    shape_ = Shape::kExact;
    word_ = parts_[0].text;
  } else if (parts_.size() == 2 && text(0) && many(1)) {
    shape_ = Shape::kPrefix;
    word_ = parts_[0].text;
  } else if (parts_.size() == 2 && many(0) && text(1)) {
    shape_ = Shape::kSuffix;
    word_ = parts_[1].text;
  } else if (parts_.size() == 3 && many(0) && text(1) && many(2)) {
    shape_ = Shape::kContains;
    word_ = parts_[1].text;
  }
}

bool Pattern::Matches(std::string_view text, std::string_view lower) const {
  const std::string_view subject = cased_ ? text : lower;
  switch (shape_) {
    case Shape::kExact: return subject == word_;
    case Shape::kPrefix: return subject.starts_with(word_);
    case Shape::kSuffix: return subject.ends_with(word_);
    case Shape::kContains: return subject.contains(word_);
    case Shape::kAny: return true;
    case Shape::kGeneral: break;
  }
  return MatchesGeneral(subject);
}

// Goes back to the last `*` only: what an earlier one could give, the last one can give too.
bool Pattern::MatchesGeneral(std::string_view text) const {
  size_t at = 0;
  size_t part = 0;
  std::optional<size_t> star;  // the part behind the last `*`
  size_t star_at = 0;          // where that part was tried last
  for (;;) {
    if (part == parts_.size()) {
      if (at == text.size()) return true;
    } else if (parts_[part].kind == PartKind::kMany) {
      star = ++part;
      star_at = at;
      if (part == parts_.size()) return true;
      continue;
    } else if (const std::optional<size_t> taken = Fits(parts_[part], text.substr(at))) {
      at += *taken;
      ++part;
      continue;
    }
    if (!star || star_at >= text.size()) return false;
    ++star_at;
    const Part& first = parts_[*star];
    if (first.kind == PartKind::kText) {
      star_at = text.find(first.text, star_at);
      if (star_at == std::string_view::npos) return false;
    }
    at = star_at;
    part = *star;
  }
}

}  // namespace ekshume::detect::sigma
