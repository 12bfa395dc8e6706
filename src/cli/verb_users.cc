// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "casefile/atomic_file.h"
#include "casefile/json.h"
#include "cli/objects.h"
#include "cli/serve_verb.h"
#include "server/limits.h"
#include "server/users.h"

namespace ekshume::cli {
namespace {

struct UsersOptions {
  std::string file;
  std::string name;
  std::string role;
};

// Hides what is typed while it lives.
class HiddenTyping {
 public:
  HiddenTyping() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  ~HiddenTyping() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  HiddenTyping(const HiddenTyping&) = delete;
  HiddenTyping& operator=(const HiddenTyping&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

// A line of standard input; on a terminal it is asked for, and not shown.
std::string ReadSecret(const std::string& question) {
  std::string secret;
  if (isatty(STDIN_FILENO) == 0) {
    std::getline(std::cin, secret);
    return secret;
  }
  fmt::print(stderr, "{}: ", question);
  {
    const HiddenTyping hidden;
    std::getline(std::cin, secret);
  }
  fmt::print(stderr, "\n");
  return secret;
}

Result<std::string> AskPassword(const std::string& name) {
  std::string password = ReadSecret(fmt::format("password for {}", name));
  if (password.size() < server::limits::kLeastPasswordBytes ||
      password.size() > server::limits::kMostPasswordBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a password has {} to {} bytes", server::limits::kLeastPasswordBytes,
                            server::limits::kMostPasswordBytes));
  }
  if (isatty(STDIN_FILENO) != 0 && ReadSecret("once more") != password) {
    return Fail(ErrorCode::kInvalidArgument, "the two passwords differ");
  }
  return password;
}

Result<server::Users> ReadUsers(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return server::Users();
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(file));
  return server::Users::Read(text);
}

Result<void> WriteUsers(const std::string& file, const server::Users& users) {
  const auto out = EKSHUME_TRY(casefile::AtomicFile::Create(file));
  EKSHUME_TRY(out->Write(users.Text()));
  return out->Commit();
}

Result<void> Add(const UsersOptions& options) {
  if (!server::IsUserName(options.name)) {
    return Fail(ErrorCode::kInvalidArgument,
                "a name has up to 64 letters, digits and . _ @ -, and no others");
  }
  server::Users users = EKSHUME_TRY(ReadUsers(options.file));
  const std::string password = EKSHUME_TRY(AskPassword(options.name));
  users.Set(options.name,
            {*server::RoleOf(options.role), EKSHUME_TRY(server::HashPassword(password))});
  return WriteUsers(options.file, users);
}

Result<void> Remove(const UsersOptions& options) {
  server::Users users = EKSHUME_TRY(ReadUsers(options.file));
  if (!users.Remove(options.name)) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} has no user {}", options.file, options.name));
  }
  return WriteUsers(options.file, users);
}

Result<void> List(Program& program, const UsersOptions& options) {
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(options.file));
  const server::Users users = EKSHUME_TRY(server::Users::Read(text));
  std::vector<casefile::Json> rows;
  for (const auto& [name, user] : users.list()) {
    rows.push_back({{"name", name}, {"role", server::NameOf(user.role)}});
  }
  return PrintObjects(program, rows, {MemberColumn("name", "name"), MemberColumn("role", "role")});
}

}  // namespace

void AddUsersVerb(Program& program) {
  CLI::App* verb = program.app.add_subcommand(
      "users", "who may log in to a case that `serve` shows to other machines");
  verb->footer(
      "The password is asked for, or is the first line of standard input; the file holds its\n"
      "scrypt hash. A server reads the file when it starts.\n"
      "Roles: a reader looks, searches and downloads; an analyst also stars, comments, judges\n"
      "findings and writes the report; a responder also takes part in the response.\n"
      "Examples:\n"
      "  ekshume users add users.json ana --role analyst\n"
      "  ekshume users list users.json\n"
      "  ekshume users remove users.json ana");
  verb->require_subcommand(1);
  const auto options = std::make_shared<UsersOptions>();
  const auto add = [&](const char* name, const char* about) {
    CLI::App* sub = verb->add_subcommand(name, about);
    sub->add_option("file", options->file, "the file of the users")->required()->type_name("FILE");
    return sub;
  };
  CLI::App* adding = add("add", "add a user, or give one another password or role");
  adding->add_option("name", options->name, "their name")->required()->type_name("NAME");
  adding->add_option("--role", options->role, "reader, analyst or responder")
      ->required()
      ->check(CLI::IsMember({"reader", "analyst", "responder"}));
  adding->callback([&program, options] { program.action = [options] { return Add(*options); }; });
  CLI::App* removing = add("remove", "take a user away");
  removing->add_option("name", options->name, "their name")->required()->type_name("NAME");
  removing->callback(
      [&program, options] { program.action = [options] { return Remove(*options); }; });
  CLI::App* listing = add("list", "names and roles");
  program.AddOutputOptions(*listing);
  listing->callback([&program, options] {
    program.action = [&program, options] { return List(program, *options); };
  });
}

}  // namespace ekshume::cli
