// SPDX-License-Identifier: Apache-2.0
#include "server/users.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/random.h"
#include "base/scrypt.h"
#include "base/text.h"
#include "casefile/json.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

using casefile::Json;

// 2^15 * 1 KiB = 32 MiB (OWASP's Password Storage Cheat Sheet names it with p=3; we hash one at a
// time, in fewer passes).
constexpr std::string_view kPrefix = "$scrypt$ln=15,r=8,p=1$";
constexpr unsigned kLogCost = 15;
constexpr size_t kSaltBytes = 16;

std::optional<Sha256Digest> Hash(std::string_view password, ByteView salt) {
  return Scrypt(ByteView::Of(password), salt, kLogCost);
}

Error NoUsers(std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("the users' file: {}", why));
}

}  // namespace

Result<std::string> HashPassword(std::string_view password) {
  std::array<std::byte, kSaltBytes> salt;
  EKSHUME_TRY(FillWithRandom(salt));
  const std::optional<Sha256Digest> hash = Hash(password, ByteView(salt));
  if (!hash) return Fail(ErrorCode::kIo, "no memory to hash a password");
  return fmt::format("{}{}${}", kPrefix, EncodeBase64Unpadded(ByteView(salt)),
                     EncodeBase64Unpadded(ByteView(*hash)));
}

bool IsPassword(std::string_view password, std::string_view hash) {
  if (!hash.starts_with(kPrefix)) return false;
  const std::vector<std::string_view> parts = SplitNonEmpty(hash.substr(kPrefix.size()), '$');
  if (parts.size() != 2) return false;
  const std::optional<std::string> salt = DecodeBase64(parts[0]);
  const std::optional<std::string> kept = DecodeBase64(parts[1]);
  Sha256Digest wanted;
  if (!salt || !kept || kept->size() != wanted.size()) return false;
  std::ranges::transform(*kept, wanted.begin(), [](char c) { return static_cast<std::byte>(c); });
  const std::optional<Sha256Digest> is = Hash(password, ByteView::Of(*salt));
  return is && AreSame(*is, wanted);
}

bool IsUserName(std::string_view name) {
  return !name.empty() && name.size() <= limits::kMostNameBytes &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '@' || c == '-';
         });
}

Result<Users> Users::Read(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("users") || !json["users"].is_object()) {
    return NoUsers("it is no object with `users`");
  }
  Users users;
  for (const auto& [name, user] : json["users"].items()) {
    const std::string shown = EscapeForTerminal(name);
    if (!IsUserName(name)) {
      return NoUsers(fmt::format("\"{}\" is no name: up to {} letters, digits and . _ @ -", shown,
                                 limits::kMostNameBytes));
    }
    if (!user.is_object()) return NoUsers(shown + " is no object");
    const Json role = user.value("role", Json());
    const Json password = user.value("password", Json());
    const std::optional<Role> known =
        role.is_string() ? RoleOf(role.get_ref<const std::string&>()) : std::nullopt;
    if (!known) return NoUsers(shown + " has no role: reader, analyst or responder");
    if (!password.is_string() || !password.get_ref<const std::string&>().starts_with(kPrefix)) {
      return NoUsers(
          fmt::format("{} has no password of the form {}SALT$HASH; `ekshume users add` "
                      "makes it",
                      shown, kPrefix));
    }
    users.users_[name] = {*known, password.get<std::string>()};
  }
  return users;
}

std::string Users::Text() const {
  Json list = Json::object();
  for (const auto& [name, user] : users_) {
    list[name] = {{"role", NameOf(user.role)}, {"password", user.password}};
  }
  return casefile::Dump(Json{{"users", list}}, 2) + "\n";
}

bool Users::Remove(std::string_view name) {
  const auto found = users_.find(name);
  if (found == users_.end()) return false;
  users_.erase(found);
  return true;
}

LoginDesk::Outcome LoginDesk::Try(std::string_view name, std::string_view password,
                                  std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto user = users_.list().find(name);
  if (user == users_.list().end()) {
    // As long as a wrong password takes.
    static_cast<void>(Hash(password, ByteView::Of("nobody's salt...")));
    return {};
  }
  Tries& tries = tries_[std::string(name)];
  if (tries.wrong >= limits::kMostWrongPasswords) {
    if (now - tries.last < limits::kWaitAfterWrongPasswords) return {Answer::kWait, {}, false};
    tries.wrong = 0;
  }
  if (!IsPassword(password, user->second.password)) {
    tries.last = now;
    return {Answer::kWrong, {}, ++tries.wrong == limits::kMostWrongPasswords};
  }
  tries.wrong = 0;
  return {Answer::kWelcome, Visitor{user->first, user->second.role}, false};
}

}  // namespace ekshume::server
