// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/eks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"

namespace ekshume::live::kubernetes {
namespace {

using testing::HasSubstr;

constexpr Timestamp kNoon{1795780800, 0};  // 2026-11-27T12:00:00Z

aws::Credentials Keys() {
  return {.access_key_id = "AKIDEXAMPLE",
          .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
          .session_token = "",
          .expires = std::nullopt,
          .source = ""};
}

const aws::Endpoint kSts{.scheme = "https", .host = "sts.eu-central-1.amazonaws.com"};

// As botocore 1.40 computes it (SigV4QueryAuth, 60 seconds).
TEST(EksToken, IsThatOfBotocore) {
  EXPECT_EQ(
      EksToken(Keys(), kSts, "eu-central-1", "prod", kNoon),
      "k8s-aws-v1."
      "aHR0cHM6Ly9zdHMuZXUtY2VudHJhbC0xLmFtYXpvbmF3cy5jb20vP0FjdGlvbj1HZXRDYWxsZXJJZGVudGl0eSZWZX"
      "JzaW9uPTIwMTEtMDYtMTUmWC1BbXotQWxnb3JpdGhtPUFXUzQtSE1BQy1TSEEyNTYmWC1BbXotQ3JlZGVudGlhbD1B"
      "S0lERVhBTVBMRSUyRjIwMjYxMTI3JTJGZXUtY2VudHJhbC0xJTJGc3RzJTJGYXdzNF9yZXF1ZXN0JlgtQW16LURhdG"
      "U9MjAyNjExMjdUMTIwMDAwWiZYLUFtei1FeHBpcmVzPTYwJlgtQW16LVNpZ25lZEhlYWRlcnM9aG9zdCUzQngtazhz"
      "LWF3cy1pZCZYLUFtei1TaWduYXR1cmU9YWNhM2I4ODFiNWM0N2IxZTRkZGM2YTI3NzEwY2NmY2ZjMDAyYjliNTNlMT"
      "A1MDU1MTVkOTZiOWY0MDEwMzAyOQ");
}

TEST(EksToken, SignsTheTokenOfASession) {
  aws::Credentials keys = Keys();
  keys.session_token = "FwoG/session+token==";
  const std::string token = EksToken(keys, kSts, "eu-central-1", "prod", kNoon);
  std::string text = token.substr(std::string_view("k8s-aws-v1.").size());
  EXPECT_EQ(text.find_first_of("+/="), std::string::npos);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  const auto url = DecodeBase64(text);
  ASSERT_TRUE(url);
  EXPECT_THAT(*url, HasSubstr("&X-Amz-Security-Token=FwoG%2Fsession%2Btoken%3D%3D&"));
  EXPECT_THAT(
      *url,
      HasSubstr(
          "&X-Amz-Signature=2885fe832334fb477ba0a3ef21bb0ba08057c4bae629f8c3cafffee3c27e0a1e"));
}

TEST(ReadEksPlugin, KnowsTheTwoPrograms) {
  const auto by_aws =
      ReadEksPlugin({"/usr/local/bin/aws", "--region", "eu-central-1", "eks", "get-token",
                     "--cluster-name", "prod", "--role-arn=arn:r", "--output", "json"},
                    {{"AWS_PROFILE", "ir"}, {"KUBERNETES_EXEC_INFO", "{}"}});
  ASSERT_TRUE(by_aws);
  EXPECT_EQ(by_aws->cluster, "prod");
  EXPECT_EQ(by_aws->region, "eu-central-1");
  EXPECT_EQ(by_aws->profile, "ir");
  EXPECT_EQ(by_aws->role_arn, "arn:r");
  const auto by_authenticator =
      ReadEksPlugin({"aws-iam-authenticator", "token", "-i", "prod", "-r", "arn:r"}, {});
  ASSERT_TRUE(by_authenticator);
  EXPECT_EQ(by_authenticator->cluster, "prod");
  EXPECT_EQ(by_authenticator->role_arn, "arn:r");
}

TEST(ReadEksPlugin, LeavesOtherThingsToTheProgram) {
  EXPECT_FALSE(ReadEksPlugin({}, {}));
  EXPECT_FALSE(ReadEksPlugin({"gke-gcloud-auth-plugin"}, {}));
  EXPECT_FALSE(ReadEksPlugin({"aws", "eks", "get-token"}, {}));
  EXPECT_FALSE(ReadEksPlugin({"aws", "eks", "get-token", "--cluster-name"}, {}));
  EXPECT_FALSE(ReadEksPlugin({"aws", "eks", "get-token", "--cluster-name", "a", "--debug"}, {}));
  EXPECT_FALSE(ReadEksPlugin(
      {"aws", "eks", "get-token", "--cluster-name", "a", "--endpoint-url", "http://x"}, {}));
  EXPECT_FALSE(ReadEksPlugin({"aws", "eks", "get-token", "--cluster-name", "a"},
                             {{"AWS_CONFIG_FILE", "/other"}}));
}

TEST(EksTokens, RunsOtherPluginsAsTheyAre) {
  DiagnosticSink diagnostics;
  EksTokens tokens({}, diagnostics, nullptr);
  const RunProgram run = tokens.Runner(
      [](const auto& arguments, const auto&) -> Result<std::string> { return arguments.at(0); });
  EXPECT_EQ(run({"other-plugin"}, {}).value_or(""), "other-plugin");
  EXPECT_THAT(tokens.Find("../x").error().message, HasSubstr("is no name of a cluster"));
}

}  // namespace
}  // namespace ekshume::live::kubernetes
