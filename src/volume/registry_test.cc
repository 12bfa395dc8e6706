// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "image/test_support.h"
#include "volume/format.h"
#include "volume/test_disks.h"

namespace ekshume::volume {
namespace {

using image::testing::ReadFile;

// Compares with what sfdisk lists for the disk: tests/data/volume/make.
void ExpectAsSfdiskLists(const std::string& name) {
  const std::string folder = std::string(EKSHUME_SOURCE_DIR) + "/tests/data/volume/";
  const auto expected =
      nlohmann::json::parse(ReadFile(folder + name + ".json")).at("partitiontable");
  DiagnosticSink diagnostics;
  const auto opened = image::Open(folder + name + ".img.zst", {.diagnostics = &diagnostics});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  const auto table = ReadPartitionTable(*opened->image, diagnostics);
  ASSERT_TRUE(table.has_value()) << table.error().message;
  EXPECT_TRUE(diagnostics.Sorted().empty());
  const bool gpt = expected.at("label") == "gpt";
  EXPECT_EQ(table->kind, gpt ? "gpt" : "mbr");
  EXPECT_EQ((gpt ? "" : "0x") + table->disk_uuid, AsciiLower(expected.at("id").get<std::string>()));
  ASSERT_EQ(table->partitions.size(), expected.at("partitions").size());
  for (const auto& row : expected.at("partitions")) {
    const std::string node = row.at("node");
    const int number = std::stoi(node.substr(name.size() + 4));  // "gpt.img127"
    const auto found = std::ranges::find(table->partitions, number, &Partition::number);
    ASSERT_NE(found, table->partitions.end()) << node;
    EXPECT_EQ(found->offset_bytes, row.at("start").get<uint64_t>() * table->sector_bytes) << node;
    EXPECT_EQ(found->size_bytes, row.at("size").get<uint64_t>() * table->sector_bytes) << node;
    const std::string type = AsciiLower(row.at("type").get<std::string>());
    EXPECT_EQ(found->type, gpt ? type : (type.size() == 1 ? "0x0" : "0x") + type) << node;
    EXPECT_EQ(found->label, row.value("name", "")) << node;
    EXPECT_EQ(gpt ? found->uuid : "", AsciiLower(row.value("uuid", ""))) << node;
  }
}

TEST(VolumeTest, GptOfSgdisk) { ExpectAsSfdiskLists("gpt"); }
TEST(VolumeTest, MbrOfSfdisk) { ExpectAsSfdiskLists("mbr"); }

TEST(VolumeTest, AsksInTheOrderOfPriorities) {
  EXPECT_TRUE(std::ranges::is_sorted(Formats(), std::greater(), &Format::priority));
  for (const Format& format : Formats()) EXPECT_FALSE(format.description.empty()) << format.name;
}

// Claims 2^60 bytes, all zero but for the disk at its start.
class HugeImage final : public image::Image {
 public:
  explicit HugeImage(std::string start) : start_(std::move(start)) {}
  uint64_t size_bytes() const override { return uint64_t{1} << 60; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    asked_bytes += out.size();
    std::ranges::fill(out, std::byte{0});
    const ByteView there = ByteView::Of(start_).From(offset_bytes).First(out.size());
    CopyBytes(out, there);
    return {};
  }
  mutable std::atomic<uint64_t> asked_bytes = 0;

 private:
  const std::string start_;
  const std::string name_ = "huge";
};

TEST(VolumeTest, AHugeApparentSizeCostsNothing) {
  const HugeImage image(testing::MakeGptDisk({testing::MakeEntry(40, 59, u"Linux")}));
  DiagnosticSink diagnostics;
  const auto table = ReadPartitionTable(image, diagnostics);
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->kind, "gpt");
  EXPECT_LT(image.asked_bytes, 100000U);
  const HugeImage zeros("");
  EXPECT_EQ(ReadPartitionTable(zeros, diagnostics)->kind, "none");
  EXPECT_LT(zeros.asked_bytes, 100000U);
}

TEST(VolumeTest, AnUnreadableImageIsAnError) {
  const auto base = image::testing::MakeTextImage("x");
  const auto beyond = image::MakeSlice(*base, 5, 1000, "part");
  DiagnosticSink diagnostics;
  EXPECT_FALSE(ReadPartitionTable(*beyond, diagnostics).has_value());
}

}  // namespace
}  // namespace ekshume::volume
