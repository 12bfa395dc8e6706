// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "detect/indicator/value.h"

// Lists of indicators in the forms in which people share them.
namespace ekshume::detect::indicator {

// Takes what a list holds. Lines count from 1; 0 is the list as a whole.
class ListSink {
 public:
  virtual ~ListSink() = default;
  // False: no more is taken.
  virtual bool Add(Kind kind, std::string_view value, size_t line,
                   std::string_view description) = 0;
  virtual void Refuse(size_t line, std::string reason) = 0;  // this is not looked for
  virtual void Doubt(size_t line, std::string reason) = 0;   // left out with good reason
};

// Reads a list of any form: a MISP event or STIX 2.1 bundle (JSON), a CSV with a header that names
// a column ekshume knows, or plain lines: a value, and behind it, after a blank, comma, semicolon
// or " #", what it is. `kind:value` names the kind. UTF-8, or UTF-16 with or without a byte order
// mark.
void ParseList(std::string_view text, ListSink& sink);

// Its parts.
void ParseLines(std::string_view text, ListSink& sink);
// One STIX pattern: comparisons with = and IN of what ekshume knows, joined by OR. AND is taken
// where one side is a hash, which says all that the other could. What it does not understand is
// refused by name.
void ParseStixPattern(std::string_view pattern, size_t line, std::string_view description,
                      ListSink& sink);
// A MISP event, or several, or a STIX bundle.
void ParseJsonList(std::string_view json, ListSink& sink);

}  // namespace ekshume::detect::indicator
