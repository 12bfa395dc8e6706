// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// systemd's journal (systemd.journal-fields(7)): the files below /var/log/journal and
// /run/log/journal, read by libsystemd, which owns the format.
namespace ekshume::artifact::journal {

// One event per entry; record_id is the entry's cursor, the raw record its fields as
// `journalctl -o export` prints them. Sentences of sshd, su and sudo become logins and commands.
// libsystemd reads real files only, so each file is copied into a temporary file first
// (image::NamedTemporaryFile); one larger than limits::kMaxJournalFileBytes is left out. Offsets
// count the entries of a file.
const Format& JournalFormat();

}  // namespace ekshume::artifact::journal
