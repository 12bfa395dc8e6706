// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

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
// token, which works once. Host and Origin must be ours on every request, so neither another page
// in the same browser nor a name that was made to point here gets an answer. Any thread.
class Guard {
 public:
  // `authority` is what stands in the link: "127.0.0.1:8437". It may be set once more, before the
  // first request: only a socket knows which port was free.
  explicit Guard(std::string authority);
  void set_authority(std::string authority) { authority_ = std::move(authority); }

  // A token for one session of this analyst. kLimit when too many wait to be used.
  Result<std::string> NewToken(const std::string& analyst);
  // The secret of a new session, for a token that was not used yet. kNotFound for any other text.
  Result<std::string> Redeem(std::string_view token);

  // Whether the request came from where it may: kInvalidArgument says what is wrong. A method other
  // than GET and HEAD changes something, and needs an Origin and a body of JSON.
  Result<void> CheckOrigin(const RequestHead& head) const;
  // Whose session it is; nothing when it is none.
  std::optional<std::string> Analyst(const RequestHead& head) const;

  // Cookies of all ports of a machine are one heap: the port is in the name.
  std::string cookie_name() const;
  // The Set-Cookie header for a session.
  std::string CookieFor(const std::string& session) const;
  const std::string& authority() const { return authority_; }

 private:
  std::string authority_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> tokens_;    // token -> analyst
  std::map<std::string, std::string> sessions_;  // SHA-256 of the secret -> analyst
};

}  // namespace ekshume::server
