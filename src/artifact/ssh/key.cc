// SPDX-License-Identifier: Apache-2.0
#include "artifact/ssh/key.h"

#include <algorithm>

#include "artifact/reading.h"
#include "base/base64.h"
#include "base/endian.h"
#include "base/hash.h"
#include "base/text.h"

namespace ekshume::artifact::ssh {
namespace {

// The first field of a key's bytes (RFC 4253, section 6.6): its type.
std::optional<std::string> TypeInside(std::string_view bytes) {
  const ByteView view = ByteView::Of(bytes);
  const auto length = view.Read<be32>(0);
  if (!length) return std::nullopt;
  const auto name = view.Sub(sizeof(be32), length->value());
  if (!name) return std::nullopt;
  return std::string(name->AsText());
}

struct PublicKey {
  std::string type;
  std::string fingerprint;
};

bool IsKeyType(std::string_view word) {
  return word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-") || word.starts_with("sk-");
}

// Takes "type base64" from the front of `rest`. Bytes that are no key of that type have no
// fingerprint: sshd would not take the line, but somebody put it there.
std::optional<PublicKey> TakePublicKey(std::string_view& rest) {
  std::string_view after = rest;
  const std::string_view type = TakeWord(after);
  const std::string_view text = TakeWord(after);
  if (!IsKeyType(type) || text.empty()) return std::nullopt;
  rest = after;
  PublicKey key{std::string(type), ""};
  const auto bytes = DecodeBase64(text);
  if (bytes && TypeInside(*bytes) == type) {
    key.fingerprint = "SHA256:" + EncodeBase64Unpadded(ByteView(Sha256::Of(ByteView::Of(*bytes))));
  }
  return key;
}

// Takes the options, which end at the first blank outside double quotes.
std::string_view TakeOptions(std::string_view& rest) {
  bool quoted = false;
  size_t end = 0;
  for (; end < rest.size(); ++end) {
    const char c = rest[end];
    if (c == '\\' && quoted && end + 1 < rest.size()) {
      ++end;
    } else if (c == '"') {
      quoted = !quoted;
    } else if ((c == ' ' || c == '\t') && !quoted) {
      break;
    }
  }
  const std::string_view options = rest.substr(0, end);
  rest = Trim(rest.substr(end));
  return options;
}

// The value of command="..." among options.
std::string ForcedCommand(std::string_view options) {
  constexpr std::string_view kName = "command=\"";
  const size_t start = options.find(kName);
  if (start == std::string_view::npos) return "";
  std::string command;
  for (size_t i = start + kName.size(); i < options.size() && options[i] != '"'; ++i) {
    if (options[i] == '\\' && i + 1 < options.size()) ++i;
    command.push_back(options[i]);
  }
  return command;
}

bool IsAddress(std::string_view host) {
  const bool v4 = host.find_first_not_of("0123456789.") == std::string_view::npos &&
                  host.find('.') != std::string_view::npos;
  const bool v6 = host.find_first_not_of("0123456789abcdefABCDEF:") == std::string_view::npos &&
                  host.find(':') != std::string_view::npos;
  return v4 || v6;
}

}  // namespace

std::optional<AuthorizedKey> ParseAuthorizedKey(std::string_view line) {
  std::string_view rest = Trim(line);
  if (rest.empty() || rest.starts_with('#')) return std::nullopt;
  AuthorizedKey key;
  auto found = TakePublicKey(rest);
  if (!found) {
    const std::string_view options = TakeOptions(rest);
    found = TakePublicKey(rest);
    if (!found) return std::nullopt;
    key.options = options;
    key.command = ForcedCommand(options);
  }
  key.type = std::move(found->type);
  key.fingerprint = std::move(found->fingerprint);
  key.comment = Trim(rest);
  return key;
}

std::optional<KnownHost> ParseKnownHost(std::string_view line) {
  std::string_view rest = Trim(line);
  if (rest.empty() || rest.starts_with('#')) return std::nullopt;
  KnownHost host;
  if (rest.starts_with('@')) host.marker = TakeWord(rest);
  host.hosts = TakeWord(rest);
  const auto key = TakePublicKey(rest);
  if (!key) return std::nullopt;
  host.type = key->type;
  host.fingerprint = key->fingerprint;
  for (std::string_view name : SplitNonEmpty(host.hosts, ',')) {
    // "[203.0.113.9]:2222"
    if (name.starts_with('[')) name = name.substr(1, std::min(name.find(']'), name.size()) - 1);
    if (!IsAddress(name)) continue;
    host.address = name;
    break;
  }
  return host;
}

std::optional<PrivateKey> ParsePrivateKey(std::string_view content) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kLabel = "PRIVATE KEY-----";
  const size_t begin = content.find(kBegin);
  if (begin == std::string_view::npos) return std::nullopt;
  std::string_view rest = content.substr(begin + kBegin.size());
  const std::string_view label = rest.substr(0, rest.find('\n'));
  const size_t kind_end = label.find(kLabel);
  if (kind_end == std::string_view::npos) return std::nullopt;
  PrivateKey key;
  key.kind = Trim(label.substr(0, kind_end));
  rest.remove_prefix(label.size());
  const std::string_view body = rest.substr(0, rest.find("-----END"));
  if (key.kind == "ENCRYPTED") {
    key.kind.clear();
    key.is_encrypted = true;
  } else if (key.kind == "OPENSSH") {
    // "openssh-key-v1" NUL, string ciphername ("none" without passphrase)
    constexpr std::string_view kMagic("openssh-key-v1\0", 15);
    const auto bytes = DecodeBase64(body);
    if (bytes && bytes->starts_with(kMagic)) {
      const auto cipher = TypeInside(std::string_view(*bytes).substr(kMagic.size()));
      if (cipher) key.is_encrypted = *cipher != "none";
    }
  } else if (key.kind.empty()) {
    key.is_encrypted = false;
  } else {
    key.is_encrypted = body.find("ENCRYPTED") != std::string_view::npos;  // RFC 1421 header
  }
  return key;
}

}  // namespace ekshume::artifact::ssh
