// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// Who may come in by SSH and where its users went: authorized_keys and known_hosts (sshd(8)),
// sshd_config(5), the client's config, and private keys that lie about.
namespace ekshume::artifact::ssh {

// One event per key, host or setting; the time is that of the file's last change. Of a private key
// only that it is there, of which kind, and whether a passphrase protects it: never its bytes.
// Column credential_id is the fingerprint that sshd logs at a login: SHA256:...
const Format& SshFormat();

}  // namespace ekshume::artifact::ssh
