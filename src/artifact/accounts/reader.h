// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// Who may log in and become root: passwd(5), shadow(5), group(5), sudoers(5).
namespace ekshume::artifact::accounts {

// One event per account, per account with a password or a time of its last change, per group with
// members, and per rule of sudoers. The time is that of the file's last change, for shadow the day
// of the password's. Tags: uid0 (root by another name), empty_password, nopasswd. Password hashes
// are in no column, the raw record included.
const Format& AccountsFormat();

}  // namespace ekshume::artifact::accounts
