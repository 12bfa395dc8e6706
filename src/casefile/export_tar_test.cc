// SPDX-License-Identifier: Apache-2.0
#include "casefile/export_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "collection/tar_header.h"
#include "fs/overlay/memory_filesystem.h"

namespace ekshume::casefile {
namespace {

using collection::EncodeTarMember;
using collection::kTarBlockBytes;
using collection::TarDataBytes;
using collection::TarMember;
using fs::NodeId;
using fs::NodeType;
using fs::overlay::MemoryFilesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class TarTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "ekshume-tar-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string PathOf(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> FilesInFolder() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  struct Member {
    std::string content;
    std::string link;
    std::map<std::string, std::string> xattrs;
    struct stat status{};
    int64_t nanoseconds = 0;
  };
  // What libarchive, an independent reader, finds in the archive.
  std::map<std::string, Member> ReadBack(const std::string& path) {
    std::map<std::string, Member> members;
    archive* reader = archive_read_new();
    archive_read_support_format_tar(reader);
    EXPECT_EQ(archive_read_open_filename(reader, path.c_str(), 10240), ARCHIVE_OK);
    archive_entry* entry = nullptr;
    int result = ARCHIVE_OK;
    while ((result = archive_read_next_header(reader, &entry)) == ARCHIVE_OK) {
      Member member;
      member.status = *archive_entry_stat(entry);
      member.nanoseconds = archive_entry_mtime_nsec(entry);
      if (const char* link = archive_entry_hardlink(entry)) member.link = link;
      if (const char* link = archive_entry_symlink(entry)) member.link = link;
      const char* name = nullptr;
      const void* value = nullptr;
      size_t size = 0;
      archive_entry_xattr_reset(entry);
      while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        member.xattrs[name] = std::string(static_cast<const char*>(value), size);
      }
      const int64_t length = member.link.empty() ? archive_entry_size(entry) : 0;
      member.content.resize(static_cast<size_t>(std::min<int64_t>(length, 1 << 20)));
      if (!member.content.empty()) {
        archive_read_data(reader, member.content.data(), member.content.size());
      }
      members[archive_entry_pathname(entry)] = member;
    }
    EXPECT_EQ(result, ARCHIVE_EOF);
    archive_read_free(reader);
    return members;
  }

  std::map<std::string, Member> Export() {
    const auto summary = ExportTar(files_, files_.root(), PathOf("x.tar"), diagnostics_);
    EXPECT_TRUE(summary.has_value()) << summary.error().message;
    if (!summary) return {};
    summary_ = *summary;
    EXPECT_EQ(std::filesystem::file_size(PathOf("x.tar")), summary_.bytes);
    EXPECT_THAT(FilesInFolder(), ElementsAre("x.tar"));
    return ReadBack(PathOf("x.tar"));
  }

  std::filesystem::path folder_;
  MemoryFilesystem files_;
  DiagnosticSink diagnostics_;
  TarSummary summary_;
};

TEST_F(TarTest, KeepsEverythingThatTarCanHold) {
  const NodeId file = files_.File("dir/file", "content");
  files_.StatOf(file).permissions = 04751;
  files_.StatOf(file).uid = 1000;
  files_.StatOf(file).gid = 0xfffffffe;
  files_.StatOf(file).links = 2;
  files_.StatOf(file).modified = {1700000000, 123456789};
  files_.SetXattr(file, "security.capability", std::string("\1\0\0\2", 4));
  files_.Link(files_.Directory("dir"), "second", file);
  files_.Make("link", NodeType::kSymlink, "/target");
  const NodeId device = files_.Make("null", NodeType::kCharDevice);
  files_.StatOf(device).device_major = 1;
  files_.StatOf(device).device_minor = 3;
  files_.Make("fifo", NodeType::kFifo);
  files_.StatOf(files_.File("old", "")).modified = {-2, 500000000};
  auto members = Export();
  EXPECT_EQ(members.size(), 7U);
  const Member& found = members["dir/file"];
  EXPECT_EQ(found.content, "content");
  EXPECT_EQ(found.status.st_mode, 0104751U);
  EXPECT_EQ(found.status.st_uid, 1000U);
  EXPECT_EQ(found.status.st_gid, 0xfffffffeU);
  EXPECT_EQ(found.status.st_mtime, 1700000000);
  EXPECT_EQ(found.nanoseconds, 123456789);
  EXPECT_EQ(found.xattrs.at("security.capability"), std::string("\1\0\0\2", 4));
  EXPECT_EQ(members["dir/second"].link, "dir/file");
  EXPECT_EQ(members["link"].link, "/target");
  EXPECT_TRUE(S_ISCHR(members["null"].status.st_mode));
  EXPECT_EQ(members["null"].status.st_rdev, makedev(1, 3));
  EXPECT_TRUE(S_ISFIFO(members["fifo"].status.st_mode));
  EXPECT_TRUE(S_ISDIR(members["dir/"].status.st_mode));
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(TarTest, LongNamesAndLinksNeedExtendedHeaders) {
  const std::string part(90, 'n');
  const std::string split = part + "/" + part;  // fits name and prefix
  const std::string whole = std::string(200, 'w');
  files_.File(split, "1");
  files_.File(whole, "2");
  files_.Make("link", NodeType::kSymlink, std::string(300, 't'));
  files_.File("caf\xe9\n", "3");
  auto members = Export();
  EXPECT_EQ(members[split].content, "1");
  EXPECT_EQ(members[whole].content, "2");
  EXPECT_EQ(members["link"].link, std::string(300, 't'));
  EXPECT_EQ(members["caf\xe9\n"].content, "3");
}

TEST_F(TarTest, UnreadablePartsAreZerosAndReported) {
  const NodeId file = files_.File("damaged", "start");
  files_.StatOf(file).size_bytes = 3000000;  // the memory filesystem fails behind the content
  files_.File("after", "ok");
  auto members = Export();
  EXPECT_EQ(members["damaged"].status.st_size, 3000000);
  EXPECT_EQ(members["damaged"].content.substr(0, 6), std::string("start\0", 6));
  EXPECT_EQ(members["after"].content, "ok");
  EXPECT_EQ(summary_.unreadable, 1U);
  EXPECT_GE(diagnostics_.Count(DiagnosticCode::kFilesystemNodeUnreadable), 1U);
}

TEST_F(TarTest, HugeClaimCostsLittle) {
  files_.StatOf(files_.File("huge", "start")).size_bytes = uint64_t{1} << 60;
  auto members = Export();
  EXPECT_EQ(members["huge"].status.st_size, int64_t{1} << 60);
  EXPECT_LE(summary_.bytes, uint64_t{70} << 20);
  EXPECT_EQ(summary_.unreadable, 1U);
}

TEST_F(TarTest, SocketsAndImpossibleNamesAreLeftOutAndReported) {
  files_.Make("socket", NodeType::kSocket);
  files_.Make("out", NodeType::kSymlink, "/etc");
  for (const std::string& name : {std::string(".."), std::string("."), std::string("out/passwd"),
                                  std::string(), std::string("n\0l", 3)}) {
    files_.Link(files_.root(), name, files_.Add(NodeType::kRegular));
  }
  files_.Link(files_.root(), "../up", files_.Add(NodeType::kDirectory));
  files_.SetXattr(files_.File("f", ""), "user.a=b", "x");
  // A directory of the same name as the link.
  const NodeId again = files_.Add(NodeType::kDirectory);
  files_.Link(files_.root(), "out", again);
  files_.Link(again, "evil", files_.Add(NodeType::kRegular));
  auto members = Export();
  std::vector<std::string> names;
  for (const auto& [name, member] : members) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("f", "out"));
  EXPECT_EQ(summary_.left_out, 8U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kExportLeftOut), 9U);
}

TEST_F(TarTest, FullDiskLeavesNothingBehind) {
  files_.File("f", std::string(100000, 'x'));
  const auto full = ExportTar(files_, files_.root(), "/dev/full", diagnostics_);
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code, ErrorCode::kNoSpace);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  const auto nowhere = ExportTar(files_, files_.root(), PathOf("no/folder.tar"), diagnostics_);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kIo);
  EXPECT_THAT(FilesInFolder(), testing::IsEmpty());
}

TEST_F(TarTest, CancellingLeavesNothingBehind) {
  files_.File("f", "x");
  Progress progress;
  progress.Cancel();
  const auto stopped = ExportTar(files_, files_.root(), PathOf("x"), diagnostics_, &progress);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_THAT(FilesInFolder(), testing::IsEmpty());
}

TEST_F(TarTest, SameFilesGiveTheSameBytes) {
  files_.File("b/x", "1");
  files_.File("a", "2");
  for (const char* name : {"one", "two"}) {
    ASSERT_TRUE(ExportTar(files_, files_.root(), PathOf(name), diagnostics_).has_value());
  }
  std::ifstream one(PathOf("one"));
  std::ifstream two(PathOf("two"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(one), {}),
            std::string(std::istreambuf_iterator<char>(two), {}));
}

TEST(TarHeaderTest, RecordsCountTheirOwnLength) {
  TarMember member;
  member.path = "f";
  member.stat.type = NodeType::kRegular;
  // Around the lengths where the count itself gets a digit more.
  for (size_t length = 70; length < 130; ++length) {
    member.xattrs = {{"user.a", std::string(length, 'v')}};
    const std::string header = EncodeTarMember(member);
    const std::string record =
        header.substr(kTarBlockBytes, header.find('\n') + 1 - kTarBlockBytes);
    EXPECT_EQ(std::stoul(record), record.size());
  }
}

TEST(TarHeaderTest, SparseFilesAreTheirSegments) {
  TarMember member;
  member.path = "d/sparse";
  member.stat.type = NodeType::kRegular;
  member.stat.size_bytes = uint64_t{1} << 60;
  member.is_sparse = true;
  member.segments = {{4096, 512}};
  EXPECT_EQ(TarDataBytes(member), 512U);
  const std::string header = EncodeTarMember(member);
  EXPECT_EQ(header.size() % kTarBlockBytes, 0U);
  EXPECT_THAT(header, HasSubstr("GNU.sparse.name=d/sparse\n"));
  EXPECT_THAT(header, HasSubstr("GNU.sparse.realsize=1152921504606846976\n"));
  EXPECT_THAT(header, HasSubstr("2\n4096\n512\n1152921504606846976\n0\n"));
}

}  // namespace
}  // namespace ekshume::casefile
