// SPDX-License-Identifier: Apache-2.0
#include "server/broadcast.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/limits.h"

namespace ekshume::server {
namespace {

using std::chrono::milliseconds;

TEST(Broadcast, EveryListenerGetsEveryMessageInOrder) {
  Broadcast broadcast;
  broadcast.Send("one");
  broadcast.Send("two");
  EXPECT_EQ(broadcast.newest(), 2U);
  for (int listener = 0; listener < 2; ++listener) {
    const auto first = broadcast.Next(0, milliseconds{0});
    ASSERT_TRUE(first);
    EXPECT_EQ(first->text, "one");
    EXPECT_EQ(broadcast.Next(first->number, milliseconds{0})->text, "two");
    EXPECT_FALSE(broadcast.Next(2, milliseconds{1}));
  }
}

TEST(Broadcast, AWaitingListenerIsWokenByAMessageAndByTheEnd) {
  Broadcast broadcast;
  std::optional<Broadcast::Message> got;
  std::thread listener([&] { got = broadcast.Next(0, milliseconds{20000}); });
  broadcast.Send("now");
  listener.join();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->text, "now");
  std::thread last([&] { got = broadcast.Next(1, milliseconds{20000}); });
  broadcast.Stop();
  last.join();
  EXPECT_FALSE(got);
  EXPECT_TRUE(broadcast.stopped());
}

TEST(Broadcast, KeepsABoundedNumberOfMessages) {
  Broadcast broadcast;
  for (size_t i = 0; i < limits::kKeptMessages + 5; ++i) broadcast.Send(std::to_string(i));
  // The oldest five are gone, and the number tells.
  EXPECT_EQ(broadcast.Next(0, milliseconds{0})->number, 6U);
}

}  // namespace
}  // namespace ekshume::server
