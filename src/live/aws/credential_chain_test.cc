// SPDX-License-Identifier: Apache-2.0
#include "live/aws/credential_chain.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/clock.h"
#include "live/http/testing_transport.h"

namespace ekshume::live::aws {
namespace {

using testing::HasSubstr;

std::string StsAnswer(std::string_view action, std::string_view id, std::string_view expires) {
  return fmt::format(
      "<{0}Response><{0}Result><Credentials><AccessKeyId>{1}</AccessKeyId><SecretAccessKey>s"
      "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{2}</Expiration></Credentials>"
      "</{0}Result></{0}Response>",
      action, id, expires);
}

class ChainTest : public testing::Test {
 protected:
  ChainTest() {
    variables_["HOME"] = "/home/x";
    surroundings_.variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    surroundings_.read_file = [this](const std::string& path) -> Result<std::string> {
      const auto found = files_.find(path);
      if (found == files_.end()) return Fail(ErrorCode::kNotFound, "no such file: " + path);
      return found->second;
    };
    surroundings_.run = [this](const std::string& command) -> Result<std::string> {
      commands_.push_back(command);
      return R"({"Version":1,"AccessKeyId":"PROC","SecretAccessKey":"s"})";
    };
    options_.session_name = "ekshume-c-alice";
    options_.client.wait = [](std::chrono::milliseconds) {};
    options_.client.max_attempts = 2;
  }
  Result<Credentials> Get() {
    chain_ = *CredentialChain::Open(options_, surroundings_, transport_);
    return chain_->Get();
  }

  std::map<std::string, std::string> variables_;
  std::map<std::string, std::string> files_;
  std::vector<std::string> commands_;
  wire::Surroundings surroundings_;
  http::TestTransport transport_;
  ChainOptions options_;
  std::unique_ptr<CredentialChain> chain_;
};

TEST_F(ChainTest, Environment) {
  variables_.insert({{"AWS_ACCESS_KEY_ID", "ENV"},
                     {"AWS_SECRET_ACCESS_KEY", "s"},
                     {"AWS_SESSION_TOKEN", "t"},
                     {"AWS_REGION", "eu-west-1"}});
  const auto found = Get();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key_id, "ENV");
  EXPECT_EQ(found->session_token, "t");
  EXPECT_EQ(found->source, "environment");
  EXPECT_EQ(chain_->region(), "eu-west-1");
}

TEST_F(ChainTest, ProfilesOfBothFiles) {
  files_["/home/x/.aws/config"] =
      "[default]\nregion = us-east-2\n# c\n[profile ir]\nregion=eu-central-1 # near\ns3 =\n"
      "  max_concurrent_requests = 20\n";
  files_["/home/x/.aws/credentials"] =
      "[ir]\naws_access_key_id = IR\naws_secret_access_key = a#b;c\n";
  options_.profile = "ir";
  const auto found = Get();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "IR");
  EXPECT_EQ(found->secret_access_key, "a#b;c");
  EXPECT_EQ(chain_->region(), "eu-central-1");
  options_.profile = "none";
  EXPECT_THAT(Get().error().message, HasSubstr("no AWS profile none"));
}

TEST_F(ChainTest, RoleOfAProfileByAnother) {
  files_["/home/x/.aws/config"] =
      "[profile ir]\nrole_arn = arn:aws:iam::123456789012:role/ir\nsource_profile = base\n"
      "external_id = x1\n[profile base]\naws_access_key_id = B\naws_secret_access_key = s\n";
  variables_["AWS_PROFILE"] = "ir";
  transport_.Add(200, StsAnswer("AssumeRole", "ROLE", "2096-01-01T00:00:00Z"));
  const auto found = Get();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "ROLE");
  EXPECT_EQ(found->expires, ParseTimestamp("2096-01-01T00:00:00Z"));
  const std::string& body = transport_.requests.at(0).body;
  EXPECT_THAT(body, HasSubstr("RoleSessionName=ekshume-c-alice"));
  EXPECT_THAT(body, HasSubstr("ExternalId=x1"));
  ASSERT_TRUE(chain_->Get());
  EXPECT_EQ(transport_.requests.size(), 1U) << "kept until they end";
  chain_->Forget(*found);
  transport_.Add(200, StsAnswer("AssumeRole", "ROLE2", "2096-01-01T00:00:00Z"));
  EXPECT_EQ(chain_->Get()->access_key_id, "ROLE2");
}

TEST_F(ChainTest, ProfilesThatNameEachOtherEnd) {
  files_["/home/x/.aws/config"] =
      "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=r\nsource_profile=a\n";
  options_.profile = "a";
  EXPECT_THAT(Get().error().message, HasSubstr("names itself"));
}

TEST_F(ChainTest, RefreshesBeforeTheEndAndKeepsWhatIsStillGood) {
  options_.role_arn = "arn:aws:iam::123456789012:role/ir";
  variables_.insert({{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}});
  const std::string soon = FormatTimestamp(Timestamp{Now().seconds + 100, 0});
  transport_.Add(200, StsAnswer("AssumeRole", "R1", soon));
  ASSERT_EQ(Get()->access_key_id, "R1");
  transport_.Add(200, StsAnswer("AssumeRole", "R2", soon));
  EXPECT_EQ(chain_->Get()->access_key_id, "R2");
  EXPECT_EQ(chain_->Get()->access_key_id, "R2") << "STS is not there, R2 is good for 100 seconds";
}

TEST_F(ChainTest, Process) {
  files_["/home/x/.aws/config"] = "[default]\ncredential_process = /bin/get --x\n";
  EXPECT_EQ(Get()->access_key_id, "PROC");
  EXPECT_THAT(commands_, testing::ElementsAre("/bin/get --x"));
}

TEST_F(ChainTest, SsoOfTheCache) {
  files_["/home/x/.aws/config"] =
      "[profile sso]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = IR\n"
      "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n";
  options_.profile = "sso";
  EXPECT_THAT(Get().error().message, HasSubstr("aws sso login --profile sso"));
  // SHA-1 of "corp".
  const std::string cache = "/home/x/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
  files_[cache] = R"({"accessToken":"tok","expiresAt":"2016-01-01T00:00:00Z"})";
  EXPECT_THAT(Get().error().message, HasSubstr("expired"));
  files_[cache] = R"({"accessToken":"tok","expiresAt":"2096-01-01T00:00:00Z"})";
  transport_.Add(
      200,
      R"({"roleCredentials":{"accessKeyId":"SSO","secretAccessKey":"s","sessionToken":"t","expiration":4000000000000}})");
  const auto found = Get();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "SSO");
  const http::Request& request = transport_.requests.back();
  EXPECT_EQ(request.url,
            "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials"
            "?account_id=123456789012&role_name=IR");
  EXPECT_EQ(request.headers.size(), 1U) << "the token proves it, no signature";
}

TEST_F(ChainTest, WebIdentity) {
  variables_.insert({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                     {"AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/irsa"}});
  files_["/token"] = "ey.jwt\n";
  transport_.Add(200, StsAnswer("AssumeRoleWithWebIdentity", "WEB", "2096-01-01T00:00:00Z"));
  EXPECT_EQ(Get()->access_key_id, "WEB");
  EXPECT_THAT(transport_.requests[0].body, HasSubstr("WebIdentityToken=ey.jwt"));
  EXPECT_EQ(transport_.requests[0].headers.size(), 1U) << "not signed";
}

TEST_F(ChainTest, PodIdentityReadsItsTokenFile) {
  variables_.insert({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
                     {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/eks-token"}});
  files_["/eks-token"] = "abc";
  transport_.Add(
      200,
      R"({"AccessKeyId":"POD","SecretAccessKey":"s","Token":"t","Expiration":"2096-01-01T00:00:00Z"})");
  EXPECT_EQ(Get()->access_key_id, "POD");
  EXPECT_EQ(transport_.requests[0].headers[0].second, "abc");
  EXPECT_TRUE(transport_.requests[0].direct);
  for (const char* url :
       {"http://evil.test/", "http://169.254.170.2.evil.test/", "http://localhost.evil.test/"}) {
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    EXPECT_THAT(Get().error().message, HasSubstr("neither https nor on this host")) << url;
  }
  EXPECT_EQ(transport_.requests.size(), 1U);
}

TEST_F(ChainTest, InstanceMetadataOfVersionTwo) {
  transport_.respond = [](const http::Request& request) -> Result<http::Answer> {
    if (request.method == "PUT") return http::Answer{200, {}, "imds-token"};
    if (request.headers.at(0).second != "imds-token") return http::Answer{401, {}, ""};
    if (request.url.ends_with("security-credentials/")) return http::Answer{200, {}, "node-role"};
    if (request.url.ends_with("placement/region")) return http::Answer{200, {}, "eu-north-1"};
    return http::Answer{
        200,
        {},
        R"({"Code":"Success","AccessKeyId":"NODE","SecretAccessKey":"s","Token":"t","Expiration":"2096-01-01T00:00:00Z"})"};
  };
  const auto found = Get();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "NODE");
  EXPECT_EQ(found->source, "instance metadata, role node-role");
  EXPECT_EQ(chain_->region(), "eu-north-1");
}

TEST_F(ChainTest, SaysWhereItLooked) {
  variables_["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_THAT(Get().error().message, HasSubstr("no AWS credentials"));
  EXPECT_TRUE(transport_.requests.empty());
}

}  // namespace
}  // namespace ekshume::live::aws
