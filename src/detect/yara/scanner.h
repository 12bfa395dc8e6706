// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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

// The memory of a process: stretches of bytes, each at its address. Read one at a time, so that
// only one of them has to be held.
class Memory {
 public:
  struct Stretch {
    uint64_t address = 0;
    uint64_t size_bytes = 0;
  };
  virtual ~Memory() = default;
  // Ascending. One may begin with the end of the one before, so that what stands across is found;
  // it counts once.
  virtual std::span<const Stretch> stretches() const = 0;
  // All bytes of a stretch, valid until the next call; none when they cannot be read. Rules may ask
  // for one again.
  virtual std::optional<ByteView> Read(size_t index) = 0;
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
  // The same of a process's memory as a whole: what a rule asks for may stand in different
  // stretches. Places are addresses. As with `yara PID`, `filesize` is undefined, so that rules
  // about files do not hold. All rules together may take `seconds`.
  Scan RunMemory(Memory& memory, const FileNames& names, int seconds);

 private:
  struct State;
  template <typename OnePass>
  Scan RunPasses(int seconds, const OnePass& pass);

  const std::unique_ptr<State> state_;
};

}  // namespace ekshume::detect::yara
