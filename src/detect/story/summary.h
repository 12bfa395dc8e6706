// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "detect/story/incident.h"

namespace ekshume::detect::story {

// The words of an incident whose parts are there: how sure it is and why, how it began, its title
// and summary.
void Judge(const Case& input, const Group& group, Incident& incident);
void TellEntry(const Case& input, const Group& group, Incident& incident);
void Summarize(const Case& input, const Group& group, Incident& incident);

// The verdict of a case over its incidents and questions.
void Conclude(Story& story);

}  // namespace ekshume::detect::story
