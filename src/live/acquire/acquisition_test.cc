// SPDX-License-Identifier: Apache-2.0
#include "live/acquire/acquisition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "casefile/case.h"

namespace ekshume::live {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class AcquisitionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/acquisition-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  static json RecordIn(const std::string& directory) {
    std::ifstream in(directory + "/acquisition.json");
    return json::parse(in, nullptr, false);
  }

  std::string root_;
  DiagnosticSink diagnostics_;
};

TEST_F(AcquisitionTest, WritesFilesAndTheirRecord) {
  AcquisitionOptions options;
  options.output_directory = root_ + "/out";
  options.kind = "pod";
  options.target = "shop/web";
  options.arguments = {"ekshume", "acquire", "pod", "shop/web"};
  auto acquisition = Acquisition::Begin(options, diagnostics_);
  ASSERT_TRUE(acquisition) << acquisition.error().message;
  EXPECT_EQ(RecordIn(root_ + "/out")["complete"], false);
  (*acquisition)->SetIdentity("system:admin", "kubeconfig context lab");
  (*acquisition)->SetMethod("exec", "no privileged pods are allowed");
  (*acquisition)->Note("node", "node-1");
  ASSERT_TRUE((*acquisition)->Add("api/pod.json", "GET /api/v1/pods", "{}"));
  auto file = (*acquisition)->Create("logs/web.log", "GET log");
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->Write("one "));
  ASSERT_TRUE((*file)->Write("two"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/out/logs/web.log"));
  ASSERT_TRUE((*file)->Finish());
  ASSERT_TRUE((*acquisition)->Finish());

  const json record = RecordIn(root_ + "/out");
  EXPECT_EQ(record["complete"], true);
  EXPECT_EQ(record["identity"], "system:admin");
  EXPECT_EQ(record["method_reason"], "no privileged pods are allowed");
  EXPECT_EQ(record["notes"]["node"], "node-1");
  ASSERT_EQ(record["files"].size(), 2U);
  EXPECT_EQ(record["files"][0]["name"], "api/pod.json");
  EXPECT_EQ(record["files"][1]["name"], "logs/web.log");
  EXPECT_EQ(record["files"][1]["size"], 7);
  EXPECT_EQ(record["files"][1]["sha256"], ToHex(Sha256::Of(ByteView::Of("one two"))));
  struct stat status{};
  ASSERT_EQ(stat((root_ + "/out/logs/web.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(AcquisitionTest, GoesIntoACaseAndItsLedger) {
  AcquisitionOptions options;
  options.case_directory = root_ + "/case";
  options.kind = "snapshot";
  options.target = "snap-0123/../../x";
  for (int i = 0; i < 2; ++i) {
    auto acquisition = Acquisition::Begin(options, diagnostics_);
    ASSERT_TRUE(acquisition) << acquisition.error().message;
    EXPECT_THAT((*acquisition)->directory(), HasSubstr("-snapshot-snap-0123-..-..-x"));
    ASSERT_TRUE((*acquisition)->Add("list.json", "ListSnapshotBlocks", "[]"));
    ASSERT_TRUE((*acquisition)->Finish());
  }
  auto opened = casefile::Case::Open(root_ + "/case");
  ASSERT_TRUE(opened);
  ASSERT_TRUE((*opened)->VerifyCustody());
  auto records = (*opened)->CustodyRecords();
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2U);
  const json record = json::parse(records->back(), nullptr, false);
  EXPECT_EQ(record["action"], "acquire");
  EXPECT_EQ(record["acquisition"]["files"][0]["name"], "list.json");
  EXPECT_EQ(record["evidence"][0]["sha256"], ToHex(Sha256::Of(ByteView::Of("[]"))));
}

TEST_F(AcquisitionTest, NamesWhatFailedAndWhatPermissionIsMissing) {
  AcquisitionOptions options;
  options.output_directory = root_ + "/out";
  auto acquisition = Acquisition::Begin(options, diagnostics_);
  ASSERT_TRUE(acquisition);
  (*acquisition)->Failed("previous log", "there was no previous container");
  (*acquisition)->Failed("blocks", "AccessDenied", "ebs:GetSnapshotBlock");
  (*acquisition)->SetClockOffset("api", 0.5);
  (*acquisition)->SetClockOffset("sts", -90);
  ASSERT_TRUE((*acquisition)->Finish());
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kAcquireFailed), 1U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kAcquireDenied), 1U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kClockDiffers), 1U);
  EXPECT_THAT(diagnostics_.Sorted()[0].detail + diagnostics_.Sorted()[1].detail,
              HasSubstr("missing permission ebs:GetSnapshotBlock"));
  const json record = RecordIn(root_ + "/out");
  EXPECT_EQ(record["failures"][1]["missing_permission"], "ebs:GetSnapshotBlock");
  EXPECT_TRUE(record["failures"][0]["missing_permission"].is_null());
  EXPECT_EQ(record["clock_offsets"]["sts"], -90.0);
}

TEST_F(AcquisitionTest, RefusesNamesThatLeadOut) {
  AcquisitionOptions options;
  options.output_directory = root_ + "/out";
  auto acquisition = Acquisition::Begin(options, diagnostics_);
  ASSERT_TRUE(acquisition);
  for (const char* name : {"", "../x", "a/../../x", "/etc/x", "a//b", "a/", "acquisition.json"}) {
    EXPECT_FALSE((*acquisition)->Add(name, "test", "x")) << name;
  }
  ASSERT_TRUE((*acquisition)->Add("a", "test", "x"));
  EXPECT_FALSE((*acquisition)->Add("a", "test", "y"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/x"));
}

TEST_F(AcquisitionTest, NeedsAPlaceThatIsFree) {
  EXPECT_EQ(Acquisition::Begin({}, diagnostics_).error().code, ErrorCode::kInvalidArgument);
  AcquisitionOptions options;
  options.output_directory = root_;
  std::ofstream(root_ + "/file") << "x";
  EXPECT_EQ(Acquisition::Begin(options, diagnostics_).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(AcquisitionTest, HashesWhatAnotherWrote) {
  AcquisitionOptions options;
  options.output_directory = root_ + "/out";
  auto acquisition = Acquisition::Begin(options, diagnostics_);
  ASSERT_TRUE(acquisition);
  std::ofstream(root_ + "/out/disk.img") << "blocks";
  ASSERT_TRUE((*acquisition)->AddWritten("disk.img", "EBS direct API"));
  EXPECT_FALSE((*acquisition)->AddWritten("missing.img", "EBS direct API"));
  ASSERT_TRUE((*acquisition)->Finish());
  EXPECT_EQ(RecordIn(root_ + "/out")["files"][0]["sha256"],
            ToHex(Sha256::Of(ByteView::Of("blocks"))));
}

}  // namespace
}  // namespace ekshume::live
