// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/demands.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <iterator>

#include "base/ascii.h"
#include "base/hex.h"
#include "detect/sigma/literals.h"
#include "detect/sigma/value.h"

namespace ekshume::detect::sigma {
namespace {

// Of long pieces the end says enough.
constexpr size_t kLongest = 16;
// More alternatives of one rule than that are made one, which says less.
constexpr size_t kMostAlternatives = 16;

// Characters that JSON writes in one way only. Some writers escape < > & ' = too.
bool IsPlainInJson(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte > 0x20 && byte < 0x7F && !std::string_view("\"\\<>&'=:,{}[]").contains(c);
}

// The longest piece of a text that can be looked for; empty when there is none.
std::string BestPiece(std::string_view text, bool as_json) {
  std::string_view best;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && (!as_json || IsPlainInJson(text[end]))) ++end;
    if (end - at > best.size()) best = text.substr(at, end - at);
    at = end + 1;
  }
  if (best.size() < LiteralIndex::kShortest) return "";
  return AsciiLower(best.substr(best.size() - std::min(best.size(), kLongest)));
}

std::string BestPiece(const Pattern& pattern, bool as_json) {
  std::string best;
  for (const Pattern::Part& part : pattern.parts()) {
    if (part.kind != Pattern::PartKind::kText) continue;
    std::string piece = BestPiece(part.text, as_json);
    if (piece.size() > best.size()) best = std::move(piece);
  }
  return best;
}

using Alternatives = std::vector<Alternative>;

// Words of which one stands in each text that a regular expression finds; none when it says too
// little.
std::vector<Word> WordsOf(const re2::RE2& regex) {
  re2::FilteredRE2 filter(LiteralIndex::kShortest);
  int number = 0;
  if (filter.Add(regex.pattern(), regex.options(), &number) != re2::RE2::NoError) return {};
  std::vector<std::string> atoms;
  filter.Compile(&atoms);
  std::vector<int> without_any;
  filter.AllPotentials({}, &without_any);
  if (!without_any.empty()) return {};
  std::vector<Word> words;
  for (std::string& atom : atoms) {
    const bool is_ascii = std::ranges::all_of(atom, [](char c) { return c >= 0; });
    if (!is_ascii || atom.size() < LiteralIndex::kShortest) return {};
    words.push_back({Word::Kind::kFolded, AsciiLower(atom)});
  }
  return words;
}

// Puts the words in order. That a field is there says the same as any word of it, and more.
void PutInOrder(Demand& demand) {
  std::ranges::sort(demand.words);
  const auto repeated = std::ranges::unique(demand.words);
  demand.words.erase(repeated.begin(), repeated.end());
  if (demand.words.back().kind == Word::Kind::kPresent) {
    demand.words = {{Word::Kind::kPresent, ""}};
  }
}

// Either's words.
void Unite(Demand& into, const Demand& other) {
  into.words.insert(into.words.end(), other.words.begin(), other.words.end());
  PutInOrder(into);
}

// Whether one leaves out more records than another of the same field: whole values before pieces
// of them, long pieces before short ones, few words before many.
bool IsBetter(const Demand& left, const Demand& right) {
  const auto worst = [](const Demand& demand) {
    size_t size = SIZE_MAX;
    for (const Word& word : demand.words) {
      if (word.kind != Word::Kind::kExact) size = std::min(size, word.text.size());
    }
    return size;
  };
  if (worst(left) != worst(right)) return worst(left) > worst(right);
  return left.words.size() < right.words.size();
}

Demand* FindField(Alternative& alternative, uint32_t field) {
  const auto found = std::ranges::find(alternative, field, &Demand::field);
  return found == alternative.end() ? nullptr : &*found;
}

// Both must hold.
void AddAll(Alternative& into, const Alternative& other) {
  for (const Demand& demand : other) {
    Demand* const own = FindField(into, demand.field);
    if (own == nullptr) {
      into.push_back(demand);
    } else if (IsBetter(demand, *own)) {
      *own = demand;
    }
  }
}

// What both say: of the fields that both name.
void Weaken(Alternative& into, Alternative other) {
  std::erase_if(into, [&](Demand& demand) {
    const Demand* const same = FindField(other, demand.field);
    if (same != nullptr) Unite(demand, *same);
    return same == nullptr;
  });
}

Alternatives MakeOne(Alternatives alternatives) {
  for (size_t i = 1; i < alternatives.size(); ++i) {
    Weaken(alternatives.front(), std::move(alternatives[i]));
  }
  alternatives.resize(1);
  return alternatives;
}

// One of several must hold.
Alternatives AnyOf(std::vector<Alternatives> choices) {
  Alternatives all;
  for (Alternatives& choice : choices) {
    for (Alternative& alternative : choice) {
      if (alternative.empty()) return {{}};
      // Words of one field alone go together without a loss.
      const auto same = std::ranges::find_if(all, [&](const Alternative& other) {
        return alternative.size() == 1 && other.size() == 1 &&
               other.front().field == alternative.front().field;
      });
      if (same != all.end()) {
        Unite(same->front(), alternative.front());
      } else {
        all.push_back(std::move(alternative));
      }
    }
  }
  if (all.empty()) return {{}};
  return all.size() > kMostAlternatives ? MakeOne(std::move(all)) : all;
}

Alternatives AllOf(std::vector<Alternatives> parts) {
  Alternatives all = {{}};
  for (Alternatives& part : parts) {
    if (all.size() * part.size() > kMostAlternatives) {
      Alternatives& larger = all.size() > part.size() ? all : part;
      larger = MakeOne(std::move(larger));
    }
    Alternatives product;
    for (const Alternative& left : all) {
      for (const Alternative& right : part) AddAll(product.emplace_back(left), right);
    }
    all = std::move(product);
  }
  return all;
}

class Finder {
 public:
  Finder(const Detection& detection, const std::vector<uint32_t>& fields, bool as_json)
      : detection_(detection), fields_(fields), as_json_(as_json) {}

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxRuleDepth
  Alternatives OfNode(uint32_t index) const {
    const ConditionNode& node = detection_.nodes[index];
    if (node.kind == ConditionNode::Kind::kNot) return {{}};
    if (node.kind == ConditionNode::Kind::kSearch) {
      return OfSearch(detection_.searches[node.search]);
    }
    std::vector<Alternatives> children;
    for (const uint32_t child : node.children) children.push_back(OfNode(child));
    return node.at_least < node.children.size() ? AnyOf(std::move(children))
                                                : AllOf(std::move(children));
  }

 private:
  Alternatives OfSearch(const Search& search) const {
    std::vector<Alternatives> choices;
    for (const std::vector<Item>& items : search.alternatives) {
      std::vector<Alternatives> parts;
      for (const Item& item : items) parts.push_back({OfItem(item)});
      choices.push_back(AllOf(std::move(parts)));
    }
    return AnyOf(std::move(choices));
  }

  Alternative OfItem(const Item& item) const {
    if (item.negate || item.matchers.empty()) return {};
    const uint32_t field = item.field == Item::kKeyword ? Demand::kText : fields_[item.field];
    // Variants of one value: one of them. Values: one of them, or all.
    std::vector<Demand> values(item.all ? item.values : 1);
    std::vector<bool> is_unknown(values.size(), false);
    for (const Matcher& matcher : item.matchers) {
      const size_t value = item.all ? matcher.value : 0;
      std::vector<Word> words = OfMatcher(item, matcher);
      if (words.empty()) is_unknown[value] = true;
      std::ranges::move(words, std::back_inserter(values[value].words));
    }
    Demand* best = nullptr;
    for (size_t i = 0; i < values.size(); ++i) {
      if (is_unknown[i] || values[i].words.empty()) continue;
      values[i].field = field;
      PutInOrder(values[i]);
      if (best == nullptr || IsBetter(values[i], *best)) best = &values[i];
    }
    if (best == nullptr) return {};
    return {std::move(*best)};
  }

  // One of these; none when nothing is known.
  std::vector<Word> OfMatcher(const Item& item, const Matcher& matcher) const {
    const bool is_keyword = item.field == Item::kKeyword;
    switch (matcher.kind) {
      case Matcher::Kind::kNull: return {};
      case Matcher::Kind::kExists:
        if (!matcher.exists) return {};
        break;
      case Matcher::Kind::kPattern: {
        if (!is_keyword && matcher.pattern.is_literal()) {
          return {{Word::Kind::kExact, AsciiLower(matcher.pattern.literal())}};
        }
        std::string piece = BestPiece(matcher.pattern, is_keyword && as_json_);
        if (!piece.empty()) return {{Word::Kind::kContains, std::move(piece)}};
        break;
      }
      case Matcher::Kind::kRegex: {
        std::vector<Word> words;
        if (!is_keyword) words = WordsOf(*matcher.regex);
        if (!words.empty()) return words;
        break;
      }
      default: break;
    }
    if (is_keyword) return {};
    return {{Word::Kind::kPresent, ""}};
  }

  const Detection& detection_;
  const std::vector<uint32_t>& fields_;
  const bool as_json_;
};

}  // namespace

std::vector<Alternative> DemandsOf(const Detection& detection, const std::vector<uint32_t>& fields,
                                   bool as_json) {
  return Finder(detection, fields, as_json).OfNode(detection.root);
}

bool HasUnusualEscapes(std::string_view json) {
  for (size_t at = json.find('\\'); at != std::string_view::npos; at = json.find('\\', at + 2)) {
    if (at + 1 >= json.size()) return false;
    if (json[at + 1] == '/') return true;
    if (json[at + 1] != 'u' || at + 5 >= json.size()) continue;
    if (json[at + 2] != '0' || json[at + 3] != '0') continue;
    const int high = HexDigit(json[at + 4]);
    const int low = HexDigit(json[at + 5]);
    if (high >= 0 && low >= 0 && IsPlainInJson(static_cast<char>(high * 16 + low))) return true;
  }
  return false;
}

}  // namespace ekshume::detect::sigma
