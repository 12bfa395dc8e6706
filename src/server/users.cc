// SPDX-License-Identifier: Apache-2.0
#include "server/users.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/base64.h"
#include "base/text.h"
#include "casefile/json.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

using casefile::Json;

// 128 * r * 2^ln bytes: 32 MiB (OWASP's Password Storage Cheat Sheet names r=8, p=3 with it; we
// hash one at a time, and take fewer passes).
constexpr std::string_view kPrefix = "$scrypt$ln=15,r=8,p=1$";
constexpr uint64_t kCost = uint64_t{1} << 15;
constexpr uint32_t kBlock = 8;
constexpr uint32_t kLanes = 1;
constexpr uint64_t kMostMemory = uint64_t{64} << 20;
constexpr size_t kSaltBytes = 16;
constexpr size_t kHashBytes = 32;

using Hash = std::array<unsigned char, kHashBytes>;

std::optional<Hash> Scrypt(std::string_view password, std::string_view salt) {
  const std::unique_ptr<EVP_KDF, void (*)(EVP_KDF*)> kdf(EVP_KDF_fetch(nullptr, "SCRYPT", nullptr),
                                                         EVP_KDF_free);
  if (!kdf) return std::nullopt;
  const std::unique_ptr<EVP_KDF_CTX, void (*)(EVP_KDF_CTX*)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                     EVP_KDF_CTX_free);
  if (!context) return std::nullopt;
  uint64_t cost = kCost;
  uint32_t block = kBlock;
  uint32_t lanes = kLanes;
  uint64_t memory = kMostMemory;
  // OpenSSL takes what it only reads as if it would write.
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, const_cast<char*>(password.data()),
                                        password.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, const_cast<char*>(salt.data()),
                                        salt.size()),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &cost),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &block),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &lanes),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
      OSSL_PARAM_construct_end()};
  Hash hash{};
  if (EVP_KDF_derive(context.get(), hash.data(), hash.size(), parameters) != 1) return std::nullopt;
  return hash;
}

Error NoUsers(std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("the users' file: {}", why));
}

}  // namespace

Result<std::string> HashPassword(std::string_view password) {
  std::array<char, kSaltBytes> salt;
  if (getentropy(salt.data(), salt.size()) != 0) {
    return Fail(ErrorCode::kIo, "no random numbers from the system");
  }
  const std::string_view bytes(salt.data(), salt.size());
  const std::optional<Hash> hash = Scrypt(password, bytes);
  if (!hash) return Fail(ErrorCode::kIo, "no memory to hash a password");
  const std::string_view hashed(reinterpret_cast<const char*>(hash->data()), hash->size());
  return fmt::format("{}{}${}", kPrefix, EncodeBase64Unpadded(ByteView::Of(bytes)),
                     EncodeBase64Unpadded(ByteView::Of(hashed)));
}

bool IsPassword(std::string_view password, std::string_view hash) {
  if (!hash.starts_with(kPrefix)) return false;
  const std::vector<std::string_view> parts = SplitNonEmpty(hash.substr(kPrefix.size()), '$');
  if (parts.size() != 2) return false;
  const std::optional<std::string> salt = DecodeBase64(parts[0]);
  const std::optional<std::string> wanted = DecodeBase64(parts[1]);
  if (!salt || !wanted || wanted->size() != kHashBytes) return false;
  const std::optional<Hash> is = Scrypt(password, *salt);
  return is && CRYPTO_memcmp(is->data(), wanted->data(), kHashBytes) == 0;
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
    static_cast<void>(Scrypt(password, "nobody's salt..."));
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
