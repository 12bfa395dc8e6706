// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "event/event.h"

namespace ekshume::log::runtime_log {

// Reads a `msg` of a runtime into the event: what was done, to which container, pod sandbox or
// image, and whether it succeeded. Sources: containerd internal/cri/instrument and
// internal/cri/server, its events; moby daemon/monitor.go.
void ReadSentence(std::string_view msg, event::Event& event);

}  // namespace ekshume::log::runtime_log
