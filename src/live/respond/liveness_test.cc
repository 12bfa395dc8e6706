// SPDX-License-Identifier: Apache-2.0
#include "live/respond/liveness.h"

#include <gtest/gtest.h>

namespace ekshume::live::respond {
namespace {

using wire::Json;

const Timestamp kNow = *ParseTimestamp("2026-11-27T20:00:00Z");

std::optional<LivenessBudget> Of(const char* containers, const char* statuses, Hold hold,
                                 const std::string& container = "") {
  const Json pod = {{"spec", {{"containers", Json::parse(containers)}}},
                    {"status", {{"containerStatuses", Json::parse(statuses)}}}};
  return LivenessBudgetOf(pod, hold, kNow, container);
}

TEST(Liveness, IsTheTimeOfTheLastFailureThatIsLeft) {
  const char* one = R"([{"name":"a","livenessProbe":{"httpGet":{"port":80},"periodSeconds":5,
                         "failureThreshold":4,"timeoutSeconds":2,"initialDelaySeconds":30}}])";
  EXPECT_EQ(Of(one, "[]", Hold::kFreeze)->seconds, 17);
  // Started ten seconds ago: twenty of the delay are left.
  const char* young = R"([{"name":"a","state":{"running":{"startedAt":"2026-11-27T19:59:50Z"}}}])";
  EXPECT_EQ(Of(one, young, Hold::kFreeze)->seconds, 37);
  // The defaults of the API: every ten seconds, three times, one second.
  const char* plain = R"([{"name":"a","livenessProbe":{"exec":{"command":["true"]}}}])";
  EXPECT_EQ(Of(plain, "[]", Hold::kFreeze)->seconds, 21);
  EXPECT_EQ(Of(plain, "[]", Hold::kFreeze)->probe, "exec");
}

TEST(Liveness, CountsOnlyProbesThatFailByIt) {
  const char* connects = R"([{"name":"a","livenessProbe":{"tcpSocket":{"port":80}}}])";
  EXPECT_FALSE(Of(connects, "[]", Hold::kFreeze));  // the kernel accepts for it
  EXPECT_TRUE(Of(connects, "[]", Hold::kCutNetwork));
  const char* runs = R"([{"name":"a","livenessProbe":{"exec":{"command":["true"]}}}])";
  EXPECT_TRUE(Of(runs, "[]", Hold::kFreeze));
  EXPECT_FALSE(Of(runs, "[]", Hold::kCutNetwork));
  EXPECT_FALSE(
      Of(R"([{"name":"a"},{"name":"b","readinessProbe":{"httpGet":{}}}])", "[]", Hold::kFreeze));
}

TEST(Liveness, IsTheShortestOfAPodOrThatOfOneContainer) {
  const char* two = R"([{"name":"a","livenessProbe":{"httpGet":{},"failureThreshold":9}},
                        {"name":"b","livenessProbe":{"grpc":{"port":1},"failureThreshold":1}}])";
  EXPECT_EQ(Of(two, "[]", Hold::kFreeze)->container, "b");
  EXPECT_EQ(Of(two, "[]", Hold::kFreeze)->seconds, 1);
  EXPECT_EQ(Of(two, "[]", Hold::kFreeze, "a")->seconds, 81);
  EXPECT_FALSE(Of(two, "[]", Hold::kFreeze, "c"));
}

TEST(Liveness, IsOfTheStartupProbeUntilThatSucceeded) {
  const char* both =
      R"([{"name":"a","startupProbe":{"httpGet":{},"failureThreshold":30,"periodSeconds":10},
                          "livenessProbe":{"httpGet":{},"failureThreshold":1}}])";
  EXPECT_EQ(Of(both, R"([{"name":"a","started":false}])", Hold::kFreeze)->seconds, 291);
  EXPECT_EQ(Of(both, R"([{"name":"a","started":true}])", Hold::kFreeze)->seconds, 1);
}

}  // namespace
}  // namespace ekshume::live::respond
