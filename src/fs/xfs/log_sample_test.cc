// SPDX-License-Identifier: Apache-2.0
// Real dirty logs against what the kernel showed after its own recovery, and the same logs damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "fs/xfs/log.h"
#include "fs/xfs/testing_sample.h"

namespace ekshume::fs::xfs {
namespace {

using testing::Describe;
using testing::LoadSample;
using testing::OpenXfs;
using testing::SampleBytes;
using testing::TestImage;

class LogSampleTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::string sample() const { return "../xfs_log/" + GetParam(); }
  const std::string& bytes() const { return SampleBytes(sample()); }
  Superblock superblock() const {
    return ParseSuperblock(ByteView::Of(bytes()).Read<Dsb>(0).value(), false).value();
  }
  uint64_t log_start() const { return *superblock().FsBlockToByte(superblock().log_start); }
  uint64_t log_bytes() const { return uint64_t{superblock().log_blocks} << superblock().block_log; }

  // What becomes of the log of `device`; fails the test when it needs too much memory.
  LogReplay Replay(const image::Image& device) const {
    DiagnosticSink sink;
    image::PatchedImage patched(device);
    const auto replay = ReplayLog(device, superblock(), patched, sink);
    EXPECT_TRUE(replay.has_value()) << replay.error().message;
    EXPECT_LE(patched.patched_sector_count() * 512, limits::kMaxReplayBytes);
    if (!replay) return {};
    // Whatever is missing was said.
    EXPECT_EQ(replay->state == "dirty", sink.Count(DiagnosticCode::kXfsLogNotReplayed) > 0);
    EXPECT_EQ(replay->state == "damaged", sink.Count(DiagnosticCode::kXfsLogDamaged) > 0);
    return *replay;
  }
};

TEST_P(LogSampleTest, ShowsWhatTheKernelShowsAfterRecovery) {
  const TestImage device(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(device, sink);
  ASSERT_TRUE(filesystem.has_value()) << filesystem.error().message;
  EXPECT_EQ((*filesystem)->info().log_state, "replayed");
  EXPECT_EQ(Describe(**filesystem, sink), LoadSample(sample() + ".tsv.zst"));
  // Checksums too: each block that was replayed is as if the kernel had written it.
  ASSERT_EQ(sink.Sorted().size(), 1U) << sink.Sorted().back().detail;
  EXPECT_EQ(sink.Sorted()[0].code, DiagnosticCode::kXfsLogReplayed);
}

TEST_P(LogSampleTest, TheRawViewIsOlder) {
  const TestImage device(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(device, sink, true);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_NE(Describe(**filesystem, sink), LoadSample(sample() + ".tsv.zst"));
  EXPECT_EQ(sink.Count(DiagnosticCode::kXfsLogReplayed), 0U);
}

TEST_P(LogSampleTest, EveryRecordHeaderMayBeDamaged) {
  const LogReplay whole = Replay(TestImage(bytes()));
  std::map<std::string, int> states;
  // Every third byte of one header and its first operations, and a few of the others.
  size_t headers = 0;
  for (uint64_t at = log_start(); at < log_start() + log_bytes(); at += kBasicBlockBytes) {
    if (ByteView::Of(bytes()).Read<be32>(at)->value() != kXlogHeaderMagic) continue;
    const size_t step = ++headers == 4 ? 3 : 67;
    for (uint64_t offset = at; offset < at + 600; offset += step) {
      if (offset >= at + 44 && offset < at + 290)
        offset = at + 290;  // h_cycle_data: data like any other
      TestImage device(bytes());
      device.Flip(offset, '\x41');
      const LogReplay replay = Replay(device);
      EXPECT_LE(replay.transaction_count, whole.transaction_count + 1000);
      ++states[replay.state];
    }
    if (headers >= 24) break;
  }
  EXPECT_GT(headers, 20U);
  EXPECT_GT(states["replayed"], 0);
}

TEST_P(LogSampleTest, TheDeviceMayEndAnywhereInTheLog) {
  const uint64_t step = log_bytes() / 97 + 1;
  for (uint64_t size = log_start(); size < log_start() + log_bytes(); size += step) {
    TestImage device(bytes());
    device.Cut(size);
    const std::string state = Replay(device).state;
    EXPECT_TRUE(state == "dirty" || state == "damaged" || state == "replayed") << state;
  }
}

INSTANTIATE_TEST_SUITE_P(Samples, LogSampleTest, ::testing::Values("v5", "v5-256k", "v4"),
                         [](const auto& sample) {
                           std::string name = sample.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ekshume::fs::xfs
