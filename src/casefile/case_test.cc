// SPDX-License-Identifier: Apache-2.0
#include "casefile/case.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "casefile/json.h"

namespace ekshume::casefile {
namespace {

using testing::HasSubstr;

class CaseTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "ekshume-case-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    directory_ = folder + "/mine";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static CustodyEntry Entry(std::string action) {
    return {
        std::move(action), {"ekshume", "investigate"}, {{"/x/disk.img", 5, std::string(64, 'a')}}};
  }
  void Replace(const std::string& from, const std::string& to) const {
    const std::string path = directory_ + "/custody.jsonl";
    std::ifstream in(path);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, from.size(), to);
    std::ofstream(path, std::ios::trunc) << text;
  }

  std::filesystem::path folder_;
  std::string directory_;
};

TEST_F(CaseTest, IsThereAgainWhenOpened) {
  const auto made = Case::OpenOrCreate(directory_);
  ASSERT_TRUE(made);
  ASSERT_TRUE((*made)->AddEvidencePaths({"/evidence/disk.img", "/evidence/disk.img"}));
  const auto opened = Case::Open(directory_);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->id(), (*made)->id());
  EXPECT_EQ((*opened)->id().size(), 32U);
  EXPECT_THAT((*opened)->evidence_paths(), testing::ElementsAre("/evidence/disk.img"));
}

TEST_F(CaseTest, RefusesAFolderWithSomethingElse) {
  std::filesystem::create_directory(directory_);
  std::ofstream(directory_ + "/thesis.txt") << "mine";
  const auto result = Case::OpenOrCreate(directory_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(CaseTest, GoesOnWhereARunWasKilledBeforeItBegan) {
  std::filesystem::create_directory(directory_);
  std::ofstream(directory_ + "/case.json.partial-Ab3dE9") << "{";
  const auto made = Case::OpenOrCreate(directory_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(Case::IsCase(directory_));
}

TEST_F(CaseTest, RefusesACaseFileThatIsNotOurs) {
  std::filesystem::create_directory(directory_);
  for (const char* text : {"", "[]", "{\"id\": 1}", "{\"schema\": 99, \"id\": \"x\"}", "{"}) {
    std::ofstream(directory_ + "/case.json", std::ios::trunc) << text;
    const auto result = Case::Open(directory_);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << text;
  }
}

TEST_F(CaseTest, CustodyRecordsSayWhoWhenAndWhat) {
  const auto made = Case::OpenOrCreate(directory_);
  ASSERT_TRUE((*made)->Record(Entry("investigate")));
  const auto records = (*made)->CustodyRecords();
  ASSERT_EQ(records.value().size(), 1U);
  const Json record = Json::parse(records->front());
  EXPECT_EQ(record["sequence"], 1);
  EXPECT_EQ(record["tool"], "ekshume");
  EXPECT_EQ(record["action"], "investigate");
  EXPECT_EQ(record["previous"], std::string(64, '0'));
  EXPECT_EQ(record["evidence"][0]["sha256"], std::string(64, 'a'));
  EXPECT_FALSE(record["user"].get<std::string>().empty());
  EXPECT_TRUE(ParseTimestamp(record["time"].get<std::string>()).has_value());
}

TEST_F(CaseTest, ChainHoldsUntilARecordIsChanged) {
  const auto made = Case::OpenOrCreate(directory_);
  for (const char* action : {"investigate", "export", "report"}) {
    ASSERT_TRUE((*made)->Record(Entry(action)));
  }
  EXPECT_EQ((*made)->VerifyCustody().value(), 3U);
  Replace("\"action\":\"export\"", "\"action\":\"nothing\"");
  const auto verified = (*made)->VerifyCustody();
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(verified.error().message, HasSubstr("record 3"));
}

TEST_F(CaseTest, FilesAreForTheirOwnerOnly) {
  const auto made = Case::OpenOrCreate(directory_);
  ASSERT_TRUE((*made)->Record(Entry("investigate")));
  ASSERT_TRUE((*made)->WriteReport("{}\n"));
  using std::filesystem::perms;
  const auto of = [&](const std::string& name) {
    return std::filesystem::status(directory_ + name).permissions();
  };
  EXPECT_EQ(of(""), perms::owner_all);
  for (const char* name : {"/case.json", "/custody.jsonl", "/report.json"}) {
    EXPECT_EQ(of(name), perms::owner_read | perms::owner_write) << name;
  }
}

}  // namespace
}  // namespace ekshume::casefile
