// SPDX-License-Identifier: Apache-2.0
#include "collection/find_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ekshume::collection {
namespace {

using testing::HasSubstr;

TEST(FindCollectorTest, LooksWhereItIsTold) {
  std::string folder = testing::TempDir() + "ekshume-libexec-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ASSERT_EQ(setenv("EKSHUME_LIBEXEC", folder.c_str(), 1), 0);
  const auto missing = FindCollectorProgram("amd64");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr(folder + "/ekshume-collect-x86_64"));
  for (const char* name : {"/ekshume-collect-x86_64", "/ekshume-collect-aarch64"}) {
    std::ofstream(folder + name) << "program";
  }
  EXPECT_EQ(*FindCollectorProgram("amd64"), folder + "/ekshume-collect-x86_64");
  EXPECT_EQ(*FindCollectorProgram("x86_64"), folder + "/ekshume-collect-x86_64");
  EXPECT_EQ(*FindCollectorProgram("arm64"), folder + "/ekshume-collect-aarch64");
  EXPECT_EQ(*ReadCollectorProgram(folder + "/ekshume-collect-x86_64"), "program");
  EXPECT_EQ(ReadCollectorProgram(folder + "/none").error().code, ErrorCode::kNotFound);
  std::ofstream(folder + "/empty");
  EXPECT_FALSE(ReadCollectorProgram(folder + "/empty"));
  EXPECT_EQ(FindCollectorProgram("../../etc").error().code, ErrorCode::kUnsupported);
  unsetenv("EKSHUME_LIBEXEC");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekshume::collection
