// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "event/event.h"

namespace ekshume::log::falco {

// Takes a field of an alert by Falco's own name ("proc.cmdline", "k8s.ns.name", "ka.verb"). Empty
// values and "<NA>" are none.
void TakeField(std::string_view name, std::string_view value, event::Event& event);

// Takes the fields that stand as name=value in the text of an alert, by the names that the rules
// which come with Falco use ("command", "k8s_pod_name").
void TakeTextFields(std::string_view output, event::Event& event);

// "Warning" -> "medium": Falco's priorities are syslog's, ours are those of findings. Empty for
// anything else.
std::string_view SeverityOf(std::string_view priority);

}  // namespace ekshume::log::falco
