// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "detect/story/incident.h"

namespace ekshume::detect::story {

// The acts of a group in order of time: one for each thing done, however many findings saw it, and
// one for each file, however many times of it are events. At most limits::kMaxActs, the gravest;
// `left_out` counts the others.
std::vector<Act> MakeActs(const Case& input, const Group& group, uint64_t& left_out);

// "pod shop/webshop", "container 505ea3fb5f6c", "node ip-10-0-1-23", or "".
std::string PlaceName(const Item& item);

// A text for a sentence: at most `limit` bytes, whole UTF-8 characters.
std::string Shorten(std::string_view text, size_t limit);

// "a, b and c"; more than `most`: "a, b and 3 more".
std::string Enumerate(const std::vector<std::string>& parts, size_t most);

}  // namespace ekshume::detect::story
