// SPDX-License-Identifier: Apache-2.0
#include "base/diagnostic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace ekshume {
namespace {

using enum DiagnosticCode;

constexpr std::array kAllCodes = {
#define EKSHUME_DIAGNOSTIC(name, severity, sentence) DiagnosticCode::name,
#include "base/diagnostic_codes.def"
#undef EKSHUME_DIAGNOSTIC
};

TEST(DiagnosticTest, EveryCodeHasItsNameAndASentence) {
  EXPECT_EQ(DiagnosticCodeName(kXfsBadChecksum), "xfs_bad_checksum");
  EXPECT_EQ(DiagnosticCodeName(kExt4Encrypted), "ext4_encrypted");
  EXPECT_EQ(DiagnosticSeverity(kXfsLogReplayed), Severity::kInfo);
  std::set<std::string_view> names;
  for (const DiagnosticCode code : kAllCodes) {
    const std::string_view name = DiagnosticCodeName(code);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    })) << name;
    const std::string_view sentence = DiagnosticSentence(code);
    ASSERT_GT(sentence.size(), 10U) << name;
    EXPECT_NE(sentence.back(), '.') << name;
    EXPECT_NE(SeverityName(DiagnosticSeverity(code)), "unknown") << name;
  }
}

TEST(DiagnosticTest, KeepsIdenticalReportsOnce) {
  DiagnosticSink sink;
  sink.Report(kImageTruncated, "disk", "why", 5);
  sink.Report(kImageTruncated, "disk", "why", 5);
  sink.Report(kImageTruncated, "disk", "why", 6);
  EXPECT_EQ(sink.Count(kImageTruncated), 2U);
  EXPECT_EQ(sink.Sorted().size(), 2U);
  EXPECT_EQ(sink.Suppressed(), 0U);
}

TEST(DiagnosticTest, OnlyDataLossAndErrorsAreLoss) {
  DiagnosticSink sink;
  EXPECT_FALSE(sink.HasLoss());
  sink.Report(kXfsLogReplayed, "disk", "");     // info
  sink.Report(kGptPrimaryDamaged, "disk", "");  // notice
  EXPECT_FALSE(sink.HasLoss());
  sink.Report(kImageTruncated, "disk", "");
  EXPECT_TRUE(sink.HasLoss());
}

TEST(DiagnosticTest, KeepsAtMostTheLimitAndCountsTheRest) {
  DiagnosticSink sink;
  const size_t extra = 7;
  for (size_t i = 0; i < limits::kMaxDiagnosticsPerCode + extra; ++i) {
    sink.Report(kXfsBadExtent, "disk", "extent", i);
  }
  sink.Report(kXfsBadExtent, "other", "extent");  // each evidence has its own share
  EXPECT_EQ(sink.Sorted().size(), limits::kMaxDiagnosticsPerCode + 1);
  EXPECT_EQ(sink.Suppressed(), extra);
  EXPECT_EQ(sink.Count(kXfsBadExtent), limits::kMaxDiagnosticsPerCode + extra + 1);
}

TEST(DiagnosticTest, OrderDoesNotDependOnThreads) {
  const auto collect = [](int seed) {
    DiagnosticSink sink;
    constexpr int kThreads = 4;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&sink, t, seed] {
        for (uint64_t i = 0; i < 20; ++i) {
          sink.Report(kXfsBadExtent, (t + seed) % 2 == 0 ? "a" : "b", "x", i);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return sink.Sorted();
  };
  EXPECT_EQ(collect(0), collect(1));
  EXPECT_EQ(collect(0).size(), 40U);
}

TEST(ResultTest, NamesItsCodesAndKeepsContext) {
  EXPECT_EQ(ErrorCodeName(ErrorCode::kNotFound), "not_found");
  EXPECT_EQ(ErrorCodeName(ErrorCode::kNoSpace), "no_space");
  const Error error = WithContext(Fail(ErrorCode::kIo, "it failed"), "disk.img");
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_EQ(error.message, "disk.img: it failed");
}

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(ErrorCode::kInvalidArgument, "odd");
  return value / 2;
}
Result<int> Quarter(int value) { return Half(EKSHUME_TRY(Half(value))); }

TEST(ResultTest, TryPassesErrorsOn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).error().message, "odd");
  EXPECT_EQ(Quarter(3).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace ekshume
