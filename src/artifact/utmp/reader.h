// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// Who logged in: utmp, wtmp, btmp (utmp(5)) and lastlog, as glibc programs write them on x86-64 and
// on aarch64. The raw record is what utmpdump(1) prints of it.
namespace ekshume::artifact::utmp {

// One event per record that says something: login, logout (with the user and the duration where the
// login stands before it in the same file), boot, shutdown, run level, clock changes; of btmp
// failed logins. Of lastlog one per user.
const Format& UtmpFormat();

}  // namespace ekshume::artifact::utmp
