// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ekshume::detect::sigma {

// A text with wildcards, as Sigma writes it: `*` any bytes, `?` one character; a backslash takes
// the meaning from `*`, `?` and `\` and stands for itself before anything else (specification 2.1,
// "Escaping"). Compares ASCII letters without case unless it is made case-sensitive. Immutable when
// made; any thread. Matching takes at most (length of the text) x (length of the pattern) steps.
class Pattern {
 public:
  enum class PartKind : uint8_t { kText, kOne, kMany, kDash };
  struct Part {
    PartKind kind = PartKind::kText;
    std::string text;

    friend bool operator==(const Part&, const Part&) = default;
  };

  static Pattern Parse(std::string_view text);
  static Pattern Literal(std::string_view text);

  // True when there is no wildcard; then literal() is the text.
  bool is_literal() const;
  std::string literal() const;

  void AnyBefore();  // `*` in front
  void AnyAfter();   // `*` at the end
  // Each of - / and the dashes of Unicode then fits any of them (modifier windash).
  void AnyDash();
  void SetCased() { cased_ = true; }
  // To be called once, after all of the above.
  void Finish();

  bool cased() const { return cased_; }
  const std::vector<Part>& parts() const { return parts_; }
  // `*` alone: anything that is there.
  bool is_any() const { return shape_ == Shape::kAny; }

  // `lower` is `text` with small letters (value.h).
  bool Matches(std::string_view text, std::string_view lower) const;

 private:
  enum class Shape : uint8_t { kExact, kPrefix, kSuffix, kContains, kAny, kGeneral };
  bool MatchesGeneral(std::string_view text) const;

  std::vector<Part> parts_;
  bool cased_ = false;
  Shape shape_ = Shape::kGeneral;
  std::string word_;  // of the simple shapes
};

}  // namespace ekshume::detect::sigma
