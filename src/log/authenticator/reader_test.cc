// SPDX-License-Identifier: Apache-2.0
#include "log/authenticator/reader.h"

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::authenticator {
namespace {

using namespace ekshume::log::testing;

// A laboratory cluster's.
constexpr std::string_view kGranted =
    R"(time="2026-11-24T21:40:22Z" level=info msg="access granted" arn="arn:aws:sts::123456789012:assumed-role/PlatformAdmin/alice" client="127.0.0.1:43126" groups="[system:masters ops]" method=POST path=/authenticate sts=sts.us-east-1.amazonaws.com uid="aws-iam-authenticator:123456789012:AROAEXAMPLEKUBERNETES-ADMIN" username=kubernetes-admin)";
constexpr std::string_view kDenied =
    R"(time="2026-11-24T21:40:23Z" level=warning msg="access denied" arn="arn:aws:iam::999999999999:user/unknown" client="127.0.0.1:43126" error="ARN is not mapped: arn:aws:iam::999999999999:user/unknown" method=POST path=/authenticate)";
// The shape of an EKS cluster's of 2025.
constexpr std::string_view kResponse =
    R"(time="2025-12-24T19:52:38Z" level=info msg="STS response" accesskeyid=ASIAEXAMPLE accountid=123456789012 arn="arn:aws:sts::123456789012:assumed-role/NodeManagerRole/EKSAuthTokenSession" client="127.0.0.1:38940" method=POST path=/authenticate session=EKSAuthTokenSession stsendpoint=sts.us-east-1.amazonaws.com userid=AROAEXAMPLE)";

Event ParseOne(std::string_view record) {
  Parsed parsed;
  Parse(AuthenticatorFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_EQ(parsed.events.size(), 1U) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.empty() ? Event() : parsed.events.front();
}

TEST(Authenticator, ReadsWhoWasLetIn) {
  EXPECT_EQ(Row(ParseOne(kGranted)), R"(time=2026-11-24T21:40:22.000000000Z
time_kind=Event Time
account_id=123456789012
user_name=kubernetes-admin
user_arn=arn:aws:sts::123456789012:assumed-role/PlatformAdmin/alice
action=access granted
outcome=success
severity=info
message=arn:aws:sts::123456789012:assumed-role/PlatformAdmin/alice was let in as kubernetes-admin with the groups [system:masters ops]
tags=sts=sts.us-east-1.amazonaws.com principal_id=AROAEXAMPLEKUBERNETES-ADMIN group=system:masters group=ops
source_port=43126
)");
}

TEST(Authenticator, ReadsWhoWasNot) {
  EXPECT_EQ(Row(ParseOne(kDenied)), R"(time=2026-11-24T21:40:23.000000000Z
time_kind=Event Time
account_id=999999999999
user_arn=arn:aws:iam::999999999999:user/unknown
action=access denied
outcome=failure
error=ARN is not mapped: arn:aws:iam::999999999999:user/unknown
severity=warning
message=arn:aws:iam::999999999999:user/unknown was not let in: ARN is not mapped: arn:aws:iam::999999999999:user/unknown
source_port=43126
)");
}

TEST(Authenticator, ReadsWhatStsSaid) {
  EXPECT_EQ(Row(ParseOne(kResponse)), R"(time=2025-12-24T19:52:38.000000000Z
time_kind=Event Time
account_id=123456789012
user_arn=arn:aws:sts::123456789012:assumed-role/NodeManagerRole/EKSAuthTokenSession
access_key_id=ASIAEXAMPLE
action=STS response
outcome=success
severity=info
message=STS says that the token is of arn:aws:sts::123456789012:assumed-role/NodeManagerRole/EKSAuthTokenSession, access key ASIAEXAMPLE, session EKSAuthTokenSession
tags=sts=sts.us-east-1.amazonaws.com principal_id=AROAEXAMPLE session=EKSAuthTokenSession
source_port=38940
)");
}

TEST(Authenticator, ReadsOlderNames) {
  const Event event = ParseOne(
      R"(time="2019-05-01T08:00:00Z" level=info msg="access granted" arn="arn:aws:iam::123456789012:role/r" client="10.0.0.1:1234" groups="[]" method=POST path=/authenticate uid="heptio-authenticator-aws:123456789012:AROA1" username=r)");
  EXPECT_EQ(event[Text::kAccountId], "123456789012");
  EXPECT_EQ(event[Text::kSourceIp], "10.0.0.1");
  EXPECT_EQ(event[Text::kTags], "principal_id=AROA1");
  EXPECT_EQ(event[Text::kMessage], "arn:aws:iam::123456789012:role/r was let in as r");
}

TEST(Authenticator, KeepsOtherLines) {
  const Event event = ParseOne(
      R"(time="2019-05-01T08:00:00Z" level=error msg="could not sync aws-auth" error="not found" session= )");
  EXPECT_EQ(event[Text::kAction], "");
  EXPECT_EQ(event[Text::kSeverity], "error");
  EXPECT_EQ(event[Text::kMessage], "could not sync aws-auth: not found");
}

TEST(Authenticator, TakesLinesOfAnyKindFromItsOwnStreamOnly) {
  constexpr std::string_view kLine =
      R"(time="2019-05-01T08:00:00Z" level=info msg="listening on https://127.0.0.1:21362")";
  Parsed parsed;
  Parse(AuthenticatorFormat(), kLine, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);
  Stream stream;
  stream.log_stream = "authenticator-0123456789abcdef0123456789abcdef";
  Parse(AuthenticatorFormat(), kLine, parsed, stream);
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_EQ(parsed.events[0][Text::kMessage], "listening on https://127.0.0.1:21362");
}

TEST(Authenticator, KnowsItsRecords) {
  EXPECT_EQ(AuthenticatorFormat().Sniff(kGranted), Match::kYes);
  EXPECT_EQ(AuthenticatorFormat().Sniff(kResponse), Match::kYes);
  EXPECT_EQ(AuthenticatorFormat().Sniff(R"(time="x" level=info msg=hello)"), Match::kMaybe);
  EXPECT_EQ(AuthenticatorFormat().Sniff("I0710 20:27:23.782909 1 flags.go:59] x"), Match::kNo);
  Parsed parsed;
  Parse(AuthenticatorFormat(), "level=info msg=x", parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);
  Parse(AuthenticatorFormat(), kDenied.substr(0, 100), parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
}

TEST(Authenticator, SurvivesEveryDamage) { ParseEveryDamage(AuthenticatorFormat(), kGranted); }

TEST(Authenticator, ReadsRealLines) {
  const std::optional<std::string> eks = SharedLog("eks_authenticator/rotel_eks_authenticator.log");
  if (!eks) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  std::string_view rest = *eks;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    Parse(AuthenticatorFormat(), line, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kEvents) << line;
  }
  ASSERT_EQ(parsed.events.size(), 2U);
  EXPECT_EQ(parsed.events[0][Text::kUserName], "eks:addon-manager");
  EXPECT_EQ(parsed.events[1][Text::kAction], "STS response");
}

}  // namespace
}  // namespace ekshume::log::authenticator
