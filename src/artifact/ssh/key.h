// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ekshume::artifact::ssh {

// One line of authorized_keys (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
struct AuthorizedKey {
  std::string options;      // "from=\"...\",command=\"...\"", "" when there are none
  std::string command;      // the forced command among them
  std::string type;         // "ssh-ed25519"
  std::string fingerprint;  // "SHA256:...", "" when the bytes are no key of that type
  std::string comment;
};
// Nothing for comments and lines without a key.
std::optional<AuthorizedKey> ParseAuthorizedKey(std::string_view line);

// One line of known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
struct KnownHost {
  std::string hosts;    // "files.example,203.0.113.9", "|1|..." when they are hashed
  std::string address;  // the first of them that is an IP address
  std::string marker;   // "@cert-authority", "@revoked" or ""
  std::string type;
  std::string fingerprint;
};
std::optional<KnownHost> ParseKnownHost(std::string_view line);

// What the beginning of a file says about a private key in it: RFC 7468 labels, PROTOCOL.key of
// OpenSSH for its own format.
struct PrivateKey {
  std::string kind;  // "OPENSSH", "RSA", "EC", "DSA", "" for PKCS #8
  // Whether a passphrase is needed; nothing when the file does not say.
  std::optional<bool> is_encrypted;
};
std::optional<PrivateKey> ParsePrivateKey(std::string_view content);

}  // namespace ekshume::artifact::ssh
