// SPDX-License-Identifier: Apache-2.0
#include "collect/collect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/limits.h"
#include "collect/context.h"
#include "collect/glob.h"
#include "collect/http_put.h"
#include "collect/json_line.h"
#include "collect/maps.h"
#include "collect/resolve.h"
#include "collect/system.h"
#include "collection/left_out.h"
#include "collection/reader.h"

namespace ekshume::collect {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class MemorySink : public collection::ByteSink {
 public:
  Result<void> Write(ByteView bytes) override {
    written.append(bytes.AsText());
    return {};
  }
  std::string written;
};

// A made-up /proc, so that what the collector reads is known: docs of the fields in proc(5).
class FakeProcTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "ekshume-proc-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    root_ = folder;
    options_.proc = folder;
    options_.root = folder + "/host";
    options_.profile = Profile::kNone;
    options_.tool = "test";
    std::filesystem::create_directories(options_.root);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Put(const std::string& path, std::string_view text) {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  void Link(const std::string& path, const std::string& target) {
    const std::filesystem::path link = root_ / path;
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink(target, link);
  }
  void PutProcess(int pid, const std::string& comm, uint64_t netns) {
    Put(fmt::format("{}/stat", pid),
        fmt::format("{} ({}) S 1 {} {} 0 -1 4194560 1 0 0 0 7 8 0 0 20 0 3 0 4321 8192 5 0\n", pid,
                    comm, pid, pid));
    Put(fmt::format("{}/status", pid),
        fmt::format("Name:\tx\nTgid:\t{}\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n"
                    "NSpid:\t{}\t1\nTracerPid:\t0\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n"
                    "NoNewPrivs:\t1\n",
                    pid, pid));
    Put(fmt::format("{}/cmdline", pid), std::string("a\0b c\0\0", 7));
    Put(fmt::format("{}/loginuid", pid), "4294967295");
    Put(fmt::format("{}/cgroup", pid), "0::/docker/" + std::string(64, 'a') + "\n");
    Link(fmt::format("{}/ns/net", pid), fmt::format("net:[{}]", netns));
  }

  // Runs the collector; rows come from Table().
  void Run() {
    MemorySink sink;
    const std::atomic<bool> cancelled{false};
    const auto summary = Collect(options_, sink, cancelled);
    ASSERT_TRUE(summary) << summary.error().message;
    summary_ = *summary;
    const auto bytes = ByteView::Of(sink.written).AsSpan();
    image_ = image::MakeMemory({bytes.begin(), bytes.end()}, "collection");
    const image::Image* const parts[] = {image_.get()};
    auto reader = collection::Reader::Open(parts, diagnostics_);
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
    ASSERT_TRUE(reader_->Verify(diagnostics_));
    EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionMismatch), 0U);
  }
  std::vector<std::string> Table(const std::string& name) {
    std::vector<std::string> lines;
    EXPECT_TRUE(reader_->ReadTable(
        name, [&](std::string_view line) { lines.emplace_back(line); }, diagnostics_));
    return lines;
  }
  std::string Content(const std::string& name) {
    const collection::Member* member = reader_->Find(name);
    return member == nullptr ? "missing" : *reader_->ReadAll(*member, 1 << 20);
  }

  std::filesystem::path root_;
  Options options_;
  Summary summary_;
  std::unique_ptr<image::Image> image_;
  DiagnosticSink diagnostics_;
  std::unique_ptr<collection::Reader> reader_;
};

TEST_F(FakeProcTest, ReadsAProcess) {
  PutProcess(7, "od) d (name", 99);
  Link("7/exe", "/tmp/x (deleted)");
  Run();
  const std::vector<std::string> rows = Table("live/processes.jsonl");
  ASSERT_THAT(rows, SizeIs(1));
  for (const char* part :
       {R"("pid":7,"ppid":1,)", R"("start_ticks":4321,"comm":"od) d (name","state":"S")",
        R"("argv":["a","b c",""])", R"("uids":[1,2,3,4],"gids":[5,6,7,8],"groups":[9,10])",
        R"("ns_pids":[7,1])", R"("effective":"00000000a80425fb","permitted":null)",
        R"("seccomp":2,"no_new_privs":true)", R"("namespaces":{"net":99})", R"("threads":3)",
        R"("loginuid":null)", R"("runtime":"docker")", R"("pod_uid":null)", R"("hidden":false)"}) {
    EXPECT_THAT(rows[0], HasSubstr(part));
  }
  EXPECT_THAT(rows[0], HasSubstr("\"container_id\":\"" + std::string(64, 'a') + "\""));
  // The process has no environment to read: not a loss, it may have ended.
  EXPECT_EQ(summary_.losses, 0U);
  EXPECT_EQ(summary_.processes, 1U);
}

TEST_F(FakeProcTest, SaysWhetherAnotherFileTookThePlaceOfADeletedProgram) {
  const auto put = [&](int pid, const std::string& program) {
    PutProcess(pid, "x", 99);
    Put(fmt::format("{} (deleted)", program), "old");
    Link(fmt::format("{}/root", pid), root_.string() + "/other");
    Link(fmt::format("{}/exe", pid), (root_ / program).string() + " (deleted)");
  };
  put(7, "updated");
  put(8, "gone");
  put(9, "folder");
  const std::string other = "other" + root_.string();
  Put(other + "/updated", "new");
  Put(other + "/folder/x", "");
  Run();
  const std::vector<std::string> rows = Table("live/processes.jsonl");
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_THAT(rows[0], HasSubstr(R"(/updated","exe_deleted":true,"exe_replaced":true,)"));
  EXPECT_THAT(rows[1], HasSubstr(R"(/gone","exe_deleted":true,"exe_replaced":false,)"));
  EXPECT_THAT(rows[2], HasSubstr(R"(/folder","exe_deleted":true,"exe_replaced":false,)"));
}

TEST_F(FakeProcTest, ReadsSocketsAndWhoHoldsThem) {
  PutProcess(7, "a", 99);
  PutProcess(8, "b", 99);
  Link("7/fd/3", "socket:[1000]");
  Link("8/fd/4", "socket:[1000]");
  Put("7/net/tcp",
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:1F90 0200000A:01BB 01 0000000A:0000000B 00:00000000 00000000  1000        0 "
      "1000 1 0000000000000000 20 4 30 10 -1\n"
      "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "1001 1 0000000000000000 20 4 30 10 -1\n"
      "   2: garbage\n");
  Put("7/net/tcp6",
      "heading\n   0: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 "
      "0A "
      "00000000:00000000 00:00000000 00000000     0        0 1002 1 0 100 0 0 10 0\n");
  Put("7/net/unix",
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 1003 /run/a socket\n"
      "0000000000000000: 00000003 00000000 00000000 0002 03 1004\n");
  Run();
  const std::vector<std::string> rows = Table("live/sockets.jsonl");
  ASSERT_THAT(rows, SizeIs(5));
  EXPECT_EQ(rows[0],
            R"({"netns":99,"family":"inet","protocol":"tcp","local":{"address":"127.0.0.1",)"
            R"("port":8080},"remote":{"address":"10.0.0.2","port":443},"state":"established",)"
            R"("inode":1000,"uid":1000,"tx_queue":10,"rx_queue":11,)"
            R"("processes":[{"pid":7,"fd":3},{"pid":8,"fd":4}]})");
  EXPECT_THAT(rows[1], HasSubstr(R"("remote":null,"state":"listen","inode":1001)"));
  EXPECT_THAT(
      rows[2],
      HasSubstr(R"("family":"inet6","protocol":"tcp","local":{"address":"127.0.0.1","port":80})"));
  EXPECT_THAT(rows[3], HasSubstr(R"("state":"listen","inode":1003,"path":"/run/a socket")"));
  EXPECT_THAT(
      rows[4],
      HasSubstr(
          R"("protocol":"dgram","local":null,"remote":null,"state":"established","inode":1004,"path":null)"));
  EXPECT_THAT(Content("live/network/99.txt"), Not(HasSubstr("tcp")));
}

TEST_F(FakeProcTest, ReadsMappingsAndModulesAndMounts) {
  PutProcess(7, "a", 99);
  Link("7/ns/mnt", "mnt:[98]");
  Put("7/maps",
      "00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/a name\n"
      "7f0000000000-7f0000001000 rw-p 00000000 00:01 55 /memfd:x (deleted)\n"
      "7f0000002000-7f0000003000 ---p 00000000 00:00 0 \nnonsense\n");
  Put("modules", "nf_nat 61440 3 xt_NAT,nft_nat, Live 0xffffffffc0a5b000 (OE)\n");
  Put("host/sys/module/hider/initstate", "live\n");
  Put("host/sys/module/nf_nat/initstate", "live\n");
  Put("7/mountinfo",
      "36 35 98:0 / /a\\040b rw,noatime master:1 shared:2 - ext4 /dev/sda1 rw\nbad\n");
  Put("sys/kernel/core_pattern", "|/tmp/evil\n");
  Run();
  EXPECT_THAT(
      Table("live/maps.jsonl"),
      ElementsAre(
          R"({"pid":7,"start":"400000","end":"452000","permissions":"r-xp","offset":0,"device":"08:02","inode":173521,"path":"/usr/bin/a name","deleted":false})",
          R"({"pid":7,"start":"7f0000000000","end":"7f0000001000","permissions":"rw-p","offset":0,"device":"00:01","inode":55,"path":"/memfd:x","deleted":true})",
          R"({"pid":7,"start":"7f0000002000","end":"7f0000003000","permissions":"---p","offset":0,"device":"00:00","inode":0,"path":null,"deleted":false})"));
  const std::vector<std::string> modules = Table("live/modules.jsonl");
  ASSERT_THAT(modules, SizeIs(2));
  EXPECT_THAT(modules[0], HasSubstr(R"("used_by":["xt_NAT","nft_nat"],"state":"Live")"));
  EXPECT_THAT(modules[1],
              HasSubstr(R"("name":"hider","state":"live","in_sysfs":true,"hidden":true)"));
  EXPECT_THAT(
      Table("live/mounts.jsonl"),
      ElementsAre(HasSubstr(
          R"("mount_point":"/a b","options":"rw,noatime","optional":["master:1","shared:2"],"type":"ext4")")));
  EXPECT_EQ(Content("live/system/proc_sys_kernel_core_pattern"), "|/tmp/evil\n");
}

TEST_F(FakeProcTest, TakesFilesByPattern) {
  Put("host/etc/passwd", "root:x:0:0\n");
  Put("host/etc/other", "left out");
  Put("host/srv/a/b/c.log", "deep");
  Put("host/proc/never", "entered");
  Link("host/etc/link", "/etc/passwd");
  options_.globs = {"/etc/pass*", "/srv/**", "/etc/link", "/proc/**"};
  Run();
  EXPECT_EQ(Content("root/etc/passwd"), "root:x:0:0\n");
  EXPECT_EQ(Content("root/srv/a/b/c.log"), "deep");
  EXPECT_EQ(reader_->Find("root/etc/link")->header.link_target, "/etc/passwd");
  EXPECT_EQ(reader_->Find("root/etc/other"), nullptr);
  EXPECT_EQ(reader_->Find("root/proc/never"), nullptr);
  EXPECT_THAT(
      Table("files.jsonl"),
      Contains(HasSubstr(R"("member":"root/srv/a/b/c.log","path":"/srv/a/b/c.log","type":"f")")));
}

// A folder that is a symbolic link is never looked through, also when it became one meanwhile.
TEST_F(FakeProcTest, GoesThroughNoSymbolicLink) {
  Put("outside/secret", "not of the tree");
  Link("host/way", "../outside");
  Link("host/file", "../outside/secret");
  options_.globs = {"/**"};
  Run();
  EXPECT_EQ(reader_->Find("root/way/secret"), nullptr);
  EXPECT_EQ(reader_->Find("root/way")->header.link_target, "../outside");
  EXPECT_EQ(reader_->Find("root/file")->header.link_target, "../outside/secret");
}

TEST_F(FakeProcTest, LeavesOutWhatWasReceived) {
  Put("host/a", "first");
  Put("host/b", "second");
  options_.globs = {"/*"};
  options_.received = {"root/a"};
  options_.part = 2;
  options_.continues_id.fill(9);
  Run();
  EXPECT_EQ(reader_->Find("root/a"), nullptr);
  EXPECT_EQ(Content("root/b"), "second");
  EXPECT_THAT(Content("collection.json"), HasSubstr("\"resumes\":\"09090909"));
  EXPECT_THAT(Content("collection.json"),
              HasSubstr("\"sha256\":\"" + collection::LeftOutDigest({"root/a"})));
}

TEST_F(FakeProcTest, EndsEarlyWhenAsked) {
  MemorySink sink;
  const std::atomic<bool> cancelled{true};
  const auto summary = Collect(options_, sink, cancelled);
  ASSERT_TRUE(summary);
  EXPECT_TRUE(summary->ended_early);
}

TEST_F(FakeProcTest, TellsOfAProcThatIsNone) {
  options_.proc = root_ / "nothing";
  Run();
  EXPECT_THAT(Table("skipped.jsonl"), Contains(HasSubstr("nothing")));
  EXPECT_THAT(Table("live/processes.jsonl"), SizeIs(0));
}

// limits::kMaxProcesses, limits::kMaxSockets and limits::kMaxMemoryRegions end these lists.
TEST(CollectSystemTest, ListsAndLinesEndAtTheirLimits) {
  std::string folder = testing::TempDir() + "ekshume-list-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  for (const char* name : {"c", "a", "b"})
    std::ofstream(fmt::format("{}/{}", folder, name)) << name;
  EXPECT_THAT(*ListDirectory(folder, limits::kMaxProcesses), ElementsAre("a", "b", "c"));
  EXPECT_THAT(*ListDirectory(folder, 2), SizeIs(2));
  EXPECT_LE(limits::kMaxProcesses, size_t{1} << 22);      // what the kernel itself allows
  EXPECT_LE(limits::kMaxSockets * 16, size_t{64} << 20);  // 16 bytes for each holder
  std::ofstream(folder + "/maps") << "1000-2000 rw-p 00000000 00:00 0\n1000-2000 rw-p 0 00:00 0\n";
  int count = 0;
  EXPECT_TRUE(ForEachLine(folder + "/maps", [&](std::string_view) { return ++count < 1; }));
  EXPECT_EQ(count, 1);
  EXPECT_GT(limits::kMaxMemoryRegions, size_t{65530});  // vm.max_map_count as it comes
  bool truncated = false;
  EXPECT_EQ(*ReadText(folder + "/maps", 4, &truncated), "1000");
  EXPECT_TRUE(truncated);
  EXPECT_EQ(ReadText(folder + "/none", 4).error().code, ErrorCode::kNotFound);
  std::filesystem::remove_all(folder);
}

TEST(CollectMapsTest, RefusesWhatIsNoMapping) {
  EXPECT_FALSE(ParseMapping(""));
  EXPECT_FALSE(ParseMapping("1000-1000 rw-p 0 00:00 0"));
  EXPECT_FALSE(ParseMapping("2000-1000 rw-p 0 00:00 0"));
  EXPECT_FALSE(ParseMapping("1000-2000 rw 0 00:00 0"));
  EXPECT_TRUE(ParseMapping("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]"));
}

TEST(CollectGlobTest, MatchesPaths) {
  EXPECT_TRUE(Glob("/etc/*").Matches({"etc", "passwd"}));
  EXPECT_FALSE(Glob("/etc/*").Matches({"etc", "a", "b"}));
  EXPECT_FALSE(Glob("/etc/*").Matches({"etc"}));
  EXPECT_TRUE(Glob("/var/log/**").Matches({"var", "log", "a", "b"}));
  EXPECT_TRUE(Glob("/a/**/z").Matches({"a", "z"}));
  EXPECT_TRUE(Glob("/a/**/z").Matches({"a", "b", "c", "z"}));
  EXPECT_FALSE(Glob("/a/**/z").Matches({"a", "b", "c"}));
  EXPECT_TRUE(Glob("/a/**/z").MayMatchBelow({"a", "b", "c"}));
  EXPECT_FALSE(Glob("/a/b").MayMatchBelow({"c"}));
  EXPECT_FALSE(Glob("/a/b").MayMatchBelow({"a", "b"}));
  EXPECT_TRUE(Glob("/home/*/.[a-z]*").Matches({"home", "u", ".bashrc"}));
}

TEST(CollectJsonTest, KeepsBytesThatAreNotText) {
  JsonLine line;
  line.Text("plain", "a\"b");
  line.Text("bytes", "a\xff");
  line.List("list", {"x", "\xfe"});
  line.TextIfKnown("none", std::nullopt);
  EXPECT_EQ(
      line.Take(),
      "{\"plain\":\"a\\\"b\",\"bytes\":\"a\xEF\xBF\xBD\",\"bytes_hex\":\"61ff\",\"list\":[\"x\","
      "\"\xEF\xBF\xBD\"],\"list_hex\":[null,\"fe\"],\"none\":null}");
}

TEST(CollectUrlTest, TakesUrlsApart) {
  const auto url =
      ParseUrl("https://bucket.s3.eu-central-1.amazonaws.com/a/b?X-Amz-Signature=1&x=2");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "bucket.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(url->target, "/a/b?X-Amz-Signature=1&x=2");
  EXPECT_EQ(url->port, 443);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(ParseUrl("http://[::1]:8080?q")->host, "::1");
  EXPECT_EQ(ParseUrl("http://[::1]:8080?q")->target, "/?q");
  EXPECT_EQ(ParseUrl("http://127.0.0.1:9000/x")->port, 9000);
  for (const char* bad : {"", "ftp://a/b", "https://", "https:///x", "https://a:0/", "https://a:x/",
                          "https://user@host/", "https://a/b c", "https://a/\r\nHost: b"}) {
    EXPECT_FALSE(ParseUrl(bad)) << bad;
  }
  EXPECT_THAT(*Resolve("127.0.0.1"), SizeIs(1));
  EXPECT_TRUE(Resolve("::1")->at(0).is_six);
}

}  // namespace
}  // namespace ekshume::collect
