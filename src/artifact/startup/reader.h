// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// What runs or is loaded by itself, at boot, at login or into every process, other than by cron and
// systemd: ld.so.preload, rc.local and init scripts, profiles and shell start files,
// message-of-the- day scripts, desktop autostart, kernel modules, udev and PAM rules, package
// manager hooks.
namespace ekshume::artifact::startup {

// One event per file, or per line where each line is loaded for itself (ld.so.preload,
// modules-load.d, udev rules that run programs, PAM's pam_exec). The time is that of the file's
// last change; the raw record is the file's beginning.
const Format& StartupFormat();

}  // namespace ekshume::artifact::startup
