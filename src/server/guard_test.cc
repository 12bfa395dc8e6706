// SPDX-License-Identifier: Apache-2.0
#include "server/guard.h"

#include <gtest/gtest.h>

#include "server/limits.h"

namespace ekshume::server {
namespace {

constexpr std::string_view kOurs = "127.0.0.1:8437";

RequestHead Reading(std::string_view host) { return {.method = "GET", .host = host}; }

RequestHead Changing(std::string_view origin) {
  return {.method = "POST",
          .host = kOurs,
          .origin = origin,
          .fetch_site = "same-origin",
          .content_type = "application/json"};
}

TEST(Guard, AnswersOnlyUnderItsOwnName) {
  const Guard guard{std::string(kOurs)};
  EXPECT_TRUE(guard.CheckOrigin(Reading(kOurs)));
  for (const std::string_view host : {"", "127.0.0.1", "localhost:8437", "evil.test:8437",
                                      "127.0.0.1:8438", "127.0.0.1:8437.evil.test", "(twice)"}) {
    EXPECT_FALSE(guard.CheckOrigin(Reading(host))) << host;
  }
}

TEST(Guard, OtherPagesMayNotAsk) {
  const Guard guard{std::string(kOurs)};
  RequestHead head = Reading(kOurs);
  for (const std::string_view origin : {"null", "http://evil.test", "https://127.0.0.1:8437",
                                        "http://127.0.0.1:8438", "http://127.0.0.1:8437/"}) {
    head.origin = origin;
    EXPECT_FALSE(guard.CheckOrigin(head)) << origin;
  }
  head.origin = "http://127.0.0.1:8437";
  EXPECT_TRUE(guard.CheckOrigin(head));
  head.origin = "";
  for (const std::string_view site : {"cross-site", "same-site"}) {
    head.fetch_site = site;
    EXPECT_FALSE(guard.CheckOrigin(head)) << site;
  }
  head.fetch_site = "none";
  EXPECT_TRUE(guard.CheckOrigin(head));
}

TEST(Guard, ChangesNeedOurOriginAndJson) {
  const Guard guard{std::string(kOurs)};
  EXPECT_TRUE(guard.CheckOrigin(Changing("http://127.0.0.1:8437")));
  EXPECT_FALSE(guard.CheckOrigin(Changing("")));
  for (const std::string_view type :
       {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}) {
    RequestHead head = Changing("http://127.0.0.1:8437");
    head.content_type = type;
    EXPECT_FALSE(guard.CheckOrigin(head)) << type;
  }
}

TEST(Guard, ATokenOpensOneSession) {
  Guard guard{std::string(kOurs)};
  const std::string token = *guard.NewToken("ana");
  const auto session = guard.Redeem(token);
  ASSERT_TRUE(session);
  EXPECT_NE(*session, token);
  EXPECT_FALSE(guard.Redeem(token));
  EXPECT_FALSE(guard.Redeem(""));
  EXPECT_FALSE(guard.Redeem(*session));

  const std::string cookie = "theme=dark; ekshume_8437=" + *session + "; other=1";
  RequestHead head = Reading(kOurs);
  head.cookie = cookie;
  EXPECT_EQ(guard.Analyst(head), "ana");
  head.cookie = "ekshume_8438=x";
  EXPECT_EQ(guard.Analyst(head), std::nullopt);
  head.cookie = "ekshume_8437=";
  EXPECT_EQ(guard.Analyst(head), std::nullopt);
}

TEST(Guard, TheCookieIsForThisPageOnly) {
  const Guard guard{std::string(kOurs)};
  const std::string cookie = guard.CookieFor("abc");
  EXPECT_EQ(cookie, "ekshume_8437=abc; Path=/; HttpOnly; SameSite=Strict");
}

TEST(Guard, TokensAndSessionsAreBounded) {
  Guard guard{std::string(kOurs)};
  for (size_t i = 0; i < limits::kMostSessions; ++i) {
    ASSERT_TRUE(guard.Redeem(*guard.NewToken("ana")));
  }
  const auto more = guard.Redeem(*guard.NewToken("ana"));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::kLimit);
  for (size_t i = 1; i < limits::kMostOpenTokens; ++i) ASSERT_TRUE(guard.NewToken("ana"));
  const auto link = guard.NewToken("ana");
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace ekshume::server
