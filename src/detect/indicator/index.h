// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "detect/indicator/value.h"
#include "detect/problem.h"

namespace ekshume::detect::indicator {

// What one line of a list says.
struct Indicator {
  Kind kind = Kind::kHash;
  std::string value;  // as it is compared; an address as text
  std::string file;
  size_t line = 0;
  std::string description;
};

// Where an indicator stands in a text.
struct Hit {
  uint32_t indicator = 0;
  size_t offset_bytes = 0;

  friend auto operator<=>(const Hit&, const Hit&) = default;
};

// What a text is, which decides where a file's name counts.
enum class TextKind {
  kRecord,   // a record or a file's content: a name counts behind a slash
  kCommand,  // a path or a command line: a name also counts as a word of it
};

// The indicators of some lists, for one pass over any text. A text is cut at every byte that is no
// letter, digit, dot, hyphen or underscore; what lies between is looked up in a table by its hash:
// hashes, addresses and domains (also from each dot on) by themselves, everything else by its
// rarest part, around which the whole is compared. The cost of a text does not depend on how many
// indicators there are, as long as the table fits the processor's caches. Letters count without
// case (ASCII). Immutable; any thread may use it.
class Index {
 public:
  // Reads lists (list.h). What is wrong with one is in refused(); the rest is used. kNotFound or
  // kIo when a file cannot be read. At most limits::kMaxIndicatorFileBytes of a file and
  // limits::kMaxIndicators in all are taken.
  static Result<std::unique_ptr<Index>> Load(const std::vector<std::string>& paths);
  // The same of texts: name and text. `most` is how many indicators are taken.
  static std::unique_ptr<Index> Of(const std::vector<std::pair<std::string, std::string>>& lists,
                                   size_t most = limits::kMaxIndicators);
  ~Index();

  size_t size() const;
  Indicator Get(uint32_t indicator) const;
  const std::vector<Problem>& refused() const;
  const std::vector<Problem>& doubtful() const;
  // Whether a list names MD5 or SHA-1 hashes, so that files must be hashed for it.
  bool has_md5() const;
  bool has_sha1() const;

  // Appends where indicators stand in `text`, in order of their places.
  void Search(std::string_view text, TextKind kind, std::vector<Hit>& hits) const;

 private:
  struct State;
  explicit Index(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace ekshume::detect::indicator
