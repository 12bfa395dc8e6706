// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/reading.h"

// Who the users of a host or container are and where their homes lie.
namespace ekshume::artifact {

// One line of /etc/passwd (passwd(5)).
struct PasswdEntry {
  std::string_view name;
  std::string_view password;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  std::string_view comment;
  std::string_view home;
  std::string_view shell;
};
// Nothing when the line has no seven fields.
std::optional<PasswdEntry> ParsePasswdLine(std::string_view line);

// A decimal number that fits; nothing otherwise.
std::optional<int64_t> ParseNumber(std::string_view text);

struct Home {
  std::string user;  // "" when no account has it
  std::string path;  // absolute, no slash at its end: "" is the root directory
};

// The accounts of a view, from its /etc/passwd, changed or not.
class Users {
 public:
  explicit Users(Reading& reading);

  // The account's name, or the number as text.
  std::string Name(uint32_t uid) const;
  // Home directories that exist: those of the accounts, /root, what lies in /home, and the root
  // directory, which is the home of processes that have none. Each once, by its path; sorted by
  // path. At most ReadingLimits::homes; more are reported.
  const std::vector<Home>& homes() const { return homes_; }
  // The absolute paths of `names` ("%h/.ssh/x" is written as ".ssh/x") in one home.
  static std::vector<std::string> InHome(const Home& home,
                                         std::initializer_list<std::string_view> names);

 private:
  std::map<uint32_t, std::string> names_;
  std::vector<Home> homes_;
};

}  // namespace ekshume::artifact
