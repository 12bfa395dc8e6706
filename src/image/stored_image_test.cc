// SPDX-License-Identifier: Apache-2.0
#include "image/stored_image.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "image/stored_format.h"
#include "image/test_support.h"

namespace ekshume::image {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  StoreTest()
      : file_(EvidenceFile::Open(folder_.Write("disk", "x")).value()),
        store_(IndexFile::Open({.diagnostics = &diagnostics_}, "test", StoredImage::kVersion, file_)
                   .value()) {}

  // Commits `count` bytes of one letter.
  static Result<void> Append(StoreWriter& writer, size_t count, char letter) {
    while (count > 0) {
      const auto space = writer.Space();
      const size_t part = std::min(space.size(), count);
      std::ranges::fill(space.first(part), static_cast<std::byte>(letter));
      EKSHUME_TRY(writer.Commit(part));
      count -= part;
    }
    return {};
  }

  testing::TemporaryFolder folder_;
  DiagnosticSink diagnostics_;
  EvidenceFile file_;
  IndexFile store_;
};

TEST_F(StoreTest, KeepsSoMuchForEachStoredByte) {
  EXPECT_EQ(StoreWriter::MaxKeptBytes(uint64_t{1} << 40),
            (uint64_t{1} << 40) * limits::kMaxStoreExpansion);
  EXPECT_EQ(StoreWriter::MaxKeptBytes(UINT64_MAX), UINT64_MAX);
  StoreWriter writer(store_, 3 * StoredImage::kChunkBytes);
  ASSERT_TRUE(Append(writer, 3 * StoredImage::kChunkBytes, 'a').has_value());
  // Zeros cost nothing.
  ASSERT_TRUE(Append(writer, 10 * StoredImage::kChunkBytes, '\0').has_value());
  const auto refused = Append(writer, StoredImage::kChunkBytes, 'b');
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_NE(refused.error().message.find("kMaxStoreExpansion"), std::string::npos);
}

TEST_F(StoreTest, ContentIsBounded) {
  StoreWriter writer(store_, 1 << 20);
  ASSERT_TRUE(Append(writer, 5, 'a').has_value());
  const auto refused = writer.AppendBad(limits::kMaxDecodedBytes - 4);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_NE(refused.error().message.find("kMaxDecodedBytes"), std::string::npos);
  EXPECT_EQ(writer.size_bytes(), 5U) << "nothing was allocated for it";
}

TEST_F(StoreTest, AMapOfMoreThanTheLimitIsRefused) {
  StoredImage::Map map;
  map.size_bytes = 1;
  map.chunks.push_back({true, 0});
  std::string table = StoredImage::Encode(map);
  ASSERT_TRUE(StoredImage::DecodeMap(ByteView::Of(table)).has_value());
  // The count of chunks fits the size, so that only the limit stands against it.
  auto header = ByteView::Of(table).Read<StoreTableHeader>(0).value();
  header.size_bytes = le64::Of(limits::kMaxDecodedBytes + StoredImage::kChunkBytes);
  header.chunk_count = le64::Of(limits::kMaxDecodedBytes / StoredImage::kChunkBytes + 1);
  table.replace(0, sizeof(header), AsBytes(header).AsText());
  const auto decoded = StoredImage::DecodeMap(ByteView::Of(table));
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace ekshume::image
