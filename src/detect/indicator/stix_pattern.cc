// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "detect/indicator/list.h"

// STIX 2.1, part 9 (patterning), as far as a list of values goes.
namespace ekshume::detect::indicator {
namespace {

constexpr size_t kMaxPatternBytes = size_t{1} << 20;
constexpr size_t kMaxShownBytes = 80;

struct Token {
  enum class Kind : uint8_t { kWord, kString, kSign, kEnd, kBroken } kind = Kind::kEnd;
  std::string text;
};

// Words, 'strings' with \' and \\ in them, and the signs [ ] ( ) , = and the like. An object path
// is one word: file:hashes.'SHA-256', file:hashes."SHA-256".
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  Token Next() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    if (at_ >= text_.size()) return {};
    const char c = text_[at_];
    if (c == '\'') {
      Token token{Token::Kind::kString, {}};
      return ReadQuoted(token.text) ? token : Token{Token::Kind::kBroken, {}};
    }
    if (IsWordCharacter(c)) return ReadWord();
    ++at_;
    std::string sign(1, c);
    if ((c == '!' || c == '<' || c == '>') && at_ < text_.size() && text_[at_] == '=') {
      sign.push_back(text_[at_++]);
    }
    return {Token::Kind::kSign, std::move(sign)};
  }

 private:
  static bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool IsWordCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == ':' || c == '.' || c == '*';
  }

  Token ReadWord() {
    Token token{Token::Kind::kWord, {}};
    while (at_ < text_.size()) {
      if (IsWordCharacter(text_[at_])) {
        token.text.push_back(text_[at_++]);
      } else if ((text_[at_] == '\'' || text_[at_] == '"') && token.text.ends_with('.')) {
        if (!ReadQuoted(token.text)) return {Token::Kind::kBroken, {}};
      } else if (text_[at_] == '[' && token.text.contains(':')) {
        // extensions[0]
        token.text.push_back(text_[at_++]);
        while (at_ < text_.size() && (IsWordCharacter(text_[at_]) || text_[at_] == ']')) {
          token.text.push_back(text_[at_++]);
          if (token.text.back() == ']') break;
        }
      } else {
        break;
      }
    }
    return token;
  }

  // Appends what stands between quotes; false when they do not end.
  bool ReadQuoted(std::string& out) {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out.push_back(text_[at_++]);
    }
    if (at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

// The kind of an object path's values; none when it is not one of ours.
std::optional<Kind> KindOfPath(std::string_view path) {
  if (path.starts_with("file:hashes.") || path.starts_with("artifact:hashes.")) {
    return KindOfWord(path.substr(path.find('.') + 1));
  }
  if (path == "file:name") return Kind::kName;
  if (path == "file:parent_directory_ref.path" || path == "directory:path") return Kind::kPath;
  if (path == "ipv4-addr:value" || path == "ipv6-addr:value" ||
      path == "network-traffic:dst_ref.value" || path == "network-traffic:src_ref.value") {
    return Kind::kAddress;
  }
  if (path == "domain-name:value") return Kind::kDomain;
  if (path == "url:value") return Kind::kUrl;
  return std::nullopt;
}

struct Comparison {
  std::string path;
  std::vector<std::string> values;
  std::string joined_by;  // what stands before it: "", "OR", "AND", "FOLLOWEDBY"
};

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : tokens_(text) { Advance(); }

  // Comparisons in order; the reason when there is something that a list cannot hold.
  Result<std::vector<Comparison>> Read() {
    std::vector<Comparison> comparisons;
    std::string joined_by;
    size_t open = 0;
    while (token_.kind != Token::Kind::kEnd) {
      if (token_.kind == Token::Kind::kBroken) return Wrong("a quote does not end");
      if (IsSign("[") || IsSign("(")) {
        ++open;
        Advance();
        continue;
      }
      if (IsSign("]") || IsSign(")")) {
        if (open == 0) return Wrong("a bracket closes that was not opened");
        --open;
        Advance();
        continue;
      }
      if (token_.kind != Token::Kind::kWord) {
        return Wrong(fmt::format("\"{}\" is not expected here", token_.text));
      }
      if (token_.text == "OR" || token_.text == "AND" || token_.text == "FOLLOWEDBY") {
        joined_by = token_.text;
        Advance();
        continue;
      }
      if (IsQualifier(token_.text)) {
        SkipQualifier();
        continue;
      }
      comparisons.push_back(EKSHUME_TRY(ReadComparison()));
      comparisons.back().joined_by = joined_by;
    }
    if (open != 0) return Wrong("a bracket is not closed");
    if (comparisons.empty()) return Wrong("it compares nothing");
    return comparisons;
  }

 private:
  static Error Wrong(std::string reason) {
    return Fail(ErrorCode::kInvalidArgument, std::move(reason));
  }
  static bool IsQualifier(std::string_view word) {
    return word == "WITHIN" || word == "START" || word == "STOP" || word == "REPEATS";
  }
  bool IsSign(std::string_view sign) const {
    return token_.kind == Token::Kind::kSign && token_.text == sign;
  }
  void Advance() { token_ = tokens_.Next(); }

  // WITHIN 300 SECONDS, REPEATS 5 TIMES, START t'...' STOP t'...': when, not what.
  void SkipQualifier() {
    Advance();
    while ((token_.kind == Token::Kind::kWord && token_.text != "OR" && token_.text != "AND" &&
            token_.text != "FOLLOWEDBY" && !IsQualifier(token_.text)) ||
           token_.kind == Token::Kind::kString) {
      Advance();
    }
  }

  Result<Comparison> ReadComparison() {
    Comparison comparison;
    comparison.path = token_.text;
    Advance();
    if (token_.kind == Token::Kind::kWord && token_.text == "IN") {
      Advance();
      if (!IsSign("(")) return Wrong("IN without a list");
      for (Advance(); !IsSign(")"); Advance()) {
        if (token_.kind == Token::Kind::kString) {
          comparison.values.push_back(token_.text);
        } else if (!IsSign(",")) {
          return Wrong("a list that makes no sense");
        }
      }
      Advance();
      return comparison;
    }
    if (!IsSign("=")) {
      return Wrong(fmt::format("the comparison {} of {}", token_.text, comparison.path));
    }
    Advance();
    if (IsSign("=")) Advance();
    if (token_.kind == Token::Kind::kBroken) return Wrong("a quote does not end");
    if (token_.kind != Token::Kind::kString && token_.kind != Token::Kind::kWord) {
      return Wrong(fmt::format("{} is compared with nothing", comparison.path));
    }
    comparison.values.push_back(token_.text);
    Advance();
    return comparison;
  }

  Tokens tokens_;
  Token token_;
};

bool AddAll(const Comparison& comparison, Kind kind, size_t line, std::string_view description,
            ListSink& sink) {
  return std::ranges::all_of(comparison.values, [&](const std::string& value) {
    return sink.Add(kind, value, line, description);
  });
}

}  // namespace

void ParseStixPattern(std::string_view pattern, size_t line, std::string_view description,
                      ListSink& sink) {
  const auto refuse = [&](std::string_view reason) {
    const std::string shown = EscapeForTerminal(pattern.substr(0, kMaxShownBytes));
    sink.Refuse(line, fmt::format("the pattern {}{} is not understood: {}", shown,
                                  pattern.size() > kMaxShownBytes ? "..." : "", reason));
  };
  if (pattern.size() > kMaxPatternBytes) return refuse("it is too long");
  Result<std::vector<Comparison>> read = PatternReader(pattern).Read();
  if (!read) return refuse(read.error().message);
  std::vector<Comparison> comparisons = std::move(*read);
  // The type of an address is what the address itself shows.
  std::erase_if(comparisons, [](const Comparison& comparison) {
    return comparison.path == "network-traffic:dst_ref.type" ||
           comparison.path == "network-traffic:src_ref.type";
  });
  const bool all_or =
      std::ranges::all_of(comparisons.begin() + (comparisons.empty() ? 0 : 1), comparisons.end(),
                          [](const Comparison& each) { return each.joined_by == "OR"; });
  if (comparisons.size() > 1 && !all_or) {
    bool any = false;
    for (const Comparison& comparison : comparisons) {
      if (KindOfPath(comparison.path) != Kind::kHash) continue;
      any = true;
      if (!AddAll(comparison, Kind::kHash, line, description, sink)) return;
    }
    if (any) {
      sink.Doubt(line, "of this pattern only the hashes are looked for");
    } else {
      refuse("its parts only mean something together");
    }
    return;
  }
  for (const Comparison& comparison : comparisons) {
    const std::optional<Kind> kind = KindOfPath(comparison.path);
    if (!kind) {
      refuse(fmt::format("{} is not looked for", comparison.path));
    } else if (!AddAll(comparison, *kind, line, description, sink)) {
      return;
    }
  }
  if (comparisons.empty()) refuse("it compares nothing");
}

}  // namespace ekshume::detect::indicator
