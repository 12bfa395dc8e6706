// SPDX-License-Identifier: Apache-2.0
#include "log/syslog/programs.h"

#include <algorithm>

#include "log/fields.h"

namespace ekshume::log::syslog {
namespace {

using event::Event;
using event::Number;
using event::Text;

bool Cut(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// What stands between `before` and `after` (the end when it is not there); empty when `before` is
// not there.
std::string_view Between(std::string_view text, std::string_view before, std::string_view after) {
  const size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + before.size());
  return text.substr(0, text.find(after));
}

void Set(Event& event, std::string_view action, std::string_view user, std::string_view outcome) {
  event[Text::kAction] = action;
  event[Text::kUserName] = user;
  event[Text::kOutcome] = outcome;
}

// "203.0.113.7 port 50000 ssh2: ..."
void ReadAddress(std::string_view text, Event& event) {
  event[Text::kSourceIp] = TakeWord(text);
  if (!Cut(text, "port ")) return;
  event[Number::kSourcePort] = ParseInteger(text.substr(0, text.find_first_not_of("0123456789")));
}

// "alice from 203.0.113.7 port 50000 ...": the user and where from.
std::string_view ReadUserAndAddress(std::string_view text, Event& event) {
  const size_t at = text.rfind(" from ");
  if (at == std::string_view::npos) return text;
  ReadAddress(text.substr(at + 6), event);
  return text.substr(0, at);
}

void ReadSshd(std::string_view message, Event& event) {
  std::string_view rest = message;
  if (Cut(rest, "Accepted ")) {
    const std::string_view method = TakeWord(rest);
    Cut(rest, "for ");
    Set(event, "login", ReadUserAndAddress(rest, event), "success");
    AddTag(event, "method", method);
    if (const size_t key = rest.rfind("SHA256:"); key != std::string_view::npos) {
      AddTag(event, "key", rest.substr(key, rest.substr(key).find(' ')));
    }
  } else if (Cut(rest, "Failed ")) {
    const std::string_view method = TakeWord(rest);
    Cut(rest, "for ");
    const bool invalid = Cut(rest, "invalid user ");
    Set(event, "login", ReadUserAndAddress(rest, event), "failure");
    event[Text::kError] = "Failed " + std::string(method);
    AddTag(event, "method", method);
    if (invalid) event.AddTag("invalid_user");
  } else if (Cut(rest, "Invalid user ")) {
    Set(event, "login", ReadUserAndAddress(rest, event), "failure");
    event[Text::kError] = "Invalid user";
    event.AddTag("invalid_user");
  } else if (Cut(rest, "error: maximum authentication attempts exceeded for ")) {
    const bool invalid = Cut(rest, "invalid user ");
    Set(event, "login", ReadUserAndAddress(rest, event), "failure");
    event[Text::kError] = "Too many attempts";
    if (invalid) event.AddTag("invalid_user");
  } else if (Cut(rest, "Disconnected from user ")) {
    Set(event, "logout", TakeWord(rest), "success");
    ReadAddress(rest, event);
  } else if (Cut(rest, "Connection closed by ") || Cut(rest, "Connection reset by ") ||
             Cut(rest, "Disconnected from ") || Cut(rest, "Connection from ") ||
             Cut(rest, "Received disconnect from ")) {
    if (Cut(rest, "authenticating user ") || Cut(rest, "invalid user ")) {
      event[Text::kUserName] = TakeWord(rest);
    }
    ReadAddress(rest, event);
  }
}

// "alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/bash -i"; before TTY stands why
// it was refused.
void ReadSudo(std::string_view message, Event& event) {
  message.remove_prefix(std::min(message.find_first_not_of(' '), message.size()));
  const size_t colon = message.find(" : ");
  const size_t command = message.find("COMMAND=");
  if (colon == std::string_view::npos || command == std::string_view::npos) return;
  const std::string_view what = message.substr(colon + 3);
  const bool refused =
      !what.starts_with("TTY=") && !what.starts_with("PWD=") && !what.starts_with("HOST=");
  Set(event, "sudo", message.substr(0, colon), refused ? "failure" : "success");
  if (refused) event[Text::kError] = what.substr(0, what.find(" ;"));
  event[Text::kObjectKind] = "user";
  event[Text::kObjectName] = Between(message, "USER=", " ;");
  event[Text::kCommandLine] = message.substr(command + 8);
  std::string_view line = event[Text::kCommandLine];
  event[Text::kPath] = TakeWord(line);
  AddTag(event, "tty", Between(message, "TTY=", " ;"));
  AddTag(event, "pwd", Between(message, "PWD=", " ;"));
}

// util-linux: "(to root) alice on pts/0"; shadow: "Successful su for root by alice".
void ReadSu(std::string_view message, Event& event) {
  const bool failed = Cut(message, "FAILED SU ") || message.starts_with("FAILED su ") ||
                      message.starts_with("pam_authenticate:");
  std::string_view by;
  std::string_view to;
  if (message.starts_with("(to ")) {
    to = Between(message, "(to ", ")");
    by = Between(message, ") ", " on ");
  } else {
    to = Between(message, " su for ", " by ");
    by = Between(message, " by ", " ");
  }
  if (to.empty()) return;
  Set(event, "su", by, failed ? "failure" : "success");
  event[Text::kObjectKind] = "user";
  event[Text::kObjectName] = to;
}

// "(root) CMD (run-parts /etc/cron.hourly)", "(root) REPLACE (root)".
void ReadCron(std::string_view message, Event& event) {
  if (!message.starts_with('(')) return;
  const std::string_view user = Between(message, "(", ")");
  std::string_view rest = message.substr(std::min(user.size() + 3, message.size()));
  const std::string_view what = TakeWord(rest);
  if (rest.starts_with('(')) rest.remove_prefix(1);
  if (rest.ends_with(')')) rest.remove_suffix(1);
  if (what == "CMD") {
    Set(event, "cron", user, "unknown");
    event[Text::kCommandLine] = rest;
  } else if (what == "REPLACE" || what == "DELETE") {
    Set(event, what == "REPLACE" ? "crontab_replaced" : "crontab_deleted", user, "success");
    event[Text::kObjectKind] = "crontab";
    event[Text::kObjectName] = rest;
  }
}

// useradd, usermod, userdel, groupadd, gpasswd (shadow).
void ReadAccounts(std::string_view message, Event& event) {
  const auto changed = [&](std::string_view action, std::string_view kind, std::string_view name) {
    Set(event, action, {}, message.starts_with("failed") ? "failure" : "success");
    event[Text::kObjectKind] = kind;
    event[Text::kObjectName] = name;
  };
  if (message.starts_with("new user: ")) {
    changed("user_added", "user", Between(message, "name=", ","));
    AddTag(event, "uid", Between(message, "UID=", ","));
    AddTag(event, "shell", Between(message, "shell=", ","));
  } else if (message.starts_with("new group: ")) {
    changed("group_added", "group", Between(message, "name=", ","));
    AddTag(event, "gid", Between(message, "GID=", ","));
  } else if (message.starts_with("delete user '")) {
    changed("user_deleted", "user", Between(message, "'", "'"));
  } else if (message.starts_with("add '") && message.find("' to ") != std::string_view::npos) {
    changed("group_member_added", "user", Between(message, "add '", "'"));
    const std::string_view target = message.substr(message.find("' to ") + 5);
    AddTag(event, "group", Between(target, "'", "'"));
  } else if (message.starts_with("change user '")) {
    const std::string_view what = message.substr(message.find("' ") + 2);
    changed(what.starts_with("password") ? "password_changed" : "user_changed", "user",
            Between(message, "'", "'"));
  } else if (message.starts_with("user ") && message.find(" added by ") != std::string_view::npos) {
    changed("group_member_added", "user", Between(message, "user ", " "));
    event[Text::kUserName] = Between(message, " added by ", " ");
    AddTag(event, "group", Between(message, " to group ", " "));
  }
}

// "pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)"
void ReadPam(std::string_view message, Event& event) {
  const std::string_view what = message.substr(message.find("): ") + 3);
  const auto user_after = [&](std::string_view words) {
    std::string_view user = what.substr(words.size());
    return user.substr(0, user.find_first_of("( "));
  };
  if (what.starts_with("session opened for user ")) {
    Set(event, "session_opened", user_after("session opened for user "), "success");
  } else if (what.starts_with("session closed for user ")) {
    Set(event, "session_closed", user_after("session closed for user "), "success");
  } else if (what.starts_with("authentication failure;")) {
    Set(event, "authentication", Between(what, " user=", " "), "failure");
    event[Text::kSourceIp] = Between(what, "rhost=", " ");
  } else if (what.starts_with("password changed for ")) {
    Set(event, "password_changed", {}, "success");
    event[Text::kObjectKind] = "user";
    event[Text::kObjectName] = what.substr(std::string_view("password changed for ").size());
  }
}

// Go programs of Kubernetes write klog's header into the message: "E1124 21:39:08.123456  1 x.go:7]
// ".
void ReadKlogLevel(std::string_view message, Event& event) {
  if (message.size() < 6 || message[5] != ' ' || !event[Text::kSeverity].empty()) return;
  if (message.substr(1, 4).find_first_not_of("0123456789") != std::string_view::npos) return;
  switch (message[0]) {
    case 'I': event[Text::kSeverity] = "info"; break;
    case 'W': event[Text::kSeverity] = "warning"; break;
    case 'E': event[Text::kSeverity] = "error"; break;
    case 'F': event[Text::kSeverity] = "fatal"; break;
    default: break;
  }
}

}  // namespace

void ReadMessage(const Line& line, Event& event) {
  const std::string_view program = AfterLast(line.program, '/');
  const std::string_view message = line.message;
  if (message.starts_with("pam_") && message.find("): ") != std::string_view::npos) {
    ReadPam(message, event);
  } else if (program.starts_with("sshd")) {  // sshd-session since OpenSSH 9.8
    ReadSshd(message, event);
  } else if (program == "sudo") {
    ReadSudo(message, event);
  } else if (program == "su") {
    ReadSu(message, event);
  } else if (program == "CRON" || program == "crond" || program == "cron" || program == "crontab") {
    ReadCron(message, event);
  } else if (program.starts_with("user") || program.starts_with("group") || program == "gpasswd" ||
             program == "passwd" || program == "chpasswd") {
    ReadAccounts(message, event);
  } else {
    ReadKlogLevel(message, event);
  }
}

}  // namespace ekshume::log::syslog
