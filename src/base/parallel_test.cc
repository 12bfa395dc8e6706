// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

namespace ekshume {
namespace {

TEST(OrderedPipelineTest, ResultsComeOutInTheOrderOfTheJobs) {
  std::vector<int> results;
  OrderedPipeline<int, int> pipeline(
      4, 8,
      [](int&& job) {
        // Later jobs are often faster.
        std::this_thread::sleep_for(std::chrono::microseconds(job % 7 == 0 ? 300 : 1));
        return job * 2;
      },
      [&](int&& result) { results.push_back(result); });
  for (int i = 0; i < 500; ++i) pipeline.Push(i);
  pipeline.Finish();
  ASSERT_EQ(results.size(), 500U);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(results[static_cast<size_t>(i)], i * 2);
}

TEST(OrderedPipelineTest, NoMoreJobsThanTheCapacityAreUnderWay) {
  std::atomic<int> under_way{0};
  std::atomic<int> most{0};
  OrderedPipeline<int, int> pipeline(
      2, 5, [](int&& job) { return job; },
      [&](int&&) {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        --under_way;
      });
  for (int i = 0; i < 200; ++i) {
    pipeline.Push(i);
    most = std::max(most.load(), ++under_way);
  }
  pipeline.Finish();
  EXPECT_EQ(under_way, 0);
  // The capacity, the one being consumed, and the one whose counting the consumer overtook.
  EXPECT_LE(most, 7);
}

TEST(OrderedPipelineTest, NothingPushedNothingConsumed) {
  int consumed = 0;
  {
    OrderedPipeline<int, int> pipeline(
        3, 4, [](int&& job) { return job; }, [&](int&&) { ++consumed; });
  }
  EXPECT_EQ(consumed, 0);
}

}  // namespace
}  // namespace ekshume
