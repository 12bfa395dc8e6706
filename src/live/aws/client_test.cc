// SPDX-License-Identifier: Apache-2.0
#include "live/aws/client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/limits.h"
#include "live/aws/json_calls.h"
#include "live/http/testing_transport.h"

namespace ekshume::live::aws {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::string HttpDate(int64_t seconds_from_now) {
  const std::string text = FormatTimestamp(Timestamp{Now().seconds + seconds_from_now, 0});
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return "Tue, " + text.substr(8, 2) + " " +
         kMonths.at(static_cast<size_t>(std::stoi(text.substr(5, 2)) - 1)) + " " +
         text.substr(0, 4) + " " + text.substr(11, 8) + " GMT";
}

// Gives the keys of a list, one after the other.
class CountingSource final : public CredentialSource {
 public:
  Result<Credentials> Get() override {
    return Credentials{"AKID" + std::to_string(forgotten), "secret", "", {}, "test"};
  }
  void Forget(const Credentials&) override { ++forgotten; }
  int forgotten = 0;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    ClientSettings settings;
    settings.region = "eu-central-1";
    settings.diagnostics = &diagnostics_;
    settings.max_attempts = 5;
    settings.wait = [this](milliseconds time) { waits_.push_back(time); };
    client_ = std::make_unique<Client>(transport_, source_, settings);
    call_.service = "ebs";
    call_.permission = "ebs:GetSnapshotBlock";
    call_.method = "GET";
    call_.path = "/x y";
  }

  http::TestTransport transport_;
  CountingSource source_;
  DiagnosticSink diagnostics_;
  std::vector<milliseconds> waits_;
  std::unique_ptr<Client> client_;
  Call call_;
};

TEST_F(ClientTest, SignsAndSendsToTheServicesHost) {
  transport_.Add(200, "ok");
  const auto answer = client_->Send(call_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "ok");
  ASSERT_EQ(transport_.requests.size(), 1U);
  EXPECT_EQ(transport_.requests[0].url, "https://ebs.eu-central-1.amazonaws.com/x%20y");
  EXPECT_THAT(transport_.requests[0].headers.back().second, HasSubstr("Credential=AKID0/"));
}

TEST_F(ClientTest, AsksAgainWithLongerWaitsWhenThrottledFaultyOrCut) {
  transport_.Add(400, R"({"__type":"ThrottlingException","message":"Rate exceeded"})");
  transport_.Add(503, "<Error><Code>SlowDown</Code></Error>", {{"retry-after", "7"}});
  transport_.AddCut();
  transport_.Add(500, "");
  transport_.Add(200, "ok");
  ASSERT_TRUE(client_->Send(call_));
  ASSERT_EQ(waits_.size(), 4U);
  EXPECT_GE(waits_[1], milliseconds(7000)) << "Retry-After is obeyed";
  EXPECT_GE(waits_[3], milliseconds(800));
  EXPECT_LE(waits_[0], milliseconds(200));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kAcquireRetried), 4U);
  EXPECT_FALSE(diagnostics_.HasLoss());
}

TEST_F(ClientTest, GivesUpAfterItsAttempts) {
  for (int i = 0; i < 9; ++i) transport_.Add(500, "");
  const auto answer = client_->Send(call_);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("(5 attempts)"));
  EXPECT_EQ(transport_.requests.size(), 5U);
}

TEST_F(ClientTest, NamesTheMissingPermissionAndDoesNotAskAgain) {
  transport_.Add(
      403,
      R"({"message":"User: arn:aws:iam::123456789012:user/x is not authorized to perform: kms:Decrypt on resource: arn"})",
      {{"x-amzn-errortype", "AccessDeniedException:http://x.test/"}});
  ServiceError failure;
  const auto answer = client_->Send(call_, &failure);
  ASSERT_FALSE(answer);
  EXPECT_EQ(failure.missing_permission, "kms:Decrypt") << "what the service names";
  EXPECT_THAT(answer.error().message, HasSubstr("the permission kms:Decrypt is missing"));
  transport_.Add(403,
                 "<Response><Errors><Error><Code>UnauthorizedOperation</Code>"
                 "<Message>no</Message></Error></Errors></Response>");
  EXPECT_FALSE(client_->Send(call_, &failure));
  EXPECT_EQ(failure.missing_permission, "ebs:GetSnapshotBlock") << "else that of the call";
  EXPECT_EQ(transport_.requests.size(), 2U);
}

TEST_F(ClientTest, GetsNewCredentialsWhenTheyHaveExpired) {
  transport_.Add(400, R"({"__type":"com.amazon#ExpiredTokenException","message":"old"})");
  transport_.Add(200, "ok");
  ASSERT_TRUE(client_->Send(call_));
  EXPECT_EQ(source_.forgotten, 1);
  EXPECT_THAT(transport_.requests[1].headers.back().second, HasSubstr("Credential=AKID1/"));
  for (int i = 0; i < 5; ++i) transport_.Add(400, R"({"__type":"ExpiredTokenException"})");
  const auto answer = client_->Send(call_);
  ASSERT_FALSE(answer) << "not for ever";
  EXPECT_THAT(answer.error().message, HasSubstr("expired"));
  EXPECT_EQ(transport_.requests.size(), 5U);
}

TEST_F(ClientTest, CorrectsItsClockByTheAnswers) {
  transport_.Add(403, R"({"__type":"InvalidSignatureException","message":"Signature expired: x"})",
                 {{"date", HttpDate(7200)}});
  transport_.Add(200, "ok", {{"date", HttpDate(7200)}});
  ASSERT_TRUE(client_->Send(call_));
  EXPECT_NEAR(client_->clock_offset_seconds(), 7200, 3);
  EXPECT_NE(transport_.requests[0].headers, transport_.requests[1].headers);
}

TEST_F(ClientTest, DoesNotBeginAnewWhatASinkHasReceived) {
  std::string received;
  call_.sink = [&](ByteView bytes) -> Result<void> {
    received += bytes.AsText();
    return {};
  };
  transport_.respond = [&](const http::Request& request) -> Result<http::Answer> {
    EKSHUME_TRY(request.sink(ByteView::Of("part")));
    return Fail(ErrorCode::kIo, "cut");
  };
  EXPECT_FALSE(client_->Send(call_));
  EXPECT_EQ(received, "part");
  int restarts = 0;
  call_.restart = [&]() -> Result<void> {
    ++restarts;
    received.clear();
    return {};
  };
  EXPECT_FALSE(client_->Send(call_));
  EXPECT_EQ(restarts, 4);
}

TEST_F(ClientTest, StopsWhenTheUserWantsTo) {
  Progress progress;
  ClientSettings settings = client_->settings();
  settings.progress = &progress;
  const Client client(transport_, source_, settings);
  progress.Cancel();
  transport_.Add(500, "");
  const auto answer = client.Send(call_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kCancelled);
}

TEST_F(ClientTest, AsksForPagesUntilTheTokenStaysTheSame) {
  transport_.Add(200, R"({"n":1,"nextToken":"a"})");
  transport_.Add(200, R"({"n":2,"nextToken":"b"})");
  transport_.Add(200, R"({"n":3,"nextToken":"b"})");
  int64_t sum = 0;
  const auto done =
      CallJsonPages(*client_, kLogs, "GetLogEvents", wire::Json::object(), "nextToken", "nextToken",
                    [&](const wire::Json& page) -> Result<void> {
                      sum += wire::IntegerOf(page, "n");
                      return {};
                    });
  ASSERT_TRUE(done);
  EXPECT_EQ(sum, 6);
  EXPECT_THAT(transport_.requests.back().body, HasSubstr(R"("nextToken":"b")"));
}

TEST(Endpoint, OfServicesRegionsAndUsers) {
  const auto plain = ResolveEndpoint({}, "ec2", "cn-north-1");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "ec2.cn-north-1.amazonaws.com.cn");
  EXPECT_FALSE(ResolveEndpoint({}, "ec2", "x.evil.test/"));
  const EndpointOptions options{"http://127.0.0.1:5000/", {{"s3", "https://s3.test:443/base"}}};
  EXPECT_EQ(ResolveEndpoint(options, "ec2", "eu-central-1")->host, "127.0.0.1:5000");
  const auto own = ResolveEndpoint(options, "s3", "eu-central-1");
  ASSERT_TRUE(own);
  EXPECT_EQ(own->host, "s3.test");
  EXPECT_EQ(own->path, "/base");
  for (const char* url : {"ftp://x.test", "x.test", "https://", "https://a@b.test"}) {
    EXPECT_FALSE(ResolveEndpoint({url, {}}, "ec2", "eu-central-1")) << url;
  }
}

TEST(ServiceErrors, OfS3SayWhereTheBucketIs) {
  const ServiceError error = ReadServiceError({301,
                                               {{"x-amz-bucket-region", "us-west-2"}},
                                               "<Error><Code>PermanentRedirect</Code></Error>"},
                                              "s3:ListBucket");
  EXPECT_EQ(error.region, "us-west-2");
  EXPECT_EQ(error.code, "PermanentRedirect");
  EXPECT_EQ(ReadServiceError({404, {}, "garbage"}, "x:Y").kind, FailureKind::kNotFound);
  EXPECT_EQ(ReadServiceError({400, {}, "<a><b>"}, "x:Y").kind, FailureKind::kOther);
}

}  // namespace
}  // namespace ekshume::live::aws
