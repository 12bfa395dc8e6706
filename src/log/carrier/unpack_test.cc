// SPDX-License-Identifier: Apache-2.0
#include "log/carrier/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include "base/byte_view.h"
#include "base/hash.h"
#include "base/limits.h"

namespace ekshume::log {
namespace {

// One gzip member.
std::string Gzip(std::string text) {
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  std::string out(text.size() + 1000, '\0');
  stream.next_in = AsUnsignedChars(AsWritableBytes(text));
  stream.avail_in = static_cast<uint32_t>(text.size());
  stream.next_out = AsUnsignedChars(AsWritableBytes(out));
  stream.avail_out = static_cast<uint32_t>(out.size());
  EXPECT_EQ(isal_deflate_stateless(&stream), COMP_OK);
  out.resize(stream.total_out);
  return out;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

// An archive of libarchive's format `set_format` with these members.
std::string Pack(int (*set_format)(archive*),
                 const std::vector<std::pair<std::string, std::string>>& members) {
  std::string out(size_t{1} << 20, '\0');
  size_t used = 0;
  archive* handle = archive_write_new();
  set_format(handle);
  archive_write_set_bytes_in_last_block(handle, 1);
  archive_write_open_memory(handle, out.data(), out.size(), &used);
  for (const auto& [name, content] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_mtime(entry, 1700000000, 5);
    archive_write_header(handle, entry);
    archive_write_data(handle, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(handle);
  archive_write_free(handle);
  out.resize(used);
  return out;
}

struct Found {
  std::vector<std::string> names;
  std::vector<std::string> contents;
  std::vector<std::optional<Timestamp>> times;
  DiagnosticSink diagnostics;
};

void UnpackAll(std::string_view packed, Found& found) {
  MemoryInput input(packed);
  const Result<void> result = Unpack(input, packed.size(), Leaf{"e", "e", {}, nullptr},
                                     found.diagnostics, [&](const Leaf& leaf) {
                                       found.names.push_back(leaf.evidence);
                                       found.times.push_back(leaf.modified);
                                       std::string content;
                                       std::string block(10000, '\0');
                                       for (;;) {
                                         const Result<size_t> got = leaf.input->Read(block);
                                         ASSERT_TRUE(got);
                                         if (*got == 0) break;
                                         content.append(block, 0, *got);
                                         ASSERT_LT(content.size(), size_t{2} << 30);
                                       }
                                       found.contents.push_back(std::move(content));
                                     });
  ASSERT_TRUE(result) << result.error().message;
}

using Texts = std::vector<std::string>;

TEST(Unpack, TakesOffEveryWrapping) {
  const std::string text = "{\"a\":1}\n";
  for (const std::string& packed :
       {text, Gzip(text), Zstd(text), Gzip(Gzip(text)), Zstd(Gzip(Zstd(text)))}) {
    Found found;
    UnpackAll(packed, found);
    EXPECT_EQ(found.contents, Texts{text});
    EXPECT_EQ(found.names, Texts{"e"});
    EXPECT_TRUE(found.diagnostics.Sorted().empty());
  }
}

TEST(Unpack, ReadsAllMembersOfGzip) {
  Found found;
  UnpackAll(Gzip("one\n") + Gzip("two\n") + Gzip("three\n") + std::string(512, '\0'), found);
  EXPECT_EQ(found.contents, Texts{"one\ntwo\nthree\n"});
  EXPECT_TRUE(found.diagnostics.Sorted().empty());
}

TEST(Unpack, NamesWhatIsInArchives) {
  const std::string inner = Pack(archive_write_set_format_zip, {{"c.json.gz", Gzip("{}")}});
  Found found;
  UnpackAll(Gzip(Pack(archive_write_set_format_pax_restricted,
                      {{"a/one.log", "one"}, {"b.zip", inner}, {"two.log", "two"}})),
            found);
  EXPECT_EQ(found.names, (Texts{"e!a/one.log", "e!b.zip!c.json.gz", "e!two.log"}));
  EXPECT_EQ(found.contents, (Texts{"one", "{}", "two"}));
  ASSERT_TRUE(found.times[0]);
  EXPECT_EQ(found.times[0]->seconds, 1700000000);
}

// One damaged member of ten leaves the nine others and one diagnostic.
void DamageOneOfTen(int (*set_format)(archive*), bool compressed_members) {
  std::vector<std::pair<std::string, std::string>> members;
  for (int i = 0; i < 10; ++i) {
    std::string text;
    for (int j = 0; j < 300; ++j)
      text += "line " + std::to_string(i * 1000 + j * 7919 % 613) + "\n";
    members.emplace_back("m" + std::to_string(i), compressed_members ? Gzip(text) : text);
  }
  std::string packed = Pack(set_format, members);
  const size_t at = packed.find("m4");
  ASSERT_NE(at, std::string::npos);
  // Behind the header of member 4, in its data.
  const size_t data = compressed_members ? packed.find("\x1f\x8b", at) + 60 : at + 100;
  for (size_t i = 0; i < 40; ++i) packed[data + i] = static_cast<char>(packed[data + i] ^ 0x5a);
  Found found;
  UnpackAll(packed, found);
  ASSERT_EQ(found.names.size(), 10U);
  size_t whole = 0;
  for (size_t i = 0; i < 10; ++i) {
    if (i != 4) {
      EXPECT_EQ(found.contents[i].find("line "), 0U) << i;
    }
    if (std::ranges::count(found.contents[i], '\n') == 300) ++whole;
  }
  EXPECT_EQ(whole, 9U);
  EXPECT_EQ(found.diagnostics.Count(DiagnosticCode::kLogCarrierDamaged), 1U);
}

TEST(Unpack, LosesOneOfTenInATarOfGzip) {
  DamageOneOfTen(archive_write_set_format_pax_restricted, true);
}
TEST(Unpack, LosesOneOfTenInAZip) { DamageOneOfTen(archive_write_set_format_zip, false); }

TEST(Unpack, GoesOnWithTheNextMemberOfGzip) {
  std::string damaged = Gzip(std::string(5000, 'a') + "unique text that is there once\n");
  damaged[30] = static_cast<char>(damaged[30] ^ 0x55);
  Found found;
  UnpackAll(Gzip("one\n") + damaged + Gzip("three\n"), found);
  ASSERT_EQ(found.contents.size(), 1U);
  EXPECT_TRUE(found.contents[0].starts_with("one\n"));
  EXPECT_TRUE(found.contents[0].ends_with("three\n"));
  EXPECT_EQ(found.diagnostics.Count(DiagnosticCode::kLogCarrierDamaged), 1U);
}

TEST(Unpack, SaysWhereGzipAndZstdWereCutOff) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i * 7919 % 10007) + "\n";
  for (const std::string& packed : {Gzip(text), Zstd(text)}) {
    Found found;
    UnpackAll(packed.substr(0, packed.size() / 2), found);
    EXPECT_EQ(found.diagnostics.Count(DiagnosticCode::kLogCarrierDamaged), 1U);
  }
}

TEST(Unpack, EndsABomb) {
  // 64 MiB of zeros, packed again: more than kMaxUnpackRatio, but that alone is allowed up to
  // kMinUnpackedBytes.
  std::string bomb = Zstd(std::string(size_t{64} << 20, '\0'));
  std::string many;
  const size_t members = limits::kMinUnpackedBytes / (size_t{64} << 20) + 2;
  for (size_t i = 0; i < members; ++i) many += bomb;
  const std::string packed = Zstd(many);
  ASSERT_GT(limits::kMinUnpackedBytes / packed.size(), limits::kMaxUnpackRatio);
  MemoryInput input(packed);
  DiagnosticSink diagnostics;
  uint64_t bytes = 0;
  ASSERT_TRUE(
      Unpack(input, packed.size(), Leaf{"e", "e", {}, nullptr}, diagnostics, [&](const Leaf& leaf) {
        std::string block(size_t{1} << 20, '\0');
        for (;;) {
          const Result<size_t> got = leaf.input->Read(block);
          ASSERT_TRUE(got);
          if (*got == 0) break;
          bytes += *got;
        }
      }));
  EXPECT_LE(bytes, limits::kMinUnpackedBytes);
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kLogLimit), 1U);
}

// A tar of empty files has a header for each: 512 bytes that pack to almost nothing.
TEST(Unpack, EndsAtTooManyMembers) {
  std::string header = Pack(archive_write_set_format_ustar, {{"a", ""}}).substr(0, 512);
  std::string block;
  for (int i = 0; i < 20000; ++i) block += header;
  const std::string frame = Zstd(block);
  std::string packed;
  for (size_t i = 0; i <= limits::kMaxArchiveMembers / 20000; ++i) packed += frame;
  MemoryInput input(packed);
  DiagnosticSink diagnostics;
  size_t visited = 0;
  // As if it were large: a bomb by size is another limit.
  ASSERT_TRUE(Unpack(input, uint64_t{1} << 40, Leaf{"e", "e", {}, nullptr}, diagnostics,
                     [&](const Leaf&) { ++visited; }));
  EXPECT_EQ(visited, limits::kMaxArchiveMembers);
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kLogLimit), 1U);
}

TEST(Unpack, ReadsAZipThatIsTooLargeForMemoryOnce) {
  // Stored, not compressed: the archive is larger than the limit.
  const std::string content(limits::kMaxZipInMemoryBytes + 1000, 'x');
  std::string local = std::string("PK\x03\x04\x14\0\0\0\0\0\0\0\0\0", 14);
  const auto add = [&](uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) local += static_cast<char>((value >> (8 * i)) & 0xff);
  };
  add(Crc32(ByteView::Of(content)), 4);
  add(content.size(), 4);
  add(content.size(), 4);
  add(1, 2);
  add(0, 2);
  local += "a";
  const std::string packed = local + content;
  MemoryInput input(packed);
  DiagnosticSink diagnostics;
  uint64_t bytes = 0;
  ASSERT_TRUE(
      Unpack(input, packed.size(), Leaf{"e", "e", {}, nullptr}, diagnostics, [&](const Leaf& leaf) {
        std::string buffer(size_t{1} << 20, '\0');
        for (;;) {
          const Result<size_t> got = leaf.input->Read(buffer);
          ASSERT_TRUE(got);
          if (*got == 0) break;
          bytes += *got;
        }
      }));
  EXPECT_EQ(bytes, content.size());
}

TEST(Unpack, EndsAtTooManyWrappings) {
  std::string packed = "x";
  for (int i = 0; i < limits::kMaxCarrierDepth; ++i) packed = Gzip(packed);
  Found found;
  UnpackAll(packed, found);
  EXPECT_EQ(found.contents, Texts{"x"});
  Found too_deep;
  UnpackAll(Gzip(packed), too_deep);
  EXPECT_TRUE(too_deep.contents.empty());
  EXPECT_EQ(too_deep.diagnostics.Count(DiagnosticCode::kLogLimit), 1U);
}

TEST(Unpack, SurvivesEveryBeginningAndEveryChange) {
  const std::string samples[] = {Gzip("hello hello hello"), Zstd("hello hello hello"),
                                 Pack(archive_write_set_format_zip, {{"a", "hello hello hello"}}),
                                 Pack(archive_write_set_format_pax_restricted, {{"a", "hello"}})};
  for (const std::string& sample : samples) {
    for (size_t i = 0; i < sample.size(); i += sample.size() > 600 ? 7 : 1) {
      Found cut;
      UnpackAll(std::string_view(sample).substr(0, i), cut);
      for (const char flip : {'\x01', '\x80', '\x7f'}) {
        std::string changed = sample;
        changed[i] = static_cast<char>(changed[i] ^ flip);
        Found found;
        UnpackAll(changed, found);
      }
    }
  }
}

}  // namespace
}  // namespace ekshume::log
