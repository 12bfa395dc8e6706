// SPDX-License-Identifier: Apache-2.0
#include "casefile/live_evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/hash.h"
#include "collection/tar_header.h"
#include "fs/archive/tar.h"

namespace ekshume::casefile {
namespace {

using testing::HasSubstr;

constexpr std::string_view kDescription =
    R"({"format":"ekshume-collection","version":1,"scope":{"kind":"node"}})";

class Archive {
 public:
  void Add(const std::string& path, std::string_view content) {
    collection::TarMember member;
    member.path = path;
    member.stat.type = fs::NodeType::kRegular;
    member.stat.size_bytes = content.size();
    bytes_ += collection::EncodeTarMember(member);
    bytes_ += content;
    bytes_.resize((bytes_.size() + 511) / 512 * 512, '\0');
  }
  // A file of holes only, as GNU tar writes it.
  void AddHoles(const std::string& path, uint64_t size) {
    collection::TarMember member;
    member.path = path;
    member.stat.type = fs::NodeType::kRegular;
    member.stat.size_bytes = size;
    member.is_sparse = true;
    bytes_ += collection::EncodeTarMember(member);
  }
  std::unique_ptr<image::Image> Finish() {
    bytes_.resize(bytes_.size() + 1024, '\0');
    const ByteView view = ByteView::Of(bytes_);
    return image::MakeMemory({view.AsSpan().begin(), view.AsSpan().end()}, "c.tar");
  }

 private:
  std::string bytes_;
};

TEST(LiveEvidence, HashesProgramsThatWereKept) {
  Archive archive;
  archive.Add("collection.json", kDescription);
  archive.Add(
      "live/processes.jsonl",
      "{\"pid\":7,\"exe\":\"/tmp/x\",\"exe_deleted\":true,\"exe_member\":\"deleted/7/exe\"}\n"
      "{\"pid\":8,\"exe\":\"/tmp/y\",\"exe_member\":\"deleted/8/exe\"}\n");
  archive.Add("deleted/7/exe", "program");
  // To go through these zeros would take centuries.
  archive.AddHoles("deleted/8/exe", uint64_t{1} << 60);
  const auto image = archive.Finish();
  DiagnosticSink diagnostics;
  auto tree = fs::archive::OpenTar(*image, "c.tar", diagnostics);
  ASSERT_TRUE(tree) << tree.error().message;
  const auto live = ReadLive(*std::move(tree), "c.tar", "c.tar", diagnostics, nullptr);
  ASSERT_TRUE(live) << live.error().message;
  ASSERT_EQ((*live)->state.processes.size(), 2U);
  EXPECT_EQ((*live)->state.processes[0].executable_sha256,
            ToHex(Sha256::Of(ByteView::Of("program"))));
  EXPECT_EQ((*live)->state.processes[1].executable_sha256, "");
  ASSERT_EQ(diagnostics.Count(DiagnosticCode::kCollectionLimit), 1U);
  EXPECT_THAT(diagnostics.Sorted()[0].detail, HasSubstr("kMaxHashedHoleBytes"));
}

}  // namespace
}  // namespace ekshume::casefile
