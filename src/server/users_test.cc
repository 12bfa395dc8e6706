// SPDX-License-Identifier: Apache-2.0
#include "server/users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/limits.h"

namespace ekshume::server {
namespace {

using testing::HasSubstr;
using Answer = LoginDesk::Answer;

TEST(Password, IsKnownByItsHashOnly) {
  const std::string hash = *HashPassword("correct horse");
  EXPECT_THAT(hash, testing::StartsWith("$scrypt$ln=15,r=8,p=1$"));
  EXPECT_TRUE(IsPassword("correct horse", hash));
  EXPECT_FALSE(IsPassword("correct horsf", hash));
  EXPECT_FALSE(IsPassword("", hash));
  EXPECT_NE(*HashPassword("correct horse"), hash) << "without a salt";
}

// RFC 7914, section 12, has vectors of other costs; this one is of Python's hashlib.scrypt with
// ours.
TEST(Password, IsHashedAsOthersDo) {
  EXPECT_TRUE(IsPassword(
      "pleaseletmein",
      "$scrypt$ln=15,r=8,p=1$U29kaXVtQ2hsb3JpZGU$9yy8IEvc/D/1sRXYUIrsFWb/DvP2WDiGAaOTMHjvesg"));
}

TEST(Password, AHashThatIsNoneFitsNothing) {
  for (const char* hash : {"", "$scrypt$", "$scrypt$ln=15,r=8,p=1$", "$scrypt$ln=15,r=8,p=1$AAAA",
                           "$scrypt$ln=30,r=8,p=1$AAAA$AAAA", "$scrypt$ln=15,r=8,p=1$AAAA$AAAA",
                           "$scrypt$ln=15,r=8,p=1$!$!", "plain"}) {
    EXPECT_FALSE(IsPassword("plain", hash)) << hash;
  }
}

TEST(Users, AreReadAsTheyAreWritten) {
  Users users;
  users.Set("ana", {Role::kAnalyst, *HashPassword("correct horse")});
  users.Set("rae@soc.example", {Role::kReader, *HashPassword("battery staple")});
  const auto again = Users::Read(users.Text());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->Text(), users.Text());
  EXPECT_EQ(again->list().at("ana").role, Role::kAnalyst);
  EXPECT_TRUE(users.Remove("ana"));
  EXPECT_FALSE(users.Remove("ana"));
}

TEST(Users, AWrongFileSaysWhere) {
  const auto error_of = [](std::string_view text) {
    const auto users = Users::Read(text);
    return users ? std::string() : users.error().message;
  };
  EXPECT_THAT(error_of(""), HasSubstr("no object"));
  EXPECT_THAT(error_of("[]"), HasSubstr("no object"));
  EXPECT_THAT(error_of(R"({"users": {"a b": {}}})"), HasSubstr("\"a b\" is no name"));
  EXPECT_THAT(error_of(R"({"users": {"ana": {"role": "root"}}})"), HasSubstr("ana has no role"));
  EXPECT_THAT(error_of(R"({"users": {"ana": {"role": "reader", "password": "plain"}}})"),
              HasSubstr("ana has no password"));
}

TEST(LoginDesk, LetsInWhoKnowsThePassword) {
  Users users;
  users.Set("ana", {Role::kAnalyst, *HashPassword("correct horse")});
  LoginDesk desk(users);
  const auto outcome = desk.Try("ana", "correct horse");
  EXPECT_EQ(outcome.answer, Answer::kWelcome);
  EXPECT_EQ(outcome.visitor, (Visitor{"ana", Role::kAnalyst}));
  EXPECT_EQ(desk.Try("ana", "wrong").answer, Answer::kWrong);
  EXPECT_EQ(desk.Try("ben", "correct horse").answer, Answer::kWrong);
  EXPECT_EQ(desk.Try("", "").answer, Answer::kWrong);
}

TEST(LoginDesk, GuessingHasToWait) {
  Users users;
  users.Set("ana", {Role::kAnalyst, *HashPassword("correct horse")});
  LoginDesk desk(users);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 1; i < limits::kMostWrongPasswords; ++i) {
    EXPECT_FALSE(desk.Try("ana", "wrong", start).begins_waiting);
  }
  EXPECT_TRUE(desk.Try("ana", "wrong", start).begins_waiting);
  EXPECT_EQ(desk.Try("ana", "correct horse", start).answer, Answer::kWait);
  const auto later = start + limits::kWaitAfterWrongPasswords;
  EXPECT_EQ(desk.Try("ana", "correct horse", later).answer, Answer::kWelcome);
}

}  // namespace
}  // namespace ekshume::server
