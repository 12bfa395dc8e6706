// SPDX-License-Identifier: Apache-2.0
#include "event/store/event_set.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace ekshume::event {
namespace {

TEST(EventSet, CountsAndFindsLikeAList) {
  std::mt19937 random(7);
  for (const size_t size : {1UL, 63UL, 64UL, 65UL, 511UL, 512UL, 5000UL}) {
    for (const unsigned share : {1U, 2U, 97U}) {
      EventSet set(size);
      std::vector<size_t> list;
      for (size_t i = 0; i < size; ++i) {
        if (random() % share != 0) continue;
        set.Add(i);
        list.push_back(i);
      }
      set.Finish();
      ASSERT_EQ(set.count(), list.size());
      size_t before = 0;
      for (size_t i = 0; i <= size; ++i) {
        ASSERT_EQ(set.CountBefore(i), before) << i << " of " << size;
        if (before < list.size() && list[before] == i) {
          EXPECT_TRUE(set.Has(i));
          ASSERT_EQ(set.Nth(before), i);
          ++before;
        }
      }
      std::vector<size_t> visited;
      set.ForEach([&](size_t at) { visited.push_back(at); });
      EXPECT_EQ(visited, list);
    }
  }
}

TEST(EventSet, AllOfThem) {
  for (const size_t size : {0UL, 1UL, 64UL, 130UL}) {
    EventSet set(size);
    set.AddAll();
    set.Finish();
    EXPECT_EQ(set.count(), size);
    EXPECT_EQ(set.CountBefore(size), size);
  }
}

TEST(EventSet, ThreadsAddAtTheSameTime) {
  constexpr size_t kSize = 100'000;
  EventSet set(kSize);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&set, t] {
        for (size_t i = t; i < kSize; i += 4) set.Add(i);
      });
    }
  }
  set.Finish();
  EXPECT_EQ(set.count(), kSize);
}

}  // namespace
}  // namespace ekshume::event
