// SPDX-License-Identifier: Apache-2.0
// Compares with what sgdisk and sfdisk make and print, where they are installed.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "image/test_support.h"
#include "volume/volume.h"

namespace ekshume::volume {
namespace {

using image::testing::TemporaryFolder;

constexpr std::string_view kPath = "PATH=$PATH:/usr/sbin:/sbin ";

std::string Shell(const std::string& command, int& status) {
  std::string output;
  std::FILE* const pipe = popen((std::string(kPath) + command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    output.push_back(static_cast<char>(c));
  }
  status = pclose(pipe);
  return output;
}

bool Has(const std::string& tool) {
  int status = 1;
  Shell("command -v " + tool, status);
  return status == 0;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Every partition that sfdisk lists for `path`, by number, start, size, type and label.
void ExpectAsSfdiskLists(const std::string& path) {
  int status = 1;
  const std::string output = Shell("sfdisk -J " + path, status);
  ASSERT_EQ(status, 0) << output;
  const auto expected = nlohmann::json::parse(output).at("partitiontable");
  DiagnosticSink diagnostics;
  const auto opened = image::Open(path, {.diagnostics = &diagnostics});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  const auto table = ReadPartitionTable(*opened->image, diagnostics);
  ASSERT_TRUE(table.has_value()) << table.error().message;
  EXPECT_TRUE(diagnostics.Sorted().empty());
  const bool gpt = expected.at("label") == "gpt";
  EXPECT_EQ(table->kind, gpt ? "gpt" : "mbr");
  ASSERT_EQ(table->partitions.size(), expected.at("partitions").size());
  for (const auto& row : expected.at("partitions")) {
    const std::string node = row.at("node");
    const int number = std::stoi(node.substr(path.size()));
    const auto found = std::ranges::find(table->partitions, number, &Partition::number);
    ASSERT_NE(found, table->partitions.end()) << node;
    EXPECT_EQ(found->offset_bytes, row.at("start").get<uint64_t>() * table->sector_bytes) << node;
    EXPECT_EQ(found->size_bytes, row.at("size").get<uint64_t>() * table->sector_bytes) << node;
    const std::string type = Lower(row.at("type"));
    EXPECT_EQ(found->type, gpt ? type : (type.size() == 1 ? "0x0" : "0x") + type) << node;
    EXPECT_EQ(found->label, row.value("name", "")) << node;
    EXPECT_EQ(gpt ? found->uuid : "", Lower(row.value("uuid", ""))) << node;
  }
}

TEST(ToolsTest, GptOfSgdisk) {
  if (!Has("sgdisk") || !Has("sfdisk")) GTEST_SKIP() << "sgdisk or sfdisk is not installed";
  const TemporaryFolder folder;
  const std::string path = folder.Write("gpt.img", "");
  std::filesystem::resize_file(path, 64 << 20);
  int status = 1;
  const std::string output = Shell(
      "sgdisk -n 127:2048:4095 -t 127:ef02 -n 128:4096:+8M -t 128:ef00 -c 128:'EFI System' "
      "-n 1:0:0 -t 1:8300 -c 1:'Wurzel ä' " +
          path,
      status);
  ASSERT_EQ(status, 0) << output;
  ExpectAsSfdiskLists(path);
}

TEST(ToolsTest, MbrOfSfdisk) {
  if (!Has("sfdisk")) GTEST_SKIP() << "sfdisk is not installed";
  const TemporaryFolder folder;
  const std::string path = folder.Write("mbr.img", "");
  std::filesystem::resize_file(path, 64 << 20);
  int status = 1;
  const std::string output = Shell(
      "sh -c \"printf 'label: dos\\n,8M,83,*\\n,4M,82\\n,,0f\\n,8M,83\\n,8M,8e\\n,,7\\n' | "
      "sfdisk -q " +
          path + "\"",
      status);
  ASSERT_EQ(status, 0) << output;
  ExpectAsSfdiskLists(path);
}

}  // namespace
}  // namespace ekshume::volume
