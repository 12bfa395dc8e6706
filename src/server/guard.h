// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/roles.h"

namespace ekshume::server {

// What of a request decides whether it is answered at all. Empty: there is no such header.
struct RequestHead {
  std::string_view method;
  std::string_view host;
  std::string_view origin;
  std::string_view fetch_site;    // Sec-Fetch-Site
  std::string_view content_type;  // of the body
  std::string_view cookie;
};

// 32 random bytes as hexadecimal digits. kIo when the system has none.
Result<std::string> NewSecret();

// Who may ask: whoever holds the cookie of a session, from our own page. A session begins with a
// token, which works once, or with a password (LoginDesk), and ends after limits::kSessionTime.
// Host and Origin must be ours on every request, so neither another page in the same browser nor a
// name that was made to point here gets an answer. Any thread.
class Guard {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Scheme { kHttp, kHttps };

  // `authority` is what stands in the link: "127.0.0.1:8437". It may be set once more, before the
  // first request: only a socket knows which port was free.
  explicit Guard(std::string authority, Scheme scheme = Scheme::kHttp);
  void set_authority(std::string authority) { authority_ = std::move(authority); }

  // A token for one session. kLimit when too many wait to be used.
  Result<std::string> NewToken(const Visitor& visitor);
  // The secret of a new session, for a token that was not used yet. kNotFound for any other text.
  Result<std::string> Redeem(std::string_view token, Clock::time_point now = Clock::now());
  // The secret of a new session. kLimit when there are too many.
  Result<std::string> Begin(const Visitor& visitor, Clock::time_point now = Clock::now());
  // Ends the session that a request belongs to.
  void End(const RequestHead& head);

  // Whether the request came from where it may: kInvalidArgument says what is wrong. A method other
  // than GET and HEAD changes something, and needs an Origin and a body of JSON.
  Result<void> CheckOrigin(const RequestHead& head) const;
  // Whose session it is; nothing when it is none, or no longer.
  std::optional<Visitor> Who(const RequestHead& head, Clock::time_point now = Clock::now()) const;

  // Cookies of all ports of a machine are one heap: the port is in the name.
  std::string cookie_name() const;
  // The Set-Cookie header for a session; for "" the one that takes the cookie away.
  std::string CookieFor(std::string_view session) const;
  const std::string& authority() const { return authority_; }
  // "http://127.0.0.1:8437"
  std::string origin() const;

 private:
  struct Session {
    Visitor visitor;
    Clock::time_point end;
  };
  // What looks a session up: the hash of its secret, which the cookie holds; "" without any.
  std::string KeyOf(const RequestHead& head) const;
  Result<std::string> BeginLocked(const Visitor& visitor, Clock::time_point now);

  std::string authority_;
  const Scheme scheme_;
  mutable std::mutex mutex_;
  std::map<std::string, Visitor> tokens_;    // by the hash of the token
  std::map<std::string, Session> sessions_;  // by the hash of the secret
};

}  // namespace ekshume::server
