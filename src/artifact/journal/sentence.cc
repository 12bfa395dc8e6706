// SPDX-License-Identifier: Apache-2.0
#include "artifact/journal/sentence.h"

#include <string>

#include "artifact/reading.h"
#include "artifact/users.h"

namespace ekshume::artifact::journal {
namespace {

using event::Number;
using event::Text;

// Takes `word` and what is before it from the front of `rest`; false when it is not there.
bool TakeThrough(std::string_view& rest, std::string_view word) {
  const size_t at = rest.find(word);
  if (at == std::string_view::npos) return false;
  rest.remove_prefix(at + word.size());
  return true;
}

// "... from 203.0.113.9 port 4711 ssh2: ED25519 SHA256:..."
void TakeOrigin(std::string_view rest, event::Event& event) {
  if (!TakeThrough(rest, "from ")) return;
  event[Text::kSourceIp] = TakeWord(rest);
  if (!TakeThrough(rest, "port ")) return;
  std::string_view port = TakeWord(rest);
  while (port.ends_with(':') || port.ends_with(']')) port.remove_suffix(1);
  event[Number::kSourcePort] = ParseNumber(port);
  const size_t fingerprint = rest.find("SHA256:");
  if (fingerprint == std::string_view::npos) return;
  std::string_view key = rest.substr(fingerprint);
  event[Text::kCredentialId] = TakeWord(key);
}

void Set(event::Event& event, std::string_view action, std::string_view outcome,
         std::string_view user) {
  event[Text::kAction] = action;
  event[Text::kOutcome] = outcome;
  if (!user.empty()) event[Text::kUserName] = user;
}

// auth.c and auth2.c of OpenSSH
bool DescribeSshd(std::string_view sentence, event::Event& event) {
  std::string_view rest = sentence;
  const bool accepted = sentence.starts_with("Accepted ");
  if (accepted || sentence.starts_with("Failed ")) {
    if (!TakeThrough(rest, " for ")) return false;
    if (rest.starts_with("invalid user ")) TakeThrough(rest, "invalid user ");
    rest = Trim(rest);
    const std::string_view user = rest.starts_with("from ") ? "" : TakeWord(rest);
    Set(event, "login", accepted ? "success" : "failure", user);
    TakeOrigin(rest, event);
    return true;
  }
  if (sentence.starts_with("Invalid user ")) {
    TakeThrough(rest, "Invalid user ");
    rest = Trim(rest);  // an empty name leaves two blanks
    const std::string_view user = rest.starts_with("from ") ? "" : TakeWord(rest);
    Set(event, "login", "failure", user);
    TakeOrigin(rest, event);
    return true;
  }
  if (sentence.starts_with("Disconnected from user ")) {
    TakeThrough(rest, "Disconnected from user ");
    const std::string_view user = TakeWord(rest);
    Set(event, "logout", "success", user);
    event[Text::kSourceIp] = TakeWord(rest);
    if (TakeThrough(rest, "port ")) event[Number::kSourcePort] = ParseNumber(TakeWord(rest));
    return true;
  }
  return false;
}

// sudo's logging.c: "eve : TTY=pts/0 ; PWD=/home/eve ; USER=root ; COMMAND=/bin/sh -c id"
bool DescribeSudo(std::string_view sentence, event::Event& event) {
  const size_t colon = sentence.find(" : ");
  const size_t command = sentence.find("COMMAND=");
  if (colon == std::string_view::npos || command == std::string_view::npos) return false;
  const std::string_view details = sentence.substr(colon + 3);
  const bool refused = !details.starts_with("TTY=") && !details.starts_with("PWD=");
  Set(event, "sudo", refused ? "failure" : "success", Trim(sentence.substr(0, colon)));
  event[Text::kCommandLine] = sentence.substr(command + std::string_view("COMMAND=").size());
  std::string_view rest = details;
  if (TakeThrough(rest, "; USER=")) {
    event[Text::kObjectKind] = "user";
    event[Text::kObjectName] = TakeWord(rest);
  }
  return true;
}

// pam_unix.c: "pam_unix(su:session): session opened for user root(uid=0) by eve(uid=1000)"
bool DescribePam(std::string_view sentence, event::Event& event) {
  if (!sentence.starts_with("pam_unix(")) return false;
  std::string_view rest = sentence;
  const bool opened = sentence.find("session opened for user ") != std::string_view::npos;
  if (!opened && sentence.find("session closed for user ") == std::string_view::npos) return false;
  TakeThrough(rest, "for user ");
  const std::string_view user = rest.substr(0, rest.find_first_of("( "));
  Set(event, opened ? "login" : "logout", "success", user);
  return true;
}

}  // namespace

bool DescribeSentence(std::string_view program, std::string_view sentence, event::Event& event) {
  if (program.starts_with("sshd") && DescribeSshd(sentence, event)) return true;
  if (program == "sudo" && DescribeSudo(sentence, event)) return true;
  const bool uses_pam =
      program.starts_with("sshd") || program == "sudo" || program == "su" || program == "login";
  return uses_pam && DescribePam(sentence, event);
}

}  // namespace ekshume::artifact::journal
