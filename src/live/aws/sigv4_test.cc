// SPDX-License-Identifier: Apache-2.0
#include "live/aws/sigv4.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "live/wire/uri.h"

namespace ekshume::live::aws {
namespace {

// The credentials, time and scope of AWS's published test suite (aws-sig-v4-test-suite).
const Credentials kSuiteKeys = {
    "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", {}, "test"};
const SigningScope kSuiteScope = {"us-east-1", "service"};
const Timestamp kSuiteTime = *ParseTimestamp("2015-08-30T12:36:00Z");

SignedRequest SuiteRequest(std::string method, Parameters query = {}) {
  SignedRequest request;
  request.method = std::move(method);
  request.host = "example.amazonaws.com";
  request.query = std::move(query);
  return request;
}

std::string AuthorizationOf(const SignedRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (name == "authorization") return value;
  }
  return "";
}

// Test suite: get-vanilla.
TEST(SigV4, GetVanilla) {
  SignedRequest request = SuiteRequest("GET");
  SignHeaders(request, kSuiteKeys, kSuiteScope, kSuiteTime);
  EXPECT_EQ(AuthorizationOf(request),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

// Test suite: get-vanilla-query-order-key-case.
TEST(SigV4, SortsTheQuery) {
  SignedRequest request = SuiteRequest("GET", {{"Param2", "value2"}, {"Param1", "value1"}});
  request.headers = {{"x-amz-date", "20150830T123600Z"}};
  const Signature signature = ComputeSignature(request, kSuiteKeys, kSuiteScope, kSuiteTime);
  EXPECT_EQ(signature.canonical_request,
            "GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\n"
            "x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(signature.signature,
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

// Test suite: post-vanilla, post-x-www-form-urlencoded.
TEST(SigV4, Post) {
  SignedRequest request = SuiteRequest("POST");
  SignHeaders(request, kSuiteKeys, kSuiteScope, kSuiteTime);
  EXPECT_TRUE(AuthorizationOf(request).ends_with(
      "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));

  SignedRequest form = SuiteRequest("POST");
  form.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  form.payload_sha256 = ToHex(Sha256::Of(ByteView::Of("Param1=value1")));
  SignHeaders(form, kSuiteKeys, kSuiteScope, kSuiteTime);
  EXPECT_TRUE(AuthorizationOf(form).ends_with(
      "SignedHeaders=content-type;host;x-amz-date, "
      "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"));
}

// Test suite: get-header-value-trim (and the multi-value headers of get-header-key-duplicate).
TEST(SigV4, TrimsAndJoinsHeaderValues) {
  SignedRequest request = SuiteRequest("GET");
  request.headers = {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\" "}};
  SignHeaders(request, kSuiteKeys, kSuiteScope, kSuiteTime);
  EXPECT_TRUE(AuthorizationOf(request).ends_with(
      "Signature=acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"));

  SignedRequest twice = SuiteRequest("GET");
  twice.headers = {{"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}};
  SignHeaders(twice, kSuiteKeys, kSuiteScope, kSuiteTime);
  EXPECT_TRUE(AuthorizationOf(twice).ends_with(
      "Signature=c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"));
}

// Test suite: get-utf8 and get-space. What is sent is encoded once, what is signed twice, but for
// S3.
TEST(SigV4, EncodesPathsTwiceButForS3) {
  SignedRequest request = SuiteRequest("GET");
  request.path = "/\xe1\x88\xb4";
  request.headers = {{"x-amz-date", "20150830T123600Z"}};
  const Signature twice = ComputeSignature(request, kSuiteKeys, kSuiteScope, kSuiteTime);
  EXPECT_TRUE(twice.canonical_request.starts_with("GET\n/%25E1%2588%25B4\n"));
  const Signature once = ComputeSignature(request, kSuiteKeys, {"us-east-1", "s3"}, kSuiteTime);
  EXPECT_TRUE(once.canonical_request.starts_with("GET\n/%E1%88%B4\n"));
}

// The example of "Authenticating Requests: Using Query Parameters" in the S3 API reference.
TEST(SigV4, PresignsAnS3Object) {
  SignedRequest request;
  request.method = "GET";
  request.host = "examplebucket.s3.amazonaws.com";
  request.path = "/test.txt";
  request.payload_sha256 = kUnsignedPayload;
  const Credentials keys = {
      "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", {}, "test"};
  EXPECT_EQ(
      Presign(request, keys, {"us-east-1", "s3"}, *ParseTimestamp("2013-05-24T00:00:00Z"), 86400),
      "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
      "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
      "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
      "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

// The example of "Signature Calculations for the Authorization Header" in the S3 API reference.
TEST(SigV4, SignsAnS3List) {
  SignedRequest request;
  request.method = "GET";
  request.host = "examplebucket.s3.amazonaws.com";
  request.query = {{"max-keys", "2"}, {"prefix", "J"}};
  const Credentials keys = {
      "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", {}, "test"};
  SignHeaders(request, keys, {"us-east-1", "s3"}, *ParseTimestamp("2013-05-24T00:00:00Z"));
  EXPECT_TRUE(AuthorizationOf(request).ends_with(
      "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
      "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4, SendsTheSessionTokenAndSignsIt) {
  Credentials keys = kSuiteKeys;
  keys.session_token = "token/with+signs=";
  SignedRequest request = SuiteRequest("GET");
  SignHeaders(request, keys, kSuiteScope, kSuiteTime);
  EXPECT_NE(AuthorizationOf(request).find("SignedHeaders=host;x-amz-date;x-amz-security-token,"),
            std::string::npos);
  const std::string url = Presign(SuiteRequest("GET"), keys, kSuiteScope, kSuiteTime, 60);
  EXPECT_NE(url.find("&X-Amz-Security-Token=token%2Fwith%2Bsigns%3D&"), std::string::npos);
}

TEST(SigV4, EncodesAllButTheUnreserved) {
  EXPECT_EQ(wire::UriEncode("az AZ09-_.~/*'()+%\xff"), "az%20AZ09-_.~%2F%2A%27%28%29%2B%25%FF");
  EXPECT_EQ(EncodePath("/a b/c+d"), "/a%20b/c%2Bd");
  EXPECT_EQ(EncodeQuery({{"b", "1&2"}, {"a", ""}}), "b=1%262&a=");
}

}  // namespace
}  // namespace ekshume::live::aws
