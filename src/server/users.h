// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/roles.h"

// Who may look at a case from other machines: a file of names, roles and hashes of passwords, which
// `ekshume users` writes and `ekshume serve --users` reads.
namespace ekshume::server {

// A hash of a password by scrypt (RFC 7914), as "$scrypt$ln=15,r=8,p=1$SALT$HASH" (the PHC string
// format, base64 without padding). kIo when the system has no random numbers or no memory (32 MiB).
Result<std::string> HashPassword(std::string_view password);
// Whether it is that password. False for a hash that is none, or that would cost more than ours.
bool IsPassword(std::string_view password, std::string_view hash);

// A name: up to 64 letters, digits and ". _ @ -".
bool IsUserName(std::string_view name);

class Users {
 public:
  // kInvalidArgument with the place when the text is no such file.
  static Result<Users> Read(std::string_view text);
  std::string Text() const;

  struct User {
    Role role = Role::kReader;
    std::string password;  // its hash
  };
  const std::map<std::string, User, std::less<>>& list() const { return users_; }
  void Set(const std::string& name, User user) { users_[name] = std::move(user); }
  bool Remove(std::string_view name);

 private:
  std::map<std::string, User, std::less<>> users_;
};

// Lets users in. One password is hashed at a time, so that guessing costs this machine one
// processor and 32 MiB at most; a name that was guessed at too often has to wait. Any thread.
class LoginDesk {
 public:
  explicit LoginDesk(Users users) : users_(std::move(users)) {}

  enum class Answer { kWelcome, kWrong, kWait };
  struct Outcome {
    Answer answer = Answer::kWrong;
    std::optional<Visitor> visitor;  // with kWelcome
    bool begins_waiting = false;     // with kWrong: this try was the last one for a while
  };
  // An unknown name costs what a wrong password costs.
  Outcome Try(std::string_view name, std::string_view password,
              std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());

 private:
  struct Tries {
    int wrong = 0;
    std::chrono::steady_clock::time_point last;
  };
  const Users users_;
  std::mutex mutex_;
  std::map<std::string, Tries, std::less<>> tries_;  // of names that are users
};

}  // namespace ekshume::server
