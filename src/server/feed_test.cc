// SPDX-License-Identifier: Apache-2.0
#include "server/feed.h"

#include <gtest/gtest.h>

#include "server/limits.h"

namespace ekshume::server {
namespace {

using std::chrono_literals::operator""ms;

class FeedTest : public testing::Test {
 protected:
  FeedTest() { cookie_ = "ekshume_8437=" + *guard_.Begin({"ana", Role::kAnalyst}); }

  Guard guard_{"127.0.0.1:8437"};
  Broadcast changes_;
  std::string cookie_;
};

TEST_F(FeedTest, GreetsThenTellsWhatChanges) {
  changes_.Send("before");
  Feed feed(guard_, changes_, cookie_);
  EXPECT_EQ(feed.Next(0ms), "event: hello\ndata: {}\n\n");
  EXPECT_EQ(feed.Next(0ms), ": still here\n\n");
  changes_.Send("{\"a\":1}");
  changes_.Send("{\"a\":2}");
  EXPECT_EQ(feed.Next(0ms), "event: annotation\nid: 2\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(feed.Next(0ms), "event: annotation\nid: 3\ndata: {\"a\":2}\n\n");
  changes_.Stop();
  EXPECT_EQ(feed.Next(0ms), std::nullopt);
}

TEST_F(FeedTest, EndsWithALogout) {
  Feed feed(guard_, changes_, cookie_);
  const std::string other = "ekshume_8437=" + *guard_.Begin({"ben", Role::kReader});
  Feed others(guard_, changes_, other);
  EXPECT_TRUE(feed.Next(0ms));
  EXPECT_TRUE(others.Next(0ms));
  changes_.Send("secret");
  RequestHead head;
  head.cookie = cookie_;
  guard_.End(head);
  EXPECT_EQ(feed.Next(0ms), std::nullopt);
  EXPECT_EQ(others.Next(0ms), "event: annotation\nid: 1\ndata: secret\n\n");
}

TEST_F(FeedTest, EndsWhenTheSessionDoes) {
  Feed feed(guard_, changes_, cookie_);
  EXPECT_TRUE(feed.Next(0ms));
  changes_.Send("secret");
  EXPECT_EQ(feed.Next(0ms, [] { return Guard::Clock::now() + limits::kSessionTime; }),
            std::nullopt);
}

TEST_F(FeedTest, NobodyIsGreetedWithoutASession) {
  EXPECT_EQ(Feed(guard_, changes_, "ekshume_8437=0").Next(0ms), std::nullopt);
}

}  // namespace
}  // namespace ekshume::server
