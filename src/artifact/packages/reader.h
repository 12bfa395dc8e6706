// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// What package managers installed, and when: dpkg and apt, apk, rpm and dnf.
namespace ekshume::artifact::packages {

// One event per installed package of dpkg's, apk's and rpm's databases (with the time of its
// installation; apk keeps none: tag `untimed`), per line of dpkg.log and dnf.rpm.log that
// installs, upgrades or removes, and per run of apt and dnf with its command line. Databases of rpm
// that are not SQLite are reported.
const Format& PackagesFormat();

}  // namespace ekshume::artifact::packages
