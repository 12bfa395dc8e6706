// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "event/event.h"

namespace ekshume::log::klog {

// Reads what follows the head of a line into the event: the message, and the fields and the old
// sentences' words that say which pod, container, node or request it is about.
void ReadText(std::string_view text, event::Event& event);

}  // namespace ekshume::log::klog
