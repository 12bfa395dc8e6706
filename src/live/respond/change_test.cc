// SPDX-License-Identifier: Apache-2.0
#include "live/respond/change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekshume::live::respond {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Json Patched(Json object, const Json& patch) {
  object.merge_patch(patch);
  return object;
}

TEST(Change, TheInversePatchTakesAPatchBack) {
  const Json before = Json::parse(
      R"({"metadata":{"labels":{"app":"web","a":"1"}},"spec":{"taints":[{"key":"x"}],"n":3}})");
  for (const char* text :
       {R"({"metadata":{"labels":{"app":null,"q":"7"}}})", R"({"spec":{"taints":[]}})",
        R"({"metadata":{"annotations":{"new/one":"true"}}})", R"({"spec":{"unschedulable":true}})",
        R"({"spec":{"n":null},"metadata":{"labels":{"a":"2"}}})"}) {
    const Json patch = Json::parse(text);
    const Json after = Patched(before, patch);
    const Json inverse = InversePatch(before, patch);
    Json back = Patched(after, inverse);
    // The API server drops maps without members.
    if (back["metadata"].contains("annotations") && back["metadata"]["annotations"].empty()) {
      back["metadata"].erase("annotations");
    }
    EXPECT_EQ(back, before) << text;
    EXPECT_TRUE(Stands(after, patch)) << text;
  }
}

TEST(Change, NamesTheFieldsThatAreDifferent) {
  const Json patch =
      Json::parse(R"({"metadata":{"labels":{"a/b":"1","gone":null}},"spec":{"x":1}})");
  EXPECT_THAT(
      DifferentFields(Json::parse(R"({"metadata":{"labels":{"a/b":"1"}},"spec":{"x":1}})"), patch),
      IsEmpty());
  EXPECT_THAT(
      DifferentFields(Json::parse(R"({"metadata":{"labels":{"a/b":"2","gone":"x"}}})"), patch),
      ElementsAre("/metadata/labels/a~1b", "/metadata/labels/gone", "/spec/x"));
}

TEST(Change, TheFingerprintIsOfWhatPeopleDecide) {
  Json node = Json::parse(
      R"({"kind":"Node","metadata":{"name":"n","resourceVersion":"1"},"spec":{},"status":{"x":1}})");
  const std::string print = Fingerprint(node);
  node["metadata"]["resourceVersion"] = "2";
  node.erase("kind");  // as in a list
  node["metadata"]["managedFields"] = Json::array({1});
  node["status"]["x"] = 2;
  node["spec"]["taints"] = {{{"key", "node.kubernetes.io/unschedulable"}}};
  EXPECT_EQ(Fingerprint(node), print);
  node["spec"]["taints"].push_back({{"key", "example.test/mine"}});
  EXPECT_NE(Fingerprint(node), print);
  node["spec"].erase("taints");
  node["metadata"]["labels"]["a"] = "b";
  EXPECT_NE(Fingerprint(node), print);
}

TEST(Change, AnEmptyListStandsWhereTheServerLeftItOut) {
  const Json patch = Json::parse(R"({"subjects":[]})");
  EXPECT_TRUE(Stands(Json::parse(R"({"kind":"X"})"), patch));
  EXPECT_TRUE(Stands(Json::parse(R"({"subjects":[]})"), patch));
  EXPECT_FALSE(Stands(Json::parse(R"({"subjects":[{"name":"a"}]})"), patch));
  EXPECT_FALSE(Stands(Json::parse(R"({"kind":"X"})"), Json::parse(R"({"subjects":[1]})")));
}

TEST(Change, WhatIsMadeAgainHasNothingOfTheServer) {
  const Json made = AsCreated(Json::parse(
      R"({"kind":"X","metadata":{"name":"n","uid":"u","resourceVersion":"1","labels":{"a":"b"}},"status":{}})"));
  EXPECT_EQ(made, Json::parse(R"({"kind":"X","metadata":{"name":"n","labels":{"a":"b"}}})"));
}

TEST(Change, PatchBetweenMakesTheOther) {
  const Json from = Json::parse(
      R"({"a":1,"gone":{"x":1},"map":{"same":true,"old":"v","deep":{"l":[1,2]}},"list":[1],"kind":{"b":1}})");
  const Json to = Json::parse(
      R"({"a":1,"new":{"y":2},"map":{"same":true,"deep":{"l":[2]},"more":null},"list":[1],"kind":"text"})");
  Json made = from;
  const Json patch = PatchBetween(from, to);
  made.merge_patch(patch);
  Json expected = to;
  expected["map"].erase("more");  // a merge patch knows no null
  EXPECT_EQ(made, expected);
  EXPECT_FALSE(patch.contains("list"));
  EXPECT_TRUE(PatchBetween(to, to).empty());
}

TEST(Change, TheRevisionOfADeploymentIsOfTheControlPlane) {
  Json object =
      Json::parse(R"({"kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":1}})");
  const std::string before = Fingerprint(object);
  object["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "2";
  EXPECT_EQ(Fingerprint(object), before);
  object["metadata"]["annotations"]["who"] = "x";
  EXPECT_NE(Fingerprint(object), before);
}

}  // namespace
}  // namespace ekshume::live::respond
