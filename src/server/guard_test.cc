// SPDX-License-Identifier: Apache-2.0
#include "server/guard.h"

#include <gtest/gtest.h>

#include "server/limits.h"

namespace ekshume::server {
namespace {

constexpr std::string_view kOurs = "127.0.0.1:8437";

const Visitor kAna{"ana", Role::kAnalyst};

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
  const std::string token = *guard.NewToken(kAna);
  const auto session = guard.Redeem(token);
  ASSERT_TRUE(session);
  EXPECT_NE(*session, token);
  EXPECT_FALSE(guard.Redeem(token));
  EXPECT_FALSE(guard.Redeem(""));
  EXPECT_FALSE(guard.Redeem(*session));

  const std::string cookie = "theme=dark; ekshume_8437=" + *session + "; other=1";
  RequestHead head = Reading(kOurs);
  head.cookie = cookie;
  EXPECT_EQ(guard.Who(head), kAna);
  head.cookie = "ekshume_8438=x";
  EXPECT_EQ(guard.Who(head), std::nullopt);
  head.cookie = "ekshume_8437=";
  EXPECT_EQ(guard.Who(head), std::nullopt);
}

TEST(Guard, ASessionEnds) {
  Guard guard{std::string(kOurs)};
  const auto start = Guard::Clock::now();
  const std::string cookie = "ekshume_8437=" + *guard.Begin(kAna, start);
  const std::string other = "ekshume_8437=" + *guard.Begin(kAna, start);
  RequestHead head = Reading(kOurs);
  head.cookie = cookie;
  EXPECT_EQ(guard.Who(head, start), kAna);
  EXPECT_EQ(guard.Who(head, start + limits::kSessionTime), std::nullopt);
  guard.End(head);
  EXPECT_EQ(guard.Who(head, start), std::nullopt);
  head.cookie = other;
  EXPECT_EQ(guard.Who(head, start), kAna);
}

TEST(Guard, OverTlsTheCookieAndTheOriginSaySo) {
  const Guard guard("soc.example:8437", Guard::Scheme::kHttps);
  EXPECT_EQ(guard.CookieFor("abc"),
            "__Host-ekshume_8437=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(guard.origin(), "https://soc.example:8437");
  RequestHead head = Changing("https://soc.example:8437");
  head.host = "soc.example:8437";
  EXPECT_TRUE(guard.CheckOrigin(head));
  head.origin = "http://soc.example:8437";
  EXPECT_FALSE(guard.CheckOrigin(head));
}

TEST(Guard, TheCookieIsForThisPageOnly) {
  const Guard guard{std::string(kOurs)};
  const std::string cookie = guard.CookieFor("abc");
  EXPECT_EQ(cookie, "ekshume_8437=abc; Path=/; HttpOnly; SameSite=Strict");
}

TEST(Guard, TokensAndSessionsAreBounded) {
  Guard guard{std::string(kOurs)};
  for (size_t i = 0; i < limits::kMostSessions; ++i) {
    ASSERT_TRUE(guard.Redeem(*guard.NewToken(kAna)));
  }
  const auto more = guard.Redeem(*guard.NewToken(kAna));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::kLimit);
  for (size_t i = 1; i < limits::kMostOpenTokens; ++i) ASSERT_TRUE(guard.NewToken(kAna));
  const auto link = guard.NewToken(kAna);
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace ekshume::server
