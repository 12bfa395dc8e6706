// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "base/limits.h"
#include "detect/yara/rules.h"

namespace ekshume::detect::yara {

// Where a string of a rule was found.
struct Place {
  std::string identifier;  // "$name"
  uint64_t offset_bytes = 0;
};

// A rule that holds for some bytes.
struct Match {
  std::string rule;
  std::string file;         // of rules
  std::string description;  // by its metadata
  std::string author;
  std::string level;                  // by its metadata, "medium" where it has none that is known
  std::vector<std::string> tags;      // "attack.t1496", "attack.impact", sorted
  std::vector<std::string> own_tags;  // as the rule is tagged
  std::vector<Place> places;          // the first of each string, at most kMaxPlaces
};
inline constexpr size_t kMaxPlaces = 8;

struct Scan {
  std::vector<Match> matches;        // in order of files of rules, as they lie there
  std::vector<std::string> limited;  // sentences: what could not be asked, and why
};

// What a rule may ask of a file besides its content. Paths are bytes of evidence.
struct FileNames {
  std::string path;  // the whole path
  std::string kind;  // "elf", "script", "text", "data", ""
};

// Asks rules of one file after the other. One thread. `rules` must outlive it.
class Scanner {
 public:
  // `seconds` is what all rules together may take for one file.
  explicit Scanner(const Rules& rules, int seconds = limits::kMaxYaraSeconds);
  ~Scanner();

  // A rule that takes too long, or that libyara gives up on, costs only itself and those of its
  // file, and is named in Scan::limited.
  Scan Run(ByteView content, const FileNames& names);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace ekshume::detect::yara
