// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "event/event.h"

namespace ekshume::artifact::journal {

// Fills in what a sentence of sshd, sudo, su or login says: action (login, logout, sudo), outcome,
// user, address and port, the key's fingerprint, the command. False, and nothing changed, when the
// program or the sentence is of no such kind.
bool DescribeSentence(std::string_view program, std::string_view sentence, event::Event& event);

}  // namespace ekshume::artifact::journal
