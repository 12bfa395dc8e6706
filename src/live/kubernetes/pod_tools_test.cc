// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/pod_tools.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/hash.h"
#include "collection/reader.h"
#include "image/evidence_file.h"
#include "image/raw/reader.h"
#include "live/http/testing_transport.h"

namespace ekshume::live::kubernetes {
namespace {

using testing::Contains;
using testing::HasSubstr;
using namespace std::string_literals;

// Plays a container: what its shell prints for each script.
class PodToolsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/tools-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    client_ = std::make_unique<Client>(Access{.source = "test", .server = "https://api.test"},
                                       Surroundings{}, nullptr,
                                       std::make_unique<http::TestTransport>(), nullptr);
    client_->SetExec([this](const Access&, const std::string&, const ExecRequest& request,
                            const Progress*) { return Run(request); });
    request_.container_id = "c0ffee";
    request_.pod_uid = "u-1";
    request_.file = "collection/part-1.ekc";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Result<ExecOutcome> Run(const ExecRequest& request) {
    const std::string& script = request.command[2];
    ++commands_;
    if (no_shell_) {
      return Fail(ErrorCode::kUnsupported,
                  "exec: \"sh\": executable file not found in $PATH: unknown");
    }
    const auto print = [&](const std::string& text) { return request.output(ByteView::Of(text)); };
    ExecOutcome outcome;
    if (script.find("sha256sum <") != std::string::npos) {
      EKSHUME_TRY(print(digest_ + "  -\n"));
      return outcome;
    }
    const std::string& boundary = request.command[4];
    const auto section = [&](const std::string& name, const std::string& text) {
      return fmt::format("\n{} {}\n{}", boundary, name, text);
    };
    if (script.find("s tools") != std::string::npos) {
      std::string answer = section("tools", tools_) + section("self", "99\n");
      answer += section("proc/7/stat", "7 (x) S 1 7 7 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 500 0 0\n");
      answer += section("proc/7/environ", "SECRET=s\0"s);
      answer += section("proc/7/maps", "1000-3000 rw-p 00000000 00:00 0\n");
      answer += section("links/7", links_);
      answer += section("proc/8/stat", "");  // ended meanwhile
      answer += section("net/tcp", "sl\n 0: 0100007F:115C 00000000:0000 0A 0:0 0:0 0 0 0 900 1\n");
      answer += section("sys/stat", "cpu 1\nbtime 1000\n");
      answer += section("sys/sys/kernel/hostname", "web\n");
      if (!cut_) answer += section("end", "");
      EKSHUME_TRY(print(answer));
    } else if (script.find("exit 3") != std::string::npos) {
      if (request.command[5].ends_with("/fd/9")) outcome.exit_code = 3;
      if (outcome.exit_code == 0) EKSHUME_TRY(print("abc"));
    } else if (script.find("/mem") != std::string::npos) {
      EKSHUME_TRY(print(section("1000-3000", std::string(5000, 'm')) + section("end", "")));
    } else if (script.find("tar -cf") != std::string::npos) {
      EKSHUME_TRY(print(Tar()));
    } else {
      EKSHUME_TRY(
          print(section("etc/passwd", "root") + section("../etc/x", "evil") + section("end", "")));
    }
    return outcome;
  }

  static std::string Tar() {
    collection::TarMember member;
    member.path = "etc/passwd";
    member.stat.type = fs::NodeType::kRegular;
    member.stat.permissions = 0644;
    member.stat.uid = 5;
    member.stat.size_bytes = 4;
    member.stat.modified = {1000, 0};
    std::string tar = collection::EncodeTarMember(member) + "root";
    tar.resize(tar.size() + 508);
    tar.resize(tar.size() + 1024);
    return tar;
  }

  Result<void> Acquire() {
    AcquisitionOptions options;
    options.output_directory = root_ + "/out";
    const auto acquisition = Acquisition::Begin(options, diagnostics_);
    EXPECT_TRUE(acquisition);
    const CollectorOptions collecting;
    CollectorRun run(collecting, *client_, **acquisition, diagnostics_, progress_);
    const Result<void> done = CollectByTools(
        request_,
        {.in_namespace = "shop", .pod = "web", .container = "app", .program = "", .arguments = {}},
        run, **acquisition);
    if (!done) return done;
    auto file = image::EvidenceFile::Open(root_ + "/out/collection/part-1.ekc");
    EXPECT_TRUE(file);
    part_ = std::make_unique<image::raw::RawImage>(std::move(*file));
    const image::Image* const parts[] = {part_.get()};
    auto reader = collection::Reader::Open(parts, diagnostics_);
    EXPECT_TRUE(reader);
    reader_ = std::move(*reader);
    EXPECT_TRUE(reader_->IsComplete(0));
    return {};
  }

  std::string Member(const std::string& name) const {
    const collection::Member* member = reader_->Find(name);
    if (member == nullptr) return "(none)";
    const auto bytes = reader_->ReadAll(*member, size_t{1} << 20);
    return bytes ? *bytes : bytes.error().message;
  }

  std::string root_;
  ToolsRequest request_;
  std::string tools_ = "/bin/cat\n/bin/ls\n/bin/tar\n/bin/sha256sum\n/bin/dd\n";
  std::string links_ =
      "lrwx 1 0 0 0 Nov 27 19:00 /proc/7/exe -> /tmp/x (deleted)\n/proc/7/fd:\n"
      "lrwx 1 0 0 0 Nov 27 19:00 3 -> socket:[900]\n"
      "lrwx 1 0 0 0 Nov 27 19:00 9 -> /tmp/gone (deleted)\n";
  std::string digest_ = ToHex(Sha256::Of(ByteView::Of("abc")));
  bool no_shell_ = false;
  bool cut_ = false;
  int commands_ = 0;
  std::unique_ptr<Client> client_;
  DiagnosticSink diagnostics_;
  Progress progress_;
  std::unique_ptr<image::raw::RawImage> part_;
  std::unique_ptr<collection::Reader> reader_;
};

TEST_F(PodToolsTest, MakesACollectionOfWhatTheContainerAnswers) {
  request_.memory = "all";
  const auto done = Acquire();
  ASSERT_TRUE(done) << done.error().message;
  const Json process = Json::parse(Member("live/processes.jsonl"));
  EXPECT_EQ(process["pid"], 7);
  EXPECT_EQ(process["exe_member"], "deleted/7/exe");
  EXPECT_EQ(process["container_id"], "c0ffee");
  EXPECT_EQ(process["start"], "1970-01-01T00:16:45.000000000Z");
  EXPECT_EQ(Json::parse(Member("live/sockets.jsonl"))["processes"][0]["pid"], 7);
  EXPECT_EQ(Member("deleted/7/exe"), "abc");
  EXPECT_EQ(Member("root/etc/passwd"), "root");
  EXPECT_EQ(reader_->Find("root/etc/passwd")->header.stat.uid, 5U);
  // 5,000 of 8,192 bytes came: the rest is zeros, and the manifest says so.
  EXPECT_EQ(Member("memory/7/1000-3000"), std::string(5000, 'm') + std::string(3192, '\0'));
  EXPECT_THAT(Member("manifest.jsonl"), HasSubstr("\"partial\":true"));
  const Json opening = Json::parse(Member("collection.json"));
  EXPECT_EQ(opening["host"]["hostname"], "web");
  EXPECT_EQ(opening["scope"]["container_ids"][0], "c0ffee");
  // The file behind descriptor 9 was gone.
  EXPECT_THAT(Member("skipped.jsonl"), HasSubstr("\"what\":\"deleted/7/fd/9\""));
  EXPECT_THAT(Member("traces.jsonl"), HasSubstr(fmt::format("\"commands\":{}", commands_)));
  EXPECT_TRUE(std::filesystem::exists(root_ + "/out/answers/live.txt"));
}

TEST_F(PodToolsTest, SaysWhatMissingToolsCost) {
  tools_ = "";
  cut_ = true;
  request_.memory = "anonymous";
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(Member("root/etc/passwd"), "root");
  EXPECT_EQ(reader_->Find("root/../etc/x"), nullptr);
  const std::string skipped = Member("skipped.jsonl");
  EXPECT_THAT(skipped, HasSubstr("its shell ended before it had all"));
  EXPECT_THAT(skipped, HasSubstr("the container has no dd"));
  EXPECT_THAT(skipped, HasSubstr("it loses NULs"));
  EXPECT_THAT(skipped, HasSubstr("where links lead is not known"));
}

TEST_F(PodToolsTest, SaysWhenAFileIsNotWhatTheContainerSays) {
  digest_ = std::string(64, '0');
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(Member("deleted/7/exe"), "abc");
  EXPECT_THAT(Member("skipped.jsonl"), HasSubstr("sha256sum in the container says another hash"));
}

TEST_F(PodToolsTest, SaysThatThereIsNoShell) {
  no_shell_ = true;
  const auto done = Acquire();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(done.error().message, HasSubstr("the container has no shell"));
}

TEST_F(PodToolsTest, KeepsToItsLimits) {
  links_ = "/proc/7/fd:\n";
  for (size_t i = 0; i < kMostDeletedFiles + 3; ++i) {
    links_ += fmt::format("l {}9 -> /tmp/gone (deleted)\n", i + 1);
  }
  tools_ = "/bin/ls\n";
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(commands_, static_cast<int>(kMostDeletedFiles) + 2);
  EXPECT_THAT(Member("skipped.jsonl"), HasSubstr("more than 500 deleted files"));
  // An answer without end is not taken.
  std::filesystem::remove_all(root_ + "/out");
  static_assert(kMostToolBytes > 100);
  request_.most_bytes = 100;
  EXPECT_EQ(Acquire().error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace ekshume::live::kubernetes
