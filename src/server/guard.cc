// SPDX-License-Identifier: Apache-2.0
#include "server/guard.h"

#include <fmt/format.h>

#include <array>

#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

// Secrets are looked up by their hash, so that the time of a comparison says nothing about them.
std::string HashOf(std::string_view secret) { return ToHex(Sha256::Of(ByteView::Of(secret))); }

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<std::string> NewSecret() {
  std::array<std::byte, 32> bytes;
  EKSHUME_TRY(FillWithRandom(bytes));
  return ToHex(ByteView(bytes));
}

Guard::Guard(std::string authority, Scheme scheme)
    : authority_(std::move(authority)), scheme_(scheme) {}

Result<std::string> Guard::NewToken(const Visitor& visitor) {
  const std::string token = EKSHUME_TRY(NewSecret());
  const std::lock_guard lock(mutex_);
  if (tokens_.size() >= limits::kMostOpenTokens) {
    return Fail(ErrorCode::kLimit, "too many links wait to be opened");
  }
  tokens_[HashOf(token)] = visitor;
  return token;
}

Result<std::string> Guard::Redeem(std::string_view token, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(HashOf(token));
  if (found == tokens_.end()) return Fail(ErrorCode::kNotFound, "the link was used, or is none");
  const std::string secret = EKSHUME_TRY(BeginLocked(found->second, now));
  tokens_.erase(found);
  return secret;
}

Result<std::string> Guard::Begin(const Visitor& visitor, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  return BeginLocked(visitor, now);
}

Result<std::string> Guard::BeginLocked(const Visitor& visitor, Clock::time_point now) {
  const std::string secret = EKSHUME_TRY(NewSecret());
  std::erase_if(sessions_, [&](const auto& session) { return session.second.end <= now; });
  if (sessions_.size() >= limits::kMostSessions) {
    return Fail(ErrorCode::kLimit, "too many browsers are logged in");
  }
  sessions_[HashOf(secret)] = {visitor, now + limits::kSessionTime};
  return secret;
}

void Guard::End(const RequestHead& head) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(KeyOf(head));
}

Result<void> Guard::CheckOrigin(const RequestHead& head) const {
  if (head.host != authority_) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("this is {}, not {}", authority_, EscapeForTerminal(head.host)));
  }
  const bool reads = head.method == "GET" || head.method == "HEAD";
  const bool has_our_origin = head.origin == origin();
  if (!head.origin.empty() && !has_our_origin) {
    return Fail(ErrorCode::kInvalidArgument, "another page asks");
  }
  // "none": the analyst opened the link or typed the address.
  if (!head.fetch_site.empty() && head.fetch_site != "same-origin" && head.fetch_site != "none") {
    return Fail(ErrorCode::kInvalidArgument, "another page asks");
  }
  if (reads) return {};
  if (!has_our_origin) return Fail(ErrorCode::kInvalidArgument, "a change needs an Origin");
  if (!head.content_type.starts_with("application/json")) {
    return Fail(ErrorCode::kInvalidArgument, "a change is JSON");
  }
  return {};
}

std::string Guard::KeyOf(const RequestHead& head) const {
  const std::string name = cookie_name();
  for (const std::string_view part : SplitNonEmpty(head.cookie, ';')) {
    const std::string_view cookie = Trimmed(part);
    const size_t equals = cookie.find('=');
    if (equals == std::string_view::npos || cookie.substr(0, equals) != name) continue;
    std::string key = HashOf(cookie.substr(equals + 1));
    if (sessions_.contains(key)) return key;
  }
  return {};
}

std::optional<Visitor> Guard::Who(const RequestHead& head, Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(KeyOf(head));
  if (found == sessions_.end() || found->second.end <= now) return std::nullopt;
  return found->second.visitor;
}

std::string Guard::cookie_name() const {
  // Browsers take "__Host-" cookies over TLS only, and for the whole of one host.
  return (scheme_ == Scheme::kHttps ? "__Host-ekshume_" : "ekshume_") +
         authority_.substr(authority_.rfind(':') + 1);
}

std::string Guard::CookieFor(std::string_view session) const {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}{}", cookie_name(), session,
                     scheme_ == Scheme::kHttps ? "; Secure" : "",
                     session.empty() ? "; Max-Age=0" : "");
}

std::string Guard::origin() const {
  return (scheme_ == Scheme::kHttps ? "https://" : "http://") + authority_;
}

}  // namespace ekshume::server
