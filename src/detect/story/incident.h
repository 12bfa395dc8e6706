// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "detect/story/join.h"
#include "detect/story/story.h"

namespace ekshume::detect::story {

// What incidents are made of.
struct Case {
  const std::vector<Item>& items;
  const Actors& actors;
  const Places& places;
  const Facts& facts;
};

// Tells a group: who, where, what, in which order, and what to do now.
Incident MakeIncident(const Case& input, const Group& group);

// Asks of findings that begin nothing, one question for each actor and place.
std::vector<Question> MakeQuestions(const Case& input, const std::vector<size_t>& alone);

}  // namespace ekshume::detect::story
