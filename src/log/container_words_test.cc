// SPDX-License-Identifier: Apache-2.0
#include "log/container_words.h"

#include <gtest/gtest.h>

#include <string>

namespace ekshume::log {
namespace {

TEST(FindContainerId, TakesWholeIdsOnly) {
  const std::string id(64, 'a');
  EXPECT_EQ(FindContainerId("/run/k8s.io/" + id + " x"), id);
  EXPECT_EQ(FindContainerId("docker-" + id + ".scope"), id);
  EXPECT_EQ(FindContainerId("abc " + id), id);
  EXPECT_EQ(FindContainerId(id + "a " + id), id);
  EXPECT_EQ(FindContainerId("sha256:" + id), "");
  EXPECT_EQ(FindContainerId("z" + id), "");
  EXPECT_EQ(FindContainerId(id.substr(1)), "");
  EXPECT_EQ(FindContainerId(""), "");
}

TEST(IsUid, KnowsUids) {
  EXPECT_TRUE(IsUid("b425c733-eff6-4f9e-aff7-0febc1222d84"));
  EXPECT_FALSE(IsUid("b425c733-eff6-4f9e-aff7-0febc1222d8g"));
  EXPECT_FALSE(IsUid("b425c733-eff6-4f9e-aff7_0febc1222d84"));
  EXPECT_FALSE(IsUid("b425c733"));
}

TEST(Between, NeedsBothEnds) {
  EXPECT_EQ(Between("{Name:web,Uid:1}", "Name:", ","), "web");
  EXPECT_EQ(Between("{Name:web", "Name:", ","), "");
  EXPECT_EQ(Between("web", "Name:", ","), "");
}

}  // namespace
}  // namespace ekshume::log
