// SPDX-License-Identifier: Apache-2.0
#include "server/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekshume::server {
namespace {

using testing::ElementsAre;

Router Example() {
  Router router;
  const auto answer = [](const ApiRequest&) { return ApiReply::Of(nullptr); };
  router.Add({"GET", "/events", "Events.", {{"query", "what"}}, "", answer});
  router.Add({"GET", "/events/{id}", "One.", {}, "", answer});
  router.Add({"GET", "/events/{id}/place", "Where.", {}, "", answer});
  router.Add({"GET", "/events/facets", "Facets.", {}, "", answer});
  router.Add({"GET", "/marks", "Marks.", {}, "", answer});
  router.Add({"POST", "/marks", "Changes them.", {}, "kind", answer});
  return router;
}

TEST(Router, FindsAPathWithItsValues) {
  const Router router = Example();
  const Router::Match one = router.Find("GET", "/events/a-b");
  ASSERT_NE(one.route, nullptr);
  EXPECT_EQ(one.route->about, "One.");
  EXPECT_EQ(one.values.at("id"), "a-b");
  EXPECT_EQ(router.Find("GET", "/events").route->about, "Events.");
  EXPECT_EQ(router.Find("GET", "/events/a/b").route, nullptr);
  EXPECT_EQ(router.Find("GET", "/nothing").route, nullptr);
  EXPECT_TRUE(router.Find("GET", "/nothing").allowed.empty());
}

TEST(Router, APathThatIsSpelledOutGoesBeforeAVariable) {
  Router router = Example();
  const auto answer = [](const ApiRequest&) { return ApiReply::Of(nullptr); };
  router.Add({"GET", "/marks/mine", "Mine.", {}, "", answer});
  router.Add({"GET", "/marks/{id}", "One mark.", {}, "", answer});
  EXPECT_EQ(router.Find("GET", "/events/facets").route->about, "Facets.");
  EXPECT_TRUE(router.Find("GET", "/events/facets").values.empty());
  EXPECT_EQ(router.Find("GET", "/marks/mine").route->about, "Mine.");
  EXPECT_TRUE(router.Find("GET", "/marks/mine").values.empty());
  EXPECT_EQ(router.Find("GET", "/marks/yours").values.at("id"), "yours");
}

TEST(Router, SaysWhichMethodsAPathHas) {
  const Router router = Example();
  EXPECT_EQ(router.Find("POST", "/events").route, nullptr);
  EXPECT_THAT(router.Find("POST", "/events").allowed, ElementsAre("GET"));
  EXPECT_THAT(router.Find("GET", "/marks").allowed, ElementsAre("GET", "POST"));
}

TEST(Router, ReadersReadAndAnalystsChange) {
  const Router router = Example();
  EXPECT_EQ(router.Find("GET", "/marks").route->least_role(), Role::kReader);
  EXPECT_EQ(router.Find("POST", "/marks").route->least_role(), Role::kAnalyst);
  for (const Route& route : router.routes()) EXPECT_FALSE(route.is_open) << route.path;
}

TEST(Router, DescribesEveryRouteOnce) {
  const Router router = Example();
  const Json document = router.OpenApi();
  EXPECT_EQ(document["openapi"], "3.1.0");
  size_t operations = 0;
  for (const auto& [path, methods] : document["paths"].items()) operations += methods.size();
  EXPECT_EQ(operations, router.routes().size());
  EXPECT_EQ(document["paths"]["/events/{id}"]["get"]["parameters"][0]["in"], "path");
  EXPECT_EQ(document["paths"]["/events"]["get"]["parameters"][0]["name"], "query");
  EXPECT_TRUE(document["paths"]["/marks"]["post"].contains("requestBody"));
}

TEST(ApiRequest, NumbersAreChecked) {
  ApiRequest request;
  request.values = {{"limit", "12"}, {"most", "999"}, {"word", "12x"}, {"minus", "-1"}};
  EXPECT_EQ(request.Number("limit", 5, 100), 12U);
  EXPECT_EQ(request.Number("none", 5, 100), 5U);
  for (const char* name : {"most", "word", "minus"}) {
    const auto number = request.Number(name, 5, 100);
    ASSERT_FALSE(number) << name;
    EXPECT_EQ(number.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ApiReply, FilesAreAttachmentsOfNoType) {
  const ApiReply reply = ApiReply::File("x.bin", "<script>");
  EXPECT_EQ(reply.content_type, "application/octet-stream");
  EXPECT_EQ(reply.attachment, "x.bin");
}

}  // namespace
}  // namespace ekshume::server
