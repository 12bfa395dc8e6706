// SPDX-License-Identifier: Apache-2.0
#include "server/locked_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "base/hash.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

class MemoryFile final : public fs::File {
 public:
  MemoryFile(std::string bytes, uint64_t size) : bytes_(std::move(bytes)), size_(size) {}
  uint64_t size_bytes() const override { return size_; }
  std::span<const fs::Run> runs() const override { return {}; }
  Result<size_t> ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    const std::span<const std::byte> from =
        ByteView::Of(bytes_).From(offset).First(out.size()).AsSpan();
    std::ranges::copy(from, out.begin());
    return from.size();
  }

 private:
  const std::string bytes_;
  const uint64_t size_;
};

// The members by name, as libarchive reads them with a password ("" for none), or its complaint.
Result<std::map<std::string, std::string>> Open(const std::string& zip, const char* password) {
  const std::unique_ptr<archive, int (*)(archive*)> handle(archive_read_new(), archive_read_free);
  archive_read_support_format_zip(handle.get());
  if (*password != '\0') archive_read_add_passphrase(handle.get(), password);
  archive_read_open_memory(handle.get(), zip.data(), zip.size());
  std::map<std::string, std::string> members;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(handle.get(), &entry) == ARCHIVE_OK) {
    // Of no bytes there is nothing to encrypt.
    EXPECT_EQ(archive_entry_is_data_encrypted(entry), archive_entry_size(entry) > 0 ? 1 : 0)
        << archive_entry_pathname(entry);
    std::string& content = members[archive_entry_pathname(entry)];
    std::string piece(1000, '\0');
    for (;;) {
      const la_ssize_t count = archive_read_data(handle.get(), piece.data(), piece.size());
      if (count < 0) return Fail(ErrorCode::kCorrupt, archive_error_string(handle.get()));
      if (count == 0) break;
      content.append(piece, 0, static_cast<size_t>(count));
    }
  }
  return members;
}

std::string BytesOf(const LockedArchive& locked) {
  std::string bytes(locked.size_bytes, '\0');
  EXPECT_EQ(pread(locked.file.number(), bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  return bytes;
}

TEST(LockFile, TheBytesComeBackWithThePasswordOnly) {
  std::string bytes;
  for (int i = 0; i < 300000; ++i) bytes.push_back(static_cast<char>(i * 7 + i / 251));
  const std::string name = "/tmp/\xff.html";
  const auto locked =
      LockFile(MemoryFile(bytes, bytes.size()), {{"path", name}, {"of", "host"}}, "infected");
  ASSERT_TRUE(locked) << locked.error().message;
  const std::string zip = BytesOf(*locked);
  EXPECT_EQ(zip.substr(0, 4), "PK\x03\x04");
  EXPECT_EQ(zip.find("/tmp/"), std::string::npos);
  const auto members = Open(zip, "infected");
  ASSERT_TRUE(members) << members.error().message;
  ASSERT_EQ(members->size(), 2U);
  EXPECT_EQ(members->at("evidence.bin"), bytes);
  const Json about = Json::parse(members->at("metadata.json"));
  EXPECT_EQ(about["of"], "host");
  EXPECT_EQ(about["path"], "/tmp/\xef\xbf\xbd.html");
  EXPECT_EQ(about["size"], bytes.size());
  EXPECT_EQ(about["sha256"], ToHex(Sha256::Of(ByteView::Of(bytes))));
  EXPECT_EQ(locked->sha256, about["sha256"]);
  EXPECT_FALSE(Open(zip, ""));
  EXPECT_FALSE(Open(zip, "Infected"));
}

TEST(LockFile, AnEmptyFile) {
  const auto locked = LockFile(MemoryFile("", 0), Json::object(), "x");
  ASSERT_TRUE(locked) << locked.error().message;
  const auto members = Open(BytesOf(*locked), "x");
  ASSERT_TRUE(members) << members.error().message;
  EXPECT_EQ(members->at("evidence.bin"), "");
}

TEST(LockFile, WhatCannotBeLocked) {
  using namespace std::string_literals;
  const MemoryFile small("abc", 3);
  for (const std::string& password :
       {""s, "a\0b"s, std::string(limits::kMostArchivePasswordBytes + 1, 'x')}) {
    const auto locked = LockFile(small, Json::object(), password);
    ASSERT_FALSE(locked);
    EXPECT_EQ(locked.error().code, ErrorCode::kInvalidArgument);
  }
  const auto short_one = LockFile(MemoryFile("abc", 4), Json::object(), "x");
  ASSERT_FALSE(short_one);
  EXPECT_EQ(short_one.error().code, ErrorCode::kCorrupt);
  const auto long_one =
      LockFile(MemoryFile("abc", limits::kMostArchivedBytes + 1), Json::object(), "x");
  ASSERT_FALSE(long_one);
  EXPECT_EQ(long_one.error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace ekshume::server
