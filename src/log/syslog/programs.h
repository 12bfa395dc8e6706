// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "event/event.h"
#include "log/syslog/line.h"

namespace ekshume::log::syslog {

// Fills action, user, address, outcome and command from what sshd, sudo, su, cron, PAM and the
// programs that manage accounts write; leaves other messages as they are. User names are chosen by
// whoever connects and may hold blanks and words of the message itself, so what follows them is
// looked for from the end.
void ReadMessage(const Line& line, event::Event& event);

}  // namespace ekshume::log::syslog
