// SPDX-License-Identifier: Apache-2.0
#include "image/evidence_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "image/index_file.h"
#include "image/test_support.h"

namespace ekshume::image {
namespace {

using testing::TemporaryFolder;

Error OpenError(const std::string& path) {
  const auto file = EvidenceFile::Open(path);
  EXPECT_FALSE(file.has_value()) << path;
  return file ? Error{} : file.error();
}

TEST(EvidenceFileTest, RefusesWhatCannotBeReadAtRandom) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo(folder.File("pipe").c_str(), 0600), 0);
  const Error standard_input = OpenError("-");
  EXPECT_EQ(standard_input.code, ErrorCode::kUnsupported);
  EXPECT_EQ(standard_input.message,
            "standard input cannot be read at random; save it to a file first");
  for (const auto& [path, word] : {std::pair<std::string, std::string>{folder.path(), "directory"},
                                   {folder.File("pipe"), "pipe"},
                                   {"/dev/null", "character device"}}) {
    const Error error = OpenError(path);
    EXPECT_EQ(error.code, ErrorCode::kUnsupported) << path;
    EXPECT_NE(error.message.find(word), std::string::npos) << error.message;
  }
}

TEST(EvidenceFileTest, SaysWhyNothingIsThere) {
  const TemporaryFolder folder;
  EXPECT_EQ(OpenError(folder.File("missing")).code, ErrorCode::kNotFound);
  EXPECT_EQ(OpenError(folder.Write("file", "x") + "/below").code, ErrorCode::kNotFound);
  const Error empty = OpenError(folder.Write("empty", ""));
  EXPECT_EQ(empty.code, ErrorCode::kCorrupt);
  EXPECT_NE(empty.message.find("is empty (0 bytes)"), std::string::npos);
}

TEST(EvidenceFileTest, ReadsAndStaysInside) {
  const TemporaryFolder folder;
  const auto file = EvidenceFile::Open(folder.Write("file", "0123456789"));
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->size_bytes(), 10U);
  std::string text(4, '.');
  ASSERT_TRUE(file->ReadAt(6, AsWritableBytes(text)).has_value());
  EXPECT_EQ(text, "6789");
  EXPECT_EQ(file->ReadAt(7, AsWritableBytes(text)).error().code, ErrorCode::kOutOfRange);
}

TEST(EvidenceFileTest, AFileThatShrinksFailsWithTheOffset) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("file", std::string(10000, 'x'));
  const auto file = EvidenceFile::Open(path);
  ASSERT_TRUE(file.has_value());
  EXPECT_FALSE(file->HasChanged());
  std::filesystem::resize_file(path, 5000);
  std::string text(2000, '.');
  EXPECT_TRUE(file->ReadAt(3000, AsWritableBytes(text)).has_value());
  const auto read = file->ReadAt(4000, AsWritableBytes(text));
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kIo);
  EXPECT_NE(read.error().message.find("0x1388"), std::string::npos) << read.error().message;
  EXPECT_TRUE(file->HasChanged());
}

TEST(EvidenceFileTest, KnowsHoles) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("file", "data");
  std::filesystem::resize_file(path, 8 << 20);
  const auto file = EvidenceFile::Open(path);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->NextData(0), 0U);
  // All behind the first blocks is a hole; a filesystem without holes says that all is data.
  const uint64_t next = file->NextData(4 << 20);
  EXPECT_TRUE(next == 8U << 20 || next == 4U << 20) << next;
  EXPECT_EQ(file->NextData(8 << 20), 8U << 20);
  EXPECT_EQ(file->NextData(UINT64_MAX), UINT64_MAX);
}

TEST(EvidenceFileTest, IsNeverOpenedForWriting) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("file", "x");
  ASSERT_EQ(chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(EvidenceFile::Open(path).has_value());
}

TEST(IndexFileTest, IsFoundAgainOnlyForTheSameEvidence) {
  const TemporaryFolder folder;
  testing::FolderScratch scratch(folder.path());
  DiagnosticSink diagnostics;
  const OpenOptions options{.diagnostics = &diagnostics, .scratch = &scratch};
  const std::string path = folder.Write("evidence", std::string(100000, 'e'));
  {
    const auto file = EvidenceFile::Open(path);
    auto index = IndexFile::Open(options, "test", 1, *file);
    ASSERT_TRUE(index.has_value());
    EXPECT_FALSE(index->has_table());
    ASSERT_TRUE(index->WriteData(0, ByteView::Of("data")).has_value());
    ASSERT_TRUE(index->Finish(4, ByteView::Of("table")).has_value());
  }
  const auto file = EvidenceFile::Open(path);
  const auto again = IndexFile::Open(options, "test", 1, *file);
  ASSERT_TRUE(again.has_value() && again->has_table());
  EXPECT_EQ(again->table().AsText(), "table");
  std::string data(4, '.');
  ASSERT_TRUE(again->ReadData(0, AsWritableBytes(data)).has_value());
  EXPECT_EQ(data, "data");

  std::string changed(100000, 'e');
  changed[99999] = 'f';
  const auto other = EvidenceFile::Open(folder.Write("other", changed));
  EXPECT_FALSE(IndexFile::Open(options, "test", 1, *other)->has_table());
  // An older layout is emptied, as nobody can read it any more.
  EXPECT_FALSE(IndexFile::Open(options, "test", 2, *file)->has_table());
  EXPECT_FALSE(IndexFile::Open(options, "test", 1, *file)->has_table());
}

TEST(IndexFileTest, EveryTruncationAndByteFlipIsNoticed) {
  const TemporaryFolder folder;
  testing::FolderScratch scratch(folder.path());
  DiagnosticSink diagnostics;
  const OpenOptions options{.diagnostics = &diagnostics, .scratch = &scratch};
  const auto file = EvidenceFile::Open(folder.Write("evidence", "evidence"));
  {
    auto index = IndexFile::Open(options, "test", 1, *file);
    ASSERT_TRUE(index->Finish(0, ByteView::Of("the table")).has_value());
  }
  std::string path;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() == ".index") path = entry.path();
  }
  const std::string whole = testing::ReadFile(path);
  const auto is_found = [&](const std::string& content) {
    testing::TemporaryFolder::WriteTo(path, content);
    return IndexFile::Open(options, "test", 1, *file)->has_table();
  };
  ASSERT_TRUE(is_found(whole));
  for (size_t length = 0; length < whole.size(); ++length) {
    if (length > 200 && length < 4090) continue;
    EXPECT_FALSE(is_found(whole.substr(0, length))) << length;
  }
  for (size_t place = 0; place < whole.size(); ++place) {
    if (place >= 136 && place < 4096) continue;  // between header and data there is nothing
    std::string content = whole;
    content[place] = static_cast<char>(content[place] ^ 0x10);
    EXPECT_FALSE(is_found(content)) << place;
  }
}

TEST(IndexFileTest, TableSizeIsBounded) {
  const TemporaryFolder folder;
  DiagnosticSink diagnostics;
  const auto file = EvidenceFile::Open(folder.Write("evidence", "evidence"));
  auto index = IndexFile::Open({.diagnostics = &diagnostics}, "test", 1, *file);
  ASSERT_TRUE(index.has_value());
  const std::string table(limits::kMaxIndexTableBytes + 1, 't');
  EXPECT_EQ(index->Finish(0, ByteView::Of(table)).error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace ekshume::image
