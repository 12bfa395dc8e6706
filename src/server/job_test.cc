// SPDX-License-Identifier: Apache-2.0
#include "server/job.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "server/limits.h"

namespace ekshume::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

JobRequest Script(const std::string& text) {
  JobRequest request;
  request.program = "/bin/sh";
  request.arguments = {"-c", text};
  return request;
}

JobState EndOf(Job& job) {
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  while (!job.state().exit_code && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  return job.state();
}

TEST(Job, SaysWhatTheProgramSaid) {
  JobRequest request = Script(
      "echo lost >&2; echo '{\"stage\":\"reading\",\"bytes\":3,\"total_bytes\":9,\"items\":2}' "
      ">&3; "
      "echo 'not json' >&3; printf 'no newline' >&2; exit 3");
  int calls = 0;
  std::optional<int> last;
  request.on_change = [&](const JobState& state) {
    ++calls;
    last = state.exit_code;
  };
  auto job = Job::Start(std::move(request));
  ASSERT_TRUE(job);
  const JobState state = EndOf(**job);
  EXPECT_EQ(state.exit_code, 3);
  EXPECT_EQ(state.stage, "reading");
  EXPECT_EQ(state.bytes, 3U);
  EXPECT_EQ(state.total_bytes, 9U);
  EXPECT_EQ(state.items, 2U);
  EXPECT_EQ(state.lines, (std::deque<std::string>{"lost", "no newline"}));
  EXPECT_FALSE(state.stop_was_asked);
  job->reset();
  EXPECT_GE(calls, 1);
  EXPECT_EQ(last, 3);
}

TEST(Job, KeepsTheNewestLinesAndShortOnes) {
  auto job = Job::Start(Script(
      "i=0; while [ $i -lt 500 ]; do echo $i >&2; i=$((i+1)); done; head -c 9000 /dev/zero | tr "
      "'\\0' x >&2"));
  ASSERT_TRUE(job);
  const JobState state = EndOf(**job);
  EXPECT_EQ(state.exit_code, 0);
  EXPECT_EQ(state.lines.size(), limits::kKeptJobLines);
  EXPECT_GT(state.dropped_lines, 299U);
  for (const std::string& line : state.lines) EXPECT_LE(line.size(), limits::kMostJobLineBytes);
}

TEST(Job, StopsWhenAsked) {
  auto job = Job::Start(Script("trap 'exit 7' TERM; while :; do sleep 0.05; done"));
  ASSERT_TRUE(job);
  std::this_thread::sleep_for(milliseconds(200));
  (*job)->Stop();
  const JobState state = EndOf(**job);
  EXPECT_TRUE(state.stop_was_asked);
  EXPECT_EQ(state.exit_code, 7);
}

TEST(Job, IsKilledWhenItDoesNotStop) {
  JobRequest request = Script("trap '' TERM; while :; do sleep 0.05; done");
  request.patience = seconds(1);
  auto job = Job::Start(std::move(request));
  ASSERT_TRUE(job);
  std::this_thread::sleep_for(milliseconds(200));
  (*job)->Stop();
  EXPECT_EQ(EndOf(**job).exit_code, 128 + 9);
}

TEST(Job, EndsWithItsObject) {
  const auto start = std::chrono::steady_clock::now();
  {
    auto job = Job::Start(Script("exec sleep 60"));
    ASSERT_TRUE(job);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(20));
}

TEST(Job, AGrandchildThatKeepsThePipeHoldsNothingUp) {
  auto job = Job::Start(Script("sleep 5 & exit 0"));
  ASSERT_TRUE(job);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(EndOf(**job).exit_code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(4));
}

TEST(Job, InheritsNoDescriptors) {
  auto job = Job::Start(Script("ls /proc/self/fd | tr '\\n' ' ' >&2"));
  ASSERT_TRUE(job);
  const JobState state = EndOf(**job);
  ASSERT_FALSE(state.lines.empty());
  EXPECT_EQ(state.lines.front().substr(0, 8), "0 1 2 3 ");
  EXPECT_LE(state.lines.front().size(), 10U) << state.lines.front();
}

TEST(Job, WhatIsNotThereIsNotStarted) {
  JobRequest request;
  request.program = "/nowhere/at/all";
  EXPECT_FALSE(Job::Start(std::move(request)));
}

}  // namespace
}  // namespace ekshume::server
