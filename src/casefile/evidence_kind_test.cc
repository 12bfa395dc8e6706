// SPDX-License-Identifier: Apache-2.0
#include "casefile/evidence_kind.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/limits.h"

namespace ekshume::casefile {
namespace {

// The header of a member of a ustar archive (POSIX.1-2017, pax, "ustar Interchange Format").
std::string TarHeader(std::string_view name, uint64_t size_bytes) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(100, 7, "0000644");
  header.replace(108, 7, "0000000");
  header.replace(116, 7, "0000000");
  header.replace(124, 11, fmt::format("{:011o}", size_bytes));
  header.replace(136, 11, "00000000000");
  header.replace(148, 8, "        ");
  header[156] = '0';
  header.replace(257, 8, std::string_view("ustar\00000", 8));
  const unsigned sum = std::accumulate(header.begin(), header.end(), 0U, [](unsigned all, char c) {
    return all + static_cast<unsigned char>(c);
  });
  header.replace(148, 7, fmt::format("{:06o}{}", sum, '\0'));
  return header;
}

constexpr std::string_view kLiveMember = "live_response/process/ps.txt";  // UAC's

class EvidenceKindTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "evidence-kind-" +
            testing::UnitTest::GetInstance()->current_test_info()->name() + ".tar";
  }
  void TearDown() override { std::filesystem::remove(path_); }

  // What an archive of so many empty members, then one of UAC, is taken for.
  EvidenceKind OfArchive(size_t empty_members) {
    std::ofstream file(path_, std::ios::binary);
    for (size_t i = 0; i < empty_members; ++i) file << TarHeader(fmt::format("empty/{}", i), 0);
    file << TarHeader(kLiveMember, 0) << std::string(1024, '\0');
    file.close();
    return *ClassifyEvidence(path_);
  }

  std::string path_;
};

TEST_F(EvidenceKindTest, ArchivesAreToldByTheMembersWithinTheLimit) {
  EXPECT_EQ(OfArchive(0), EvidenceKind::kNode);
  EXPECT_EQ(OfArchive(limits::kMaxGlancedMembers - 1), EvidenceKind::kNode);
  EXPECT_EQ(OfArchive(limits::kMaxGlancedMembers), EvidenceKind::kLogs);
}

TEST_F(EvidenceKindTest, AMemberPastTheLimitOfBytesIsNotPassedOver) {
  for (const uint64_t size : {limits::kMaxGlancedBytes - 512, limits::kMaxGlancedBytes + 512}) {
    std::ofstream(path_, std::ios::binary) << TarHeader("large", size);
    std::filesystem::resize_file(path_, 512 + size);
    std::ofstream(path_, std::ios::binary | std::ios::app)
        << TarHeader(kLiveMember, 0) << std::string(1024, '\0');
    // One whose bytes go up to the limit leaves none for the next.
    EXPECT_EQ(*ClassifyEvidence(path_), EvidenceKind::kLogs) << size;
  }
  std::ofstream(path_, std::ios::binary) << TarHeader("large", limits::kMaxGlancedBytes - 1024);
  std::filesystem::resize_file(path_, 512 + limits::kMaxGlancedBytes - 1024);
  std::ofstream(path_, std::ios::binary | std::ios::app)
      << TarHeader(kLiveMember, 0) << std::string(1024, '\0');
  EXPECT_EQ(*ClassifyEvidence(path_), EvidenceKind::kNode);
}

}  // namespace
}  // namespace ekshume::casefile
