// SPDX-License-Identifier: Apache-2.0
#include "image/gzip/reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <thread>

#include "base/endian.h"
#include "base/limits.h"
#include "image/gzip/format.h"
#include "image/gzip/index.h"
#include "image/gzip/stream.h"
#include "image/test_support.h"

namespace ekshume::image::gzip {
namespace {

using std::string_literals::operator""s;
using testing::ReadText;
using testing::TemporaryFolder;
using enum DiagnosticCode;

std::string Compress(std::string_view content, int level = 6, int strategy = Z_DEFAULT_STRATEGY) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, strategy), Z_OK);
  std::string in(content);
  std::string stored(deflateBound(&stream, in.size()) + 32, '\0');
  stream.next_in = AsUnsignedChars(AsWritableBytes(in));
  stream.avail_in = static_cast<unsigned int>(in.size());
  stream.next_out = AsUnsignedChars(AsWritableBytes(stored));
  stream.avail_out = static_cast<unsigned int>(stored.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  stored.resize(stream.total_out);
  deflateEnd(&stream);
  return stored;
}

class GzipTest : public ::testing::Test {
 protected:
  Result<OpenedImage> OpenFile(std::string_view stored, Scratch* scratch = nullptr) {
    return image::Open(folder_.Write("disk", stored),
                       {.diagnostics = &diagnostics_, .scratch = scratch});
  }
  // Opens what OpenFile has written again.
  Result<OpenedImage> OpenAgain(Scratch* scratch) {
    return image::Open(folder_.File("disk"), {.diagnostics = &diagnostics_, .scratch = scratch});
  }
  std::string IndexPath() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".index") return entry.path();
    }
    return {};
  }

  TemporaryFolder folder_;
  DiagnosticSink diagnostics_;
};

TEST_F(GzipTest, RandomReadsMatchOnTwoThreads) {
  const std::string content = testing::MakeContent(64 << 20, 1);
  testing::FolderScratch scratch(folder_.path());
  const auto opened = OpenFile(Compress(content, 1), &scratch);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(opened->format, "gzip");
  // Found by its index this time.
  const auto again = OpenAgain(&scratch);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  std::thread other([&] { testing::ExpectRandomReadsMatch(*opened->image, content, 1, 60); });
  testing::ExpectRandomReadsMatch(*again->image, content, 2, 60);
  other.join();
  EXPECT_EQ(ReadText(*again->image, 0, content.size()), content);
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(GzipTest, ManyMembersAndPaddingAreOneImage) {
  std::string content;
  std::string stored;
  for (uint32_t i = 0; i < 300; ++i) {
    const std::string part = testing::MakeContent(1 + i * 100, i);
    content += part;
    stored += Compress(part, static_cast<int>(i % 10));
  }
  const auto opened = OpenFile(stored + Compress("") + std::string(1000, '\0'));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  testing::ExpectRandomReadsMatch(*opened->image, content, 3);
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(GzipTest, ReadsEveryHeaderField) {
  const std::string plain = Compress("content");
  // FEXTRA of three bytes, FNAME, FCOMMENT and FHCRC, then the deflate stream.
  const std::string stored = "\x1f\x8b\x08\x1e\0\0\0\0\0\x03"s + "\x03\0abc"s + "name\0"s +
                             "comment\0"s + "\x11\x22"s + plain.substr(10);
  const auto opened = OpenFile(stored);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(ReadText(*opened->image, 0, 7), "content");
  // The header must end within limits::kMaxGzipHeaderBytes.
  const std::string endless = "\x1f\x8b\x08\x08\0\0\0\0\0\x03"s + std::string(300000, 'n');
  const auto refused = OpenFile(endless);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("kMaxGzipHeaderBytes"), std::string::npos);
}

TEST_F(GzipTest, LongZeroStretchesAreKnown) {
  const std::string content = "begin" + std::string(40 << 20, '\0') + "end";
  const auto opened = OpenFile(Compress(content, 9));
  ASSERT_TRUE(opened.has_value());
  EXPECT_GE(opened->image->NextData(size_t{1} << 20), size_t{39} << 20);
  EXPECT_LE(opened->image->NextData(size_t{1} << 20), content.size() - 3);
  EXPECT_EQ(ReadText(*opened->image, 0, content.size()), content);
}

TEST_F(GzipTest, ATruncatedFileGivesThePartThatIsThere) {
  const std::string content = testing::MakeContent(20 << 20, 5);
  const std::string stored = Compress(content, 1);
  const auto opened = OpenFile(stored.substr(0, stored.size() / 2));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  const uint64_t size = opened->image->size_bytes();
  EXPECT_GT(size, content.size() / 4);
  EXPECT_EQ(ReadText(*opened->image, 0, size), content.substr(0, size));
  EXPECT_EQ(diagnostics_.Count(kImageCompressedDamaged), 1U);
}

TEST_F(GzipTest, DamageIsReportedAgainFromTheIndex) {
  const std::string content = testing::MakeContent(6 << 20, 6);
  std::string stored = Compress(content, 1);
  testing::FolderScratch scratch(folder_.path());
  const auto first = OpenFile(stored.substr(0, stored.size() - 100), &scratch);
  ASSERT_TRUE(first.has_value());
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  DiagnosticSink again;
  ASSERT_TRUE(
      image::Open(folder_.File("disk"), {.diagnostics = &again, .scratch = &scratch}).has_value());
  EXPECT_EQ(again.Sorted(), reported);
}

TEST_F(GzipTest, AWrongChecksumOrLengthIsReported) {
  const std::string stored = Compress("some content");
  for (const size_t from_end : {size_t{1}, size_t{8}}) {
    std::string damaged = stored;
    damaged[damaged.size() - from_end] = static_cast<char>(damaged[damaged.size() - from_end] ^ 1);
    const auto opened = OpenFile(damaged + Compress(" and more"));
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(ReadText(*opened->image, 0, 21), "some content and more");
  }
  EXPECT_EQ(diagnostics_.Count(kImageCompressedDamaged), 2U);
}

TEST_F(GzipTest, ABlockWithoutEndIsDecodedOnce) {
  // One block of fixed codes: a literal, then matches of 258 bytes at distance 1. No point can be
  // set inside it.
  std::string bits = "110";
  bits += "01110001";  // literal 'A' (0x41): 0x30 + 0x41, eight bits
  const size_t matches = limits::kMaxGzipSpanBytes / 258 + 1000;
  for (size_t i = 0; i < matches; ++i) bits += "1100010100000";  // length 258 (285), distance 1
  bits += "0000000";                                             // end of block
  std::string stored = "\x1f\x8b\x08\0\0\0\0\0\0\x03"s;
  while (bits.size() % 8 != 0) bits.push_back('0');
  for (size_t i = 0; i < bits.size(); i += 8) {
    unsigned byte = 0;
    for (size_t k = 0; k < 8; ++k) byte |= static_cast<unsigned>(bits[i + k] == '1') << k;
    stored.push_back(static_cast<char>(byte));
  }
  const std::string content(1 + matches * 258, 'A');
  const auto crc = le32::Of(ContinueCrc(0, ByteView::Of(content)));
  const auto length = le32::Of(static_cast<uint32_t>(content.size()));
  stored += AsBytes(crc).AsText();
  stored += AsBytes(length).AsText();
  testing::FolderScratch scratch(folder_.path());
  for (const auto& opened : {OpenFile(stored, &scratch), OpenAgain(&scratch)}) {
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(opened->image->size_bytes(), content.size());
    EXPECT_EQ(ReadText(*opened->image, content.size() - 10, 10), "AAAAAAAAAA");
  }
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(GzipTest, ADamagedIndexIsBuiltAnew) {
  const std::string content = testing::MakeContent(12 << 20, 7);
  testing::FolderScratch scratch(folder_.path());
  ASSERT_TRUE(OpenFile(Compress(content, 1), &scratch).has_value());
  const std::string whole = testing::ReadFile(IndexPath());
  for (const size_t place : {size_t{0}, size_t{20}, size_t{100}, whole.size() - 1}) {
    std::string index = whole;
    index[place] = static_cast<char>(index[place] ^ 4);
    TemporaryFolder::WriteTo(IndexPath(), index);
    const auto opened = OpenAgain(&scratch);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(ReadText(*opened->image, 9 << 20, 1000), content.substr(9 << 20, 1000));
    EXPECT_EQ(testing::ReadFile(IndexPath()), whole);
  }
  // A window is only looked at when it is needed; then its checksum tells.
  std::string index = whole;
  index[4096 + 100] = static_cast<char>(index[4096 + 100] ^ 4);
  TemporaryFolder::WriteTo(IndexPath(), index);
  const auto opened = OpenAgain(&scratch);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(ReadText(*opened->image, 0, 1000), content.substr(0, 1000));
  const auto read = ReadBytes(*opened->image, 5 << 20, 1000);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message.find("*.index"), std::string::npos);
}

// No file of a test's size reaches these limits, so smaller ones are set.
TEST_F(GzipTest, AnIndexCostsWhatItsLimitsSay) {
  static_assert(IndexLimits().decoded_bytes == limits::kMaxDecodedBytes);
  static_assert(IndexLimits().points == limits::kMaxGzipPoints);
  static_assert(IndexLimits().zero_runs == limits::kMaxZeroRuns);
  const std::string zeros(3 << 20, '\0');
  const std::string member = zeros + "x" + zeros + "y";
  std::string content;
  std::string stored;
  for (int i = 0; i < 5; ++i) {
    content += member;
    stored += Compress(member, 1);
  }
  const EvidenceFile file = EvidenceFile::Open(folder_.Write("disk", stored)).value();
  const auto build = [&](const IndexLimits& most) {
    IndexFile store =
        IndexFile::Open({.diagnostics = &diagnostics_}, "gzip", kIndexVersion, file).value();
    return BuildIndex(file, store, nullptr, most);
  };
  const auto whole = build({});
  ASSERT_TRUE(whole.has_value() && whole->has_value());
  ASSERT_EQ((*whole)->size_bytes, content.size());
  ASSERT_GE((*whole)->points.size(), 4U);
  ASSERT_GE((*whole)->zero_runs.size(), 9U);

  const auto too_long = build({.decoded_bytes = content.size() - 1});
  ASSERT_FALSE(too_long.has_value());
  EXPECT_EQ(too_long.error().code, ErrorCode::kLimit);
  EXPECT_NE(too_long.error().message.find("kMaxDecodedBytes"), std::string::npos);
  EXPECT_TRUE(build({.decoded_bytes = content.size()}).has_value());

  const auto too_many = build({.points = 3});
  ASSERT_FALSE(too_many.has_value());
  EXPECT_EQ(too_many.error().code, ErrorCode::kLimit);
  EXPECT_NE(too_many.error().message.find("kMaxGzipPoints"), std::string::npos);
  EXPECT_TRUE(build({.points = (*whole)->points.size()}).has_value());

  // Zero stretches beyond the limit lose nothing: they are decoded like all else.
  const auto fewer = build({.zero_runs = 2});
  ASSERT_TRUE(fewer.has_value() && fewer->has_value());
  EXPECT_EQ((*fewer)->zero_runs.size(), 2U);
  EXPECT_EQ((*fewer)->size_bytes, content.size());
  EXPECT_EQ((*fewer)->damage, "");
}

TEST_F(GzipTest, CanBeCancelled) {
  Progress progress;
  progress.Cancel();
  const auto opened = image::Open(folder_.Write("disk", Compress("x")),
                                  {.diagnostics = &diagnostics_, .progress = &progress});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kCancelled);
}

TEST_F(GzipTest, EveryTruncationAndByteFlipEnds) {
  const std::string content = testing::MakeContent(2500, 8) + "tail of the content";
  const std::string whole = Compress(content) + Compress("second member");
  const auto read_all = [&](const std::string& stored) {
    const auto opened = Open(folder_.Write("disk", stored), {.diagnostics = &diagnostics_});
    if (!opened) return;
    std::vector<std::byte> out(opened->image->size_bytes());
    static_cast<void>(opened->image->ReadAt(0, out));
  };
  for (size_t length = 1; length < whole.size(); length += length < 64 ? 1 : 3) {
    read_all(whole.substr(0, length));
  }
  for (size_t place = 0; place < whole.size(); ++place) {
    std::string stored = whole;
    stored[place] = static_cast<char>(stored[place] ^ (1 << place % 8));
    read_all(stored);
  }
  EXPECT_TRUE(diagnostics_.HasLoss());
}

TEST(GzipIndexTest, ATableThatClaimsTooMuchIsRefused) {
  Index index;
  index.size_bytes = 1;
  index.points.push_back({});
  const std::string whole = EncodeIndex(index);
  ASSERT_TRUE(DecodeIndex(ByteView::Of(whole)).has_value());
  TableHeader points = ByteView::Of(whole).Read<TableHeader>(0).value();
  TableHeader runs = points;
  points.point_count = le64::Of(limits::kMaxGzipPoints + 1);
  runs.zero_run_count = le64::Of(limits::kMaxZeroRuns + 1);
  for (const TableHeader& header : {points, runs}) {
    std::string claim = whole;
    claim.replace(0, sizeof(header), AsBytes(header).AsText());
    const auto decoded = DecodeIndex(ByteView::Of(claim));
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt) << "refused before it is allocated";
  }
}

TEST(GzipIndexTest, EveryTruncationAndByteFlipOfATableEnds) {
  Index index;
  index.size_bytes = 9 << 20;
  index.points = {{},
                  {.content_offset = 5 << 20,
                   .file_offset = 77,
                   .bits = 3,
                   .at_member = false,
                   .window_offset = 0,
                   .window_stored_bytes = 20,
                   .window_crc32c = 5}};
  index.zero_runs = {{1 << 20, 1 << 20}};
  index.damage = "damaged";
  const std::string whole = EncodeIndex(index);
  const auto decoded = DecodeIndex(ByteView::Of(whole));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->damage, "damaged");
  EXPECT_EQ(decoded->points[1].bits, 3);
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(DecodeIndex(ByteView::Of(whole.substr(0, length))).has_value()) << length;
  }
  for (size_t place = 0; place < whole.size(); ++place) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string table = whole;
      table[place] = static_cast<char>(table[place] ^ (1 << bit));
      const auto read = DecodeIndex(ByteView::Of(table));
      EXPECT_TRUE(!read || read->size_bytes <= 2 * limits::kMaxGzipSpanBytes);
    }
  }
}

}  // namespace
}  // namespace ekshume::image::gzip
