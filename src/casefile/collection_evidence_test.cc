// SPDX-License-Identifier: Apache-2.0
#include "casefile/collection_evidence.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "casefile/evidence.h"
#include "casefile/evidence_kind.h"
#include "collection/writer.h"

namespace ekshume::casefile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class StringSink final : public collection::ByteSink {
 public:
  Result<void> Write(ByteView bytes) override {
    written.append(bytes.AsText());
    return {};
  }
  std::string written;
};

constexpr std::string_view kDescription =
    R"({"format":"ekshume-collection","version":1,"scope":{"kind":"node"}})";

class CollectionEvidenceTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // A stream of a process and the bytes of its executable.
  static std::string Stream(uint32_t part, std::string_view executable,
                            unsigned char first_id = 1) {
    StringSink sink;
    collection::WriterOptions options;
    options.part = part;
    options.stream_id.fill(static_cast<unsigned char>(part * first_id));
    if (part > 1) options.continues_id.fill(first_id);
    auto writer = collection::Writer::Start(sink, options);
    EXPECT_TRUE(writer);
    EXPECT_TRUE((*writer)->AddText("collection.json", kDescription));
    EXPECT_TRUE((*writer)->AddText(
        "live/processes.jsonl",
        "{\"pid\":7,\"exe\":\"/tmp/x\",\"exe_deleted\":true,\"exe_member\":\"deleted/7/exe\"}\n"));
    EXPECT_TRUE((*writer)->Flush());
    EXPECT_TRUE((*writer)->AddText("deleted/7/exe", executable));
    EXPECT_TRUE((*writer)->Finish(false));
    return sink.written;
  }
  std::string Put(const std::string& name, std::string_view content) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary).write(content.data(), std::ssize(content));
    return path.string();
  }
  std::unique_ptr<Evidence> Open(const std::vector<std::string>& paths) {
    auto evidence = Evidence::Open(paths, {}, diagnostics_);
    EXPECT_TRUE(evidence) << evidence.error().message;
    return evidence ? *std::move(evidence) : nullptr;
  }

  std::filesystem::path folder_;
  DiagnosticSink diagnostics_;
};

TEST_F(CollectionEvidenceTest, FindsTheOtherPartsAndReadsThemAsOne) {
  // The cut is within the executable: the first part has the table only.
  const std::string whole = Stream(1, std::string(100000, 'x'));
  const std::string first = Put("c.ekc", whole.substr(0, whole.size() / 2));
  const std::string second = Put("c.ekc.2", Stream(2, "program"));
  Put("notes.txt", "no part");
  Put("copy.ekc.2", Stream(2, "program"));
  Put("other.ekc", Stream(2, "of another collection", 9));
  EXPECT_THAT(PartsOfCollection(first, diagnostics_), SizeIs(2));
  EXPECT_EQ(*ClassifyEvidence(second), EvidenceKind::kNode);
  for (const auto& paths : {std::vector{first}, std::vector{second}, std::vector{first, second}}) {
    const auto evidence = Open(paths);
    ASSERT_TRUE(evidence);
    ASSERT_EQ(evidence->live().size(), 1U);
    const process::State& state = evidence->live()[0]->state;
    ASSERT_EQ(state.processes.size(), 1U);
    EXPECT_EQ(state.processes[0].executable_sha256, ToHex(Sha256::Of(ByteView::Of("program"))));
    EXPECT_THAT(evidence->files(), SizeIs(2));
  }
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionTruncated), 1U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionMismatch), 0U);
}

TEST_F(CollectionEvidenceTest, SaysWhichPartIsMissing) {
  ASSERT_TRUE(Open({Put("c.ekc.2", Stream(2, "program"))}));
  ASSERT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionIncomplete), 1U);
  EXPECT_THAT(diagnostics_.Sorted()[0].detail, HasSubstr("part 1"));
}

TEST_F(CollectionEvidenceTest, LooksAtAsManyFilesAsTheLimitSays) {
  const std::string first = Put("a.ekc", Stream(1, "program"));
  Put("b.ekc", Stream(2, "program"));
  Put("c.ekc", Stream(3, "program"));
  PartsOfCollection(first, diagnostics_, 1);
  ASSERT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionLimit), 1U);
  EXPECT_THAT(diagnostics_.Sorted()[0].detail, HasSubstr("kMaxFilesBesideAPart"));
}

TEST_F(CollectionEvidenceTest, ComparesAnUnpackedCollectionWithItsManifest) {
  const auto digest = ToHex(Sha256::Of(ByteView::Of("program")));
  Put("c/collection.json", kDescription);
  Put("c/deleted/7/exe", "program");
  Put("c/manifest.jsonl",
      fmt::format("{{\"member\":\"deleted/7/exe\",\"sha256\":\"{}\"}}\n", digest));
  ASSERT_TRUE(Open({(folder_ / "c").string()}));
  EXPECT_FALSE(diagnostics_.HasLoss());
  Put("c/deleted/7/exe", "Program");
  Put("c/manifest.2.jsonl", "{\"member\":\"memory/7/1-2\",\"sha256\":\"00\"}\n");
  ASSERT_TRUE(Open({(folder_ / "c").string()}));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionMismatch), 2U);
  std::filesystem::remove(folder_ / "c/manifest.jsonl");
  std::filesystem::remove(folder_ / "c/manifest.2.jsonl");
  ASSERT_TRUE(Open({(folder_ / "c").string()}));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionTruncated), 1U);
}

// What was changed behind the collector's back shows, although every frame is right.
TEST_F(CollectionEvidenceTest, FindsAMemberThatDiffersFromTheManifest) {
  StringSink sink;
  auto writer = collection::Writer::Start(sink, {});
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->AddText("collection.json", kDescription));
  ASSERT_TRUE((*writer)->AddText("manifest.2.jsonl",
                                 "{\"member\":\"collection.json\",\"sha256\":\"00\"}\n"));
  ASSERT_TRUE((*writer)->Finish(false));
  ASSERT_TRUE(Open({Put("c.ekc", sink.written)}));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionMismatch), 1U);
}

}  // namespace
}  // namespace ekshume::casefile
