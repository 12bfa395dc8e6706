// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "live/http/testing_transport.h"

namespace ekshume::live::kubernetes {
namespace {

using testing::HasSubstr;

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    auto transport = std::make_unique<http::TestTransport>();
    transport_ = transport.get();
    Access access{.source = "kubeconfig context prod", .server = "https://api.test:6443"};
    access.token_file = "/token";
    Surroundings surroundings;
    surroundings.read_file = [this](const std::string&) -> Result<std::string> {
      return "t" + std::to_string(++tokens_) + "\n";
    };
    client_ =
        std::make_unique<Client>(access, surroundings, nullptr, std::move(transport), nullptr);
  }

  int tokens_ = 0;
  http::TestTransport* transport_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, FollowsThePagesOfAList) {
  transport_->Add(200, R"({"metadata":{"continue":"a+b"},"items":[{"n":1},{"n":2}]})");
  transport_->Add(200, R"({"metadata":{},"items":[{"n":3}]})");
  int sum = 0;
  ASSERT_TRUE(client_->List("/api/v1/pods", "", [&](const Json& item) -> Result<void> {
    sum += item["n"].get<int>();
    return {};
  }));
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(transport_->requests[0].url, "https://api.test:6443/api/v1/pods?limit=500");
  EXPECT_EQ(transport_->requests[1].url,
            "https://api.test:6443/api/v1/pods?limit=500&continue=a%2Bb");
}

TEST_F(ClientTest, GoesOnWithAListThatBecameTooOld) {
  transport_->Add(200, R"({"metadata":{"continue":"a"},"items":[{"n":1}]})");
  transport_->Add(410, R"({"reason":"Expired","metadata":{"continue":"b"}})");
  transport_->Add(200, R"({"metadata":{},"items":[{"n":2}]})");
  int sum = 0;
  const auto add = [&](const Json& item) -> Result<void> {
    sum += item["n"].get<int>();
    return {};
  };
  ASSERT_TRUE(client_->List("/api/v1/events", "", add));
  EXPECT_EQ(sum, 3);
  EXPECT_THAT(transport_->requests[2].url, HasSubstr("continue=b"));
  transport_->Add(200, R"({"metadata":{"continue":"a"},"items":[]})");
  transport_->Add(410, R"({"reason":"Expired"})");
  EXPECT_THAT(client_->List("/api/v1/events", "", add).error().message, HasSubstr("status 410"));
}

TEST_F(ClientTest, AsksForMetadataOnly) {
  transport_->Add(200, R"({"items":[{"metadata":{"name":"db"}}]})");
  int count = 0;
  ASSERT_TRUE(client_->ListMetadata("/api/v1/secrets", [&](const Json&) -> Result<void> {
    ++count;
    return {};
  }));
  EXPECT_EQ(count, 1);
  EXPECT_THAT(transport_->requests[0].headers,
              testing::Contains(testing::Pair(
                  "Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")));
}

TEST_F(ClientTest, NamesTheMissingPermission) {
  transport_->Add(
      403,
      R"({"message":"pods \"web\" is forbidden: User \"ir\" cannot get resource \"pods/log\""})");
  const auto denied = client_->Get("/api/v1/namespaces/shop/pods/web/log");
  ASSERT_FALSE(denied);
  EXPECT_EQ(MissingPermission(denied.error()), "get pods/log in namespace shop");
  // Admission refuses with the same status.
  transport_->Add(403,
                  R"({"message":"pods \"x\" is forbidden: violates PodSecurity \"restricted\""})");
  const auto refused = client_->Post("/api/v1/namespaces/shop/pods", Json::object());
  EXPECT_EQ(MissingPermission(refused.error()), "");
  EXPECT_THAT(refused.error().message, HasSubstr("violates PodSecurity"));
}

TEST_F(ClientTest, ReadsTheTokenAgainWhenItIsNotAccepted) {
  transport_->Add(401, "{}");
  transport_->Add(200, "{}");
  ASSERT_TRUE(client_->Get("/version"));
  EXPECT_THAT(transport_->requests[0].headers,
              testing::Contains(testing::Pair("Authorization", "Bearer t1")));
  EXPECT_THAT(transport_->requests[1].headers,
              testing::Contains(testing::Pair("Authorization", "Bearer t2")));
  transport_->Add(401, "{}");
  transport_->Add(401, "{}");
  EXPECT_THAT(client_->Get("/version").error().message,
              HasSubstr("does not accept our credentials"));
}

TEST_F(ClientTest, RetriesReadsButNotWrites) {
  transport_->AddCut();
  transport_->Add(503, "");
  transport_->Add(200, "{}");
  EXPECT_TRUE(client_->Get("/version"));
  transport_->Add(503, "");
  EXPECT_FALSE(client_->Post("/api/v1/namespaces", Json::object()));
  EXPECT_EQ(transport_->requests.size(), 4U);
}

TEST_F(ClientTest, AsksWhetherWeMay) {
  transport_->Add(201, R"({"status":{"allowed":true}})");
  const auto may =
      client_->May({.verb = "create", .resource = "pods/exec", .in_namespace = "shop"});
  ASSERT_TRUE(may);
  EXPECT_TRUE(*may);
  const Json sent = Json::parse(transport_->requests[0].body);
  EXPECT_EQ(sent["spec"]["resourceAttributes"]["subresource"], "exec");
  EXPECT_EQ(sent["spec"]["resourceAttributes"]["resource"], "pods");
  transport_->Add(201, R"({"status":{"allowed":false}})");
  EXPECT_FALSE(*client_->May({.verb = "get", .resource = "nodes"}));
}

TEST(PermissionFor, ReadsPaths) {
  EXPECT_EQ(PermissionFor("GET", "/api/v1/namespaces/shop/pods").Text(),
            "list pods in namespace shop");
  EXPECT_EQ(PermissionFor("GET", "/api/v1/namespaces/shop").Text(), "get namespaces");
  EXPECT_EQ(PermissionFor("POST", "/api/v1/nodes/n/proxy/checkpoint/a/b/c").Text(),
            "create nodes/proxy");
  EXPECT_EQ(PermissionFor("GET", "/apis/apps/v1/namespaces/shop/deployments/web").Text(),
            "get deployments of apps in namespace shop");
  EXPECT_EQ(PathOf({"api", "v1", "namespaces", "../x", ".."}), "/api/v1/namespaces/..%2Fx/%2E");
}

}  // namespace
}  // namespace ekshume::live::kubernetes
