// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_object/field_paths.h"

#include <gtest/gtest.h>

namespace ekshume::log::k8s_object {
namespace {

TEST(FieldPaths, WritesThemAsPeopleDo) {
  EXPECT_EQ(FieldPaths(R"({"f:metadata":{"f:labels":{".":{},"f:app":{}}},)"
                       R"("f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{}}},)"
                       R"("f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{}}}}})"),
            "metadata.labels.app, spec.containers[c].image, spec.ports[80,TCP]");
  EXPECT_EQ(FieldPaths(R"({"f:metadata":{"f:finalizers":{"v:\"kubernetes\"":{},"i:0":{}}}})"),
            "metadata.finalizers[\"kubernetes\"], metadata.finalizers[0]");
  EXPECT_EQ(FieldPaths(R"({"f:subjects":{}})"), "subjects");
}

TEST(FieldPaths, CountsWhatItDoesNotName) {
  std::string fields = "{";
  for (size_t i = 0; i < kMostNamedFields + 3; ++i) {
    fields += (i == 0 ? "\"f:a" : ",\"f:a") + std::to_string(i) + "\":{}";
  }
  const std::string paths = FieldPaths(fields + "}");
  EXPECT_TRUE(paths.starts_with("a0, a1, ")) << paths;
  EXPECT_TRUE(paths.ends_with(" and 3 more")) << paths;
  const std::string is_long = R"({"f:)" + std::string(2 * kMaxFieldPathBytes, 'x') + R"(":{}})";
  EXPECT_EQ(FieldPaths(is_long).size(), kMaxFieldPathBytes);
}

TEST(FieldPaths, EndsWhereItMakesNoSense) {
  for (const std::string_view text :
       {"", "{", "}", "{}", "}}{{", "\"", "{\"f:a", "{\"f:a\\", "[]"}) {
    EXPECT_EQ(FieldPaths(text), "") << text;
  }
  std::string deep;
  for (size_t i = 0; i <= kMaxFieldDepth; ++i) deep += "{\"f:a\":";
  EXPECT_EQ(FieldPaths(deep), "");
  EXPECT_EQ(FieldPaths(R"({"f:a":{},"f:b":{)"), "a");
}

}  // namespace
}  // namespace ekshume::log::k8s_object
