// SPDX-License-Identifier: Apache-2.0
// The samples of tests/data/ext4 against what the kernel showed of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fs/ext4/directory.h"
#include "fs/ext4/ext4.h"
#include "fs/ext4/format.h"
#include "fs/ext4/testing_sample.h"
#include "fs/ext4/volume.h"
#include "fs/path.h"

namespace ekshume::fs::ext4 {
namespace {

using testing::Describe;
using testing::LoadSample;
using testing::OpenExt4;
using testing::SampleBytes;
using testing::TestImage;

SuperBlock SuperBlockOf(const std::string& bytes) {
  return ByteView::Of(bytes).Read<SuperBlock>(kSuperBlockOffset).value();
}

std::string Diagnostics(const DiagnosticSink& sink) {
  std::string text;
  for (const Diagnostic& each : sink.Sorted()) {
    text += fmt::format("{}: {}\n", DiagnosticCodeName(each.code), each.detail);
  }
  return text;
}

class SampleTest : public ::testing::TestWithParam<std::string> {
 protected:
  const std::string& bytes() const { return SampleBytes(GetParam()); }
  bool dirty() const { return !LoadSample(GetParam() + ".deleted").empty(); }
};

TEST_P(SampleTest, ShowsWhatTheKernelShows) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  EXPECT_TRUE(kExt4Format.sniff(image));
  const auto filesystem = OpenExt4(image, sink);
  ASSERT_TRUE(filesystem.has_value()) << filesystem.error().message;
  EXPECT_EQ(Describe(**filesystem, sink, GetParam() == "fast"),
            LoadSample(GetParam() + ".tsv.zst"));
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4JournalReplayed), dirty() ? 1U : 0U);
  EXPECT_EQ(sink.Sorted().size(), dirty() ? 1U : 0U) << Diagnostics(sink);
  EXPECT_EQ((*filesystem)->info().log_state, dirty() ? "replayed" : "none");
}

TEST_P(SampleTest, FindsFilesDeletedWhileOpen) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  std::vector<std::string> found;
  for (const DeletedNode& deleted : (*filesystem)->Deleted()) {
    EXPECT_EQ(deleted.how, GetParam() == "ext4" ? "orphan file" : "orphan list");
    const std::string content = testing::ReadAll(**filesystem, deleted.node);
    found.push_back(fmt::format("{}\t{}\t{}\n", static_cast<uint64_t>(deleted.node), content.size(),
                                ToHex(Sha256::Of(ByteView::Of(content)))));
  }
  std::sort(found.begin(), found.end());
  EXPECT_EQ(fmt::format("{}", fmt::join(found, "")), LoadSample(GetParam() + ".deleted"));
  EXPECT_FALSE(sink.HasLoss()) << Diagnostics(sink);
}

TEST_P(SampleTest, ReadsTheDiskAsItLies) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink, true);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_EQ((*filesystem)->info().log_state, dirty() ? "dirty" : "none");
  EXPECT_EQ(sink.Count(DiagnosticCode::kFilesystemReadRaw), dirty() ? 1U : 0U);
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4JournalReplayed), 0U);
  EXPECT_EQ(Exists(**filesystem, "/renamed", NodeType::kRegular), false)
      << "a change that only the journal knows";
}

TEST_P(SampleTest, RunsCoverEachFile) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink).value();
  size_t files = 0;
  const auto walked = Walk(*filesystem, filesystem->root(), sink, [&](const WalkItem& item) {
    if (item.stat.type != NodeType::kRegular) return WalkStep::kContinue;
    ++files;
    const auto file = filesystem->OpenFile(item.node).value();
    uint64_t position = 0;
    for (const fs::Run& run : file->runs()) {
      EXPECT_EQ(run.file_offset_bytes, position) << item.path;
      EXPECT_GT(run.length_bytes, 0U);
      position += run.length_bytes;
    }
    EXPECT_GE(position, item.stat.size_bytes) << item.path;
    EXPECT_LT(position, item.stat.size_bytes + 1024) << item.path;
    std::array<std::byte, 8> past{};
    EXPECT_EQ(file->ReadAt(item.stat.size_bytes, past).value(), 0U);
    return WalkStep::kContinue;
  });
  EXPECT_TRUE(walked.has_value());
  EXPECT_GT(files, 8U);
}

INSTANTIATE_TEST_SUITE_P(Samples, SampleTest,
                         ::testing::Values("ext2", "ext3", "ext4", "bigalloc", "fast", "tiny"),
                         [](const auto& parameter) { return parameter.param; });

TEST(ReaderTest, TellsWhatItIs) {
  const TestImage image(SampleBytes("ext4"));
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink).value();
  const FilesystemInfo& info = filesystem->info();
  EXPECT_EQ(info.type, "ext4");
  EXPECT_EQ(info.label, "sample4");
  EXPECT_EQ(info.block_bytes, 1024U);
  EXPECT_EQ(info.total_bytes, SampleBytes("ext4").size());
  EXPECT_EQ(info.uuid.size(), 36U);
  EXPECT_THAT(info.features, ::testing::IsSupersetOf({"64bit", "ea_inode", "inline_data",
                                                      "metadata_csum_seed", "orphan_file"}));
  EXPECT_TRUE(std::is_sorted(info.features.begin(), info.features.end()));
  EXPECT_TRUE(info.made.has_value() && info.last_mounted.has_value());
}

TEST(ReaderTest, TellsTheKindsOfRunsApart) {
  const TestImage image(SampleBytes("ext4"));
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink).value();
  const auto kinds = [&](std::string_view path) {
    const auto file = filesystem->OpenFile(ResolvePath(*filesystem, path).value()).value();
    std::vector<std::pair<Run::Kind, uint64_t>> found;
    for (const fs::Run& run : file->runs()) found.emplace_back(run.kind, run.length_bytes);
    return found;
  };
  using Kind = Run::Kind;
  EXPECT_THAT(kinds("/mixed"), ::testing::ElementsAre(::testing::Pair(Kind::kHole, 3 * 1024),
                                                      ::testing::Pair(Kind::kUnwritten, 2 * 1024),
                                                      ::testing::Pair(Kind::kData, 1024),
                                                      ::testing::Pair(Kind::kUnwritten, 3 * 1024),
                                                      ::testing::Pair(Kind::kHole, 31 * 1024)));
  EXPECT_THAT(kinds("/size-61"), ::testing::ElementsAre(::testing::Pair(Kind::kInline, 61)));
  EXPECT_THAT(kinds("/size-0"), ::testing::IsEmpty());
}

TEST(ReaderTest, UsesABackupOfTheSuperBlock) {
  // One group of blocks has no backup, and that is said.
  TestImage without(SampleBytes("ext2"));
  without.ChangeStruct(kSuperBlockOffset, SuperBlock{});
  DiagnosticSink nothing;
  EXPECT_EQ(OpenExt4(without, nothing).error().code, ErrorCode::kCorrupt);

  TestImage image(SampleBytes("backup"));
  image.ChangeStruct(kSuperBlockOffset, SuperBlock{});
  EXPECT_TRUE(kExt4Format.sniff(image)) << "zeros where the superblock was, and a backup";
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink);
  ASSERT_TRUE(filesystem.has_value()) << filesystem.error().message;
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4BackupSuperblock), 1U);
  EXPECT_EQ(Describe(**filesystem, sink), LoadSample("backup.tsv.zst"));
  TestImage reformatted(SampleBytes("backup"));
  reformatted.Change(kSuperBlockOffset, std::string(1024, 'Z'));
  EXPECT_FALSE(kExt4Format.sniff(reformatted)) << "something else lies there now";
}

TEST(ReaderTest, UsesBackupsOfGroupDescriptors) {
  TestImage image(SampleBytes("backup"));
  image.Flip(2 * 1024 + offsetof(GroupDescriptor, bg_inode_table_lo), 1);
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_EQ(Describe(**filesystem, sink), LoadSample("backup.tsv.zst"));
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4BadChecksum), 1U) << Diagnostics(sink);
}

TEST(ReaderTest, RefusesUnknownFeaturesByName) {
  for (const auto& [bit, name] : {std::pair{kIncompatDirdata, "dirdata"},
                                  {kIncompatCompression, "compression"},
                                  {kIncompatJournalDev, "journal_dev"},
                                  {IncompatFeature{1U << 30}, "FEATURE_I30"}}) {
    TestImage image(SampleBytes("ext2"));
    SuperBlock superblock = SuperBlockOf(SampleBytes("ext2"));
    superblock.s_feature_incompat = le32::Of(superblock.s_feature_incompat.value() | bit);
    image.ChangeStruct(kSuperBlockOffset, superblock);
    DiagnosticSink sink;
    const auto filesystem = OpenExt4(image, sink);
    ASSERT_FALSE(filesystem.has_value());
    EXPECT_EQ(filesystem.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(filesystem.error().message, ::testing::HasSubstr(name));
    EXPECT_EQ(OpenExt4(image, sink, false, true).has_value(), bit != kIncompatJournalDev);
  }
}

TEST(ReaderTest, NotesUnknownReadOnlyFeatures) {
  TestImage image(SampleBytes("ext2"));
  SuperBlock superblock = SuperBlockOf(SampleBytes("ext2"));
  superblock.s_feature_ro_compat = le32::Of(superblock.s_feature_ro_compat.value() | 1U << 29);
  image.ChangeStruct(kSuperBlockOffset, superblock);
  DiagnosticSink sink;
  EXPECT_TRUE(OpenExt4(image, sink).has_value());
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4UnknownFeature), 1U);
}

TEST(ReaderTest, ShowsEncryptedNamesAsBase64Url) {
  EXPECT_EQ(EncryptedName(ByteView::Of("")), "");
  EXPECT_EQ(EncryptedName(ByteView::Of("f")), "Zg");
  EXPECT_EQ(EncryptedName(ByteView::Of("fo")), "Zm8");
  EXPECT_EQ(EncryptedName(ByteView::Of("foo")), "Zm9v");
  EXPECT_EQ(EncryptedName(ByteView::Of("\xfb\xff\xbf")), "-_-_");

  const std::string& bytes = SampleBytes("ext2");
  TestImage image(bytes);
  SuperBlock superblock = SuperBlockOf(bytes);
  superblock.s_feature_incompat =
      le32::Of(superblock.s_feature_incompat.value() | kIncompatEncrypt);
  image.ChangeStruct(kSuperBlockOffset, superblock);
  DiagnosticSink sink;
  const TestImage plain(bytes);
  const auto volume = Volume::Open(plain, sink, false).value();
  const auto directory = ResolvePath(*OpenExt4(plain, sink).value(), "/d3").value();
  const uint64_t offset =
      volume->InodeOffset(InodeNumber{static_cast<uint32_t>(directory)}).value();
  image.ChangeStruct(offset + offsetof(InodeCore, i_flags), le32::Of(kInodeEncrypted));
  const auto filesystem = OpenExt4(image, sink).value();
  const auto entries = ListDirectory(*filesystem, directory).value();
  std::vector<std::string> names;
  names.reserve(entries.size());
  for (const DirectoryEntry& entry : entries) names.push_back(entry.name);
  EXPECT_THAT(names, ::testing::ElementsAre("bmFtZS0w", "bmFtZS0y"));
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4Encrypted), 1U);
}

TEST(ReaderTest, FindsTheJournalByItsBackup) {
  const std::string& bytes = SampleBytes("ext3");
  DiagnosticSink sink;
  const TestImage plain(bytes);
  const auto volume = Volume::Open(plain, sink, false).value();
  TestImage image(bytes);
  image.Change(volume->InodeOffset(InodeNumber{kJournalInode}).value(), std::string(128, '\0'));
  const auto filesystem = OpenExt4(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_EQ((*filesystem)->info().log_state, "replayed");
  EXPECT_EQ(Describe(**filesystem, sink), LoadSample("ext3.tsv.zst"));
}

TEST(ReaderTest, SaysWhenTheJournalIsElsewhere) {
  TestImage image(SampleBytes("ext3"));
  SuperBlock superblock = SuperBlockOf(SampleBytes("ext3"));
  superblock.s_journal_inum = {};
  superblock.s_journal_dev = le32::Of(0x801);
  image.ChangeStruct(kSuperBlockOffset, superblock);
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_EQ((*filesystem)->info().log_state, "dirty");
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4JournalNotReplayed), 1U);
}

TEST(ReaderTest, RefusesWhatANodeIsNot) {
  const TestImage image(SampleBytes("ext2"));
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink).value();
  const NodeId file = ResolvePath(*filesystem, "/late", FollowLast::kNo)
                          .value_or(ResolvePath(*filesystem, "/size-20").value());
  const auto ignore = [](DirectoryEntry&&) { return true; };
  EXPECT_EQ(filesystem->ReadDirectory(file, ignore).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(filesystem->ReadSymlink(file).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(filesystem->OpenFile(filesystem->root()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(filesystem->GetStat(NodeId{0}).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(filesystem->GetStat(NodeId{UINT64_MAX}).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(filesystem->GetStat(NodeId{200}).error().code, ErrorCode::kCorrupt) << "not in use";
}

}  // namespace
}  // namespace ekshume::fs::ext4
