// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "log/carrier/json_scan.h"

namespace ekshume::log {

// Cuts JSON into records: the elements of arrays at the top, the elements of an envelope's array
// ({"Records": [...]}), values one after the other. Works on a window of the text that its owner
// moves on.
class JsonCutter {
 public:
  enum class Kind {
    kRecord,    // [begin, begin + size) of the window is one
    kNeedMore,  // what follows `begin` is not whole: give more, with the window moved there
    kDamaged,   // [begin, begin + size) is no JSON; cutting goes on behind it
    kTooLong,   // a record of more than limits::kMaxRecordBytes; what there is of it is to be
                // dropped
    kEnd,       // the window is used up, and it was the last
  };
  struct Step {
    Kind kind;
    size_t begin = 0;
    size_t size = 0;
  };

  // The next step from `position` of `window` on. `last`: nothing follows the window.
  Step Next(std::string_view window, size_t position, bool last);

  // The text of the envelope that the last record was in, from its brace to its array; "" when it
  // was in none.
  const std::string& head() const { return head_; }

 private:
  Step Value(std::string_view window, size_t position, bool last);
  Step Damaged(std::string_view window, size_t position) const;

  std::string arrays_;  // open ones: '[' at the top, 'E' of an envelope
  std::string head_;
  JsonScan scan_;
  size_t scanned_ = 0;     // of the value at the beginning of the window
  bool skipping_ = false;  // the rest of an envelope behind its array
  bool dropping_ = false;  // the rest of a record that was too long
};

// Whether a text begins with an object that is an envelope, as far as it is there.
bool BeginsEnvelope(std::string_view text);

}  // namespace ekshume::log
