// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// What systemd starts: units that an administrator or an intruder put there (systemd.unit(5)): in
// /etc, /run, /usr/local and home directories. Units of packages in /usr/lib are left out, except
// where a container has them changed.
namespace ekshume::artifact::systemd_unit {

// One event per command (Exec...=), per trigger of a timer, socket or path, and per link that
// enables or masks a unit; one for a unit with none of them. The time is that of the file's or
// link's last change.
const Format& SystemdUnitFormat();

}  // namespace ekshume::artifact::systemd_unit
