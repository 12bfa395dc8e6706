// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// What was typed: the histories that shells and other interactive programs keep in home
// directories. bash (with and without times), zsh, fish, ash, ksh; mysql, psql, redis-cli, sqlite3,
// mongo, python, node and others; less, vim, and the hosts that wget remembers.
namespace ekshume::artifact::shell_history {

// One event per command. A command of a history without times has no time, the tag `untimed`, and
// names in its message when the file was last written.
const Format& ShellHistoryFormat();

}  // namespace ekshume::artifact::shell_history
