// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "detect/indicator/state.h"

namespace ekshume::detect::indicator {
namespace {

constexpr size_t kMaxAddressBytes = 45;  // of IPv6 with an embedded IPv4 address

// How many bytes of `text` from `at` on are the character `c` of a value: also as JSON writes it
// (\/, \u0026). 0 when they are not.
size_t SameCharacter(std::string_view text, size_t at, char c) {
  if (at >= text.size()) return 0;
  if (AsciiLower(text[at]) == c) return 1;
  if (text[at] != '\\' || at + 1 >= text.size()) return 0;
  if (text[at + 1] == c && (c == '/' || c == '"' || c == '\\')) return 2;
  if (c == '&' && text.substr(at, 6) == "\\u0026") return 6;
  return 0;
}

size_t SameCharacterBefore(std::string_view text, size_t end, char c) {
  if (end == 0) return 0;
  if (AsciiLower(text[end - 1]) == c) {
    return c == '/' && end > 1 && text[end - 2] == '\\' ? 2 : 1;
  }
  if (c == '&' && end >= 6 && text.substr(end - 6, 6) == "\\u0026") return 6;
  return 0;
}

// In JSON the escape of a line's end or of a character runs into the word behind it: \nevil.test,
// \u003devil.test.
bool IsEscaped(std::string_view text, size_t begin) {
  if (begin >= 2 && text[begin - 2] == '\\') {
    const char escape = text[begin - 1];
    if (escape == 'n' || escape == 't' || escape == 'r') return true;
  }
  return begin >= 6 && text[begin - 6] == '\\' && text[begin - 5] == 'u' &&
         std::ranges::all_of(text.substr(begin - 4, 4), IsHexDigit);
}

}  // namespace

// Whether the value stands around the word of it that begins at `word_begin`, with an end of its
// own on both sides.
bool Index::State::IsAt(const Record& record, std::string_view text, size_t word_begin,
                        TextKind kind, size_t& begin) const {
  const std::string_view value = ValueOf(record);
  size_t end = word_begin;
  for (size_t i = record.word_offset; i < value.size(); ++i) {
    const size_t count = SameCharacter(text, end, value[i]);
    if (count == 0) return false;
    end += count;
  }
  begin = word_begin;
  for (size_t i = record.word_offset; i > 0; --i) {
    const size_t count = SameCharacterBefore(text, begin, value[i - 1]);
    if (count == 0) return false;
    begin -= count;
  }
  const char before = IsEscaped(text, begin) || begin == 0 ? '\0' : text[begin - 1];
  const char after = end == text.size() ? '\0' : text[end];
  // "/tmp/x." at the end of a sentence, but not "/tmp/x.sh".
  size_t past = end;
  while (past < text.size() && (text[past] == '.' || text[past] == '-')) ++past;
  if (past < text.size() && IsWordByte(text[past])) return false;
  switch (record.kind) {
    case Kind::kHash: return !IsWordByte(before);
    case Kind::kName: {
      if (before == '/' || before == '\0' || before == '\\') return true;
      return kind == TextKind::kCommand && std::string_view(" \t\n\"'=;|&(`,:").contains(before);
    }
    case Kind::kPath: return !IsWordByte(before) && static_cast<uint8_t>(before) < 0x80;
    case Kind::kUrl: {
      if (IsWordByte(before)) return false;
      if (after == '/') {
        const char next = end + 1 < text.size() ? text[end + 1] : '\0';
        return !IsWordByte(next) && next != '/' && next != '%';
      }
      return after == '\0' || static_cast<uint8_t>(after) <= ' ' ||
             std::string_view("?#\"'<>\\)]},;`|.&").contains(after);
    }
    default: return false;
  }
}

void Index::State::FindWhole(uint64_t hash, std::string_view text, size_t begin, TextKind kind,
                             std::vector<Hit>& hits) const {
  table.ForEach(hash, [&](uint32_t number) {
    const Record& record = records[number];
    if (record.kind == Kind::kDomain || record.kind == Kind::kAddress) return;
    size_t place = 0;
    if (IsAt(record, text, begin, kind, place)) hits.push_back({number, place});
  });
}

void Index::State::FindAddress(const Network& address, const std::vector<uint8_t>& prefixes,
                               size_t offset, std::vector<Hit>& hits) const {
  for (const uint8_t bits : prefixes) {
    const std::string key = KeyOf(Masked(address, bits));
    const uint64_t hash = WordHash::Of(key);
    if (!table.MayHold(hash)) continue;
    table.ForEach(hash, [&](uint32_t number) {
      const Record& record = records[number];
      if (record.kind == Kind::kAddress && ValueOf(record) == key) hits.push_back({number, offset});
    });
  }
}

// Looks at the IPv6 address around a colon; where to go on.
size_t Index::State::FindAddress6(std::string_view text, size_t colon,
                                  std::vector<Hit>& hits) const {
  const auto fits = [](char c) { return IsHexDigit(c) || c == ':' || c == '.'; };
  size_t begin = colon;
  while (begin > 0 && colon - begin < 5 && fits(text[begin - 1])) --begin;
  size_t end = colon + 1;
  while (end < text.size() && end - begin <= kMaxAddressBytes && fits(text[end])) ++end;
  const size_t next = end;
  while (end > begin && (text[end - 1] == '.' ||
                         (text[end - 1] == ':' && end - begin > 1 && text[end - 2] != ':'))) {
    --end;
  }
  const std::string_view candidate = text.substr(begin, end - begin);
  const bool is_possible = candidate.size() >= 3 && candidate.size() <= kMaxAddressBytes &&
                           (candidate.contains("::") || std::ranges::count(candidate, ':') >= 6) &&
                           (begin == 0 || !IsWordByte(text[begin - 1])) &&
                           (next >= text.size() || !IsWordByte(text[next]));
  const std::optional<Network> address =
      is_possible ? ParseNetwork(candidate) : std::optional<Network>();
  if (!address) return colon + 1;
  const bool is_ipv4 = address->bytes[10] == 0xff && address->bytes[11] == 0xff &&
                       std::all_of(address->bytes.begin(), address->bytes.begin() + 10,
                                   [](uint8_t byte) { return byte == 0; });  // ::ffff:192.0.2.1
  FindAddress(*address, is_ipv4 ? prefixes4 : prefixes6, begin, hits);
  return next;
}

void Index::State::Find(std::string_view text, const Word& word, TextKind kind,
                        std::vector<Hit>& hits) const {
  const std::string_view view = text.substr(word.begin, word.end - word.begin);
  const auto fold = [&](size_t at) { return kWordBytes[static_cast<uint8_t>(view[at])]; };
  const uint16_t ends = static_cast<uint16_t>(
      (view.size() > 1 ? static_cast<unsigned>(fold(view.size() - 2)) << 8 : 0U) |
      fold(view.size() - 1));
  if (!last_two[ends]) return;
  WordHash hash;
  bool has_dot = false;
  for (size_t at = view.size(); at > 0; --at) {
    const uint8_t byte = fold(at - 1);
    // Every end behind a dot is a domain that this one may be below of.
    if (byte == '.') {
      if (has_dot && has_domains) {
        const uint64_t value = hash.value();
        if (table.MayHold(value)) {
          table.ForEach(value, [&](uint32_t number) {
            const Record& record = records[number];
            if (record.kind == Kind::kDomain && AsciiLower(view.substr(at)) == ValueOf(record)) {
              hits.push_back({number, word.begin + at});
            }
          });
        }
      }
      has_dot = true;
    }
    hash.Add(byte);
    if (at != 1 && !((at == 2 || at == 6) && IsEscaped(text, word.begin + at - 1))) continue;
    const uint64_t value = hash.value();
    if (!table.MayHold(value)) continue;
    FindWhole(value, text, word.begin + at - 1, kind, hits);
    if (!has_dot) continue;
    table.ForEach(value, [&](uint32_t number) {
      const Record& record = records[number];
      if (record.kind == Kind::kDomain && AsciiLower(view.substr(at - 1)) == ValueOf(record)) {
        hits.push_back({number, word.begin + at - 1});
      }
    });
  }
}

void Index::Search(std::string_view text, TextKind kind, std::vector<Hit>& hits) const {
  const State& state = *state_;
  if (state.records.empty()) return;
  const size_t before = hits.size();
  for (size_t at = 0; at < text.size();) {
    if (!IsWordByte(text[at])) {
      if (state.has_addresses6 && text[at] == ':') {
        at = state.FindAddress6(text, at, hits);
      } else {
        ++at;
      }
      continue;
    }
    Word word{at, at};
    bool is_number = true;
    while (at < text.size()) {
      const uint8_t byte = kWordBytes[static_cast<uint8_t>(text[at])];
      if (byte == 0) break;
      is_number = is_number && byte <= '9' && byte != '-';
      ++at;
    }
    word.end = at;
    while (word.end > word.begin && (text[word.end - 1] == '.' || text[word.end - 1] == '-')) {
      --word.end;
    }
    if (word.end == word.begin) continue;
    if (is_number && !state.prefixes4.empty()) {
      const auto address = ParseIpv4(text.substr(word.begin, word.end - word.begin));
      if (address) state.FindAddress(*address, state.prefixes4, word.begin, hits);
    }
    if (state.has_words || state.has_domains) state.Find(text, word, kind, hits);
  }
  std::ranges::sort(hits.begin() + static_cast<std::ptrdiff_t>(before), hits.end(),
                    [](const Hit& a, const Hit& b) {
                      return std::pair(a.offset_bytes, a.indicator) <
                             std::pair(b.offset_bytes, b.indicator);
                    });
}

}  // namespace ekshume::detect::indicator
