// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "log/format.h"

namespace ekshume::log {

// Reads a line that one log carries for another: what a container prints, what a daemon writes to
// syslog or the journal. When a format surely knows it (Falco, Tetragon, klog, an API server's
// audit events, the authenticator, containerd), that format reads it and becomes the events'
// `source`; each event is given to `finish` before `sink` takes it, and has the time `time` when
// the line says none. False, and nothing added, for all other lines, which a look at the beginning
// tells. `line` may lie anywhere, also in the thread's JSON parser: it is copied first.
bool ReadInnerLine(std::string_view line, std::optional<Timestamp> time, const Stream& stream,
                   event::Event& event, event::Sink& sink, DiagnosticSink& diagnostics,
                   const std::function<void(event::Event&)>& finish);

}  // namespace ekshume::log
